# SPDX-License-Identifier: Apache-2.0
"""The executables that a colcon build installs for `ros2 run`."""

import subprocess
from pathlib import Path

import pytest

from affordance_seg_ros.errors import DeviceError

pytest.importorskip("moderngl")
packages = pytest.importorskip("ament_index_python.packages")


def executable(name: str) -> str:
    try:
        prefix = packages.get_package_prefix("affordance_seg_ros")
    except packages.PackageNotFoundError:
        pytest.skip("the package is not built by colcon")
    return str(Path(prefix) / "lib/affordance_seg_ros" / name)


@pytest.fixture
def opengl() -> None:
    pytest.importorskip("moderngl")
    from affordance_seg_ros.training.synthesis.gl_renderer import open_context

    try:
        open_context().release()
    except DeviceError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("opengl")
def test_worker_processes_do_not_start_the_command_again(tmp_path: Path) -> None:
    words = ["--clips", "2", "--workers", "2", "--frames", "6", "--size", "80x64", "--quiet"]
    command = [executable("affordance-seg"), "synth", "--out", str(tmp_path / "clips"), *words]
    run = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert run.returncode == 0, run.stderr
    assert len(list((tmp_path / "clips").glob("*/clip.json"))) == 2


@pytest.mark.parametrize("name", ["affordance-seg", "replay", "play"])
def test_executables_explain_themselves(name: str) -> None:
    run = subprocess.run(
        [executable(name), "--help"], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0
    assert "usage" in run.stdout
