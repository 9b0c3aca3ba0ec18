# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

import pytest

POLICIES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
PRINT = f"import os; print([os.environ.get(name) for name in {POLICIES}])"


def run(code: str, **environment: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if name not in POLICIES}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=inherited | environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "start",
    [
        "import sys; sys.argv = ['affordance-seg', '--version']\n"
        "from affordance_seg_ros.cli import main\n"
        "try: main()\nexcept SystemExit: pass",
        "from affordance_seg_ros.threads import share_processor; share_processor()",
    ],
)
def test_threads_sleep_after_a_moment_of_waiting(start: str) -> None:
    assert "[None, '10000']" in run(f"{start}\n{PRINT}")


def test_the_user_s_policy_is_left_alone() -> None:
    code = f"from affordance_seg_ros.threads import share_processor; share_processor()\n{PRINT}"
    assert run(code, OMP_WAIT_POLICY="ACTIVE") == "['ACTIVE', None]\n"
    assert run(code, GOMP_SPINCOUNT="7") == "[None, '7']\n"


def test_it_is_refused_when_it_comes_too_late() -> None:
    code = "import torch; from affordance_seg_ros.threads import share_processor; share_processor()"
    assert "call it before" in run(code)
