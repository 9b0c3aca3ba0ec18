# SPDX-License-Identifier: Apache-2.0
"""What the interpreter forgives, the compiler does not: it runs without a GPU too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

KERNELS = {
    "halve", "sum_depth", "describe_surface", "carry", "linearise", "measure_misfit",
    "choose_start", "back_project", "begin", "iterate", "filter_median", "refine",
    "fit_shifts", "jump", "write_one",
}  # fmt: skip


def test_every_kernel_compiles_for_orin_and_hopper(tmp_path):
    pytest.importorskip("triton")
    environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path), "TRITON_INTERPRET": "0"}
    script = Path(__file__).with_name("compile_kernels.py")
    done = subprocess.run(
        [sys.executable, str(script), "87", "90"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    compiled = [line.split() for line in done.stdout.splitlines()]
    assert {(name, target) for name, target, _ in compiled} == {
        (name, target) for name in KERNELS for target in ("87", "90")
    }
    assert all(int(size) > 0 for _, _, size in compiled)
