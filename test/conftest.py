# SPDX-License-Identifier: Apache-2.0
"""What all tests share."""

import importlib.util
import os
import re

import pytest
import torch

# Read when any test first imports the flow kernels: without a GPU, Triton interprets them on the
# CPU.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")
# Triton and Mesa's renderer each bring an LLVM, and Triton's crashes if it is loaded second.
if importlib.util.find_spec("triton"):
    import triton  # noqa: F401


_INSTALLED_BY_SETUP = re.compile(
    r"could not import '(affordance_seg_ros|ament_index_python|moderngl|pyk4a|rclpy|triton)\b"
    r"|OpenGL|not built by colcon|OpenVINO is not installed|pyk4a not installed"
)
"""Skip reasons that do not apply once `make setup` has installed everything it installs."""

_skipped: set[str] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note(report)


def _note(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple):
        _skipped.add(report.longrepr[2])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail if a test was skipped for lack of something that must be there, for example in CI."""
    lacking = sorted(filter(_INSTALLED_BY_SETUP.search, _skipped))
    if os.environ.get("AFFORDANCE_COMPLETE") and lacking and session.exitstatus == 0:
        print("\nAFFORDANCE_COMPLETE is set, and tests were skipped:", *lacking, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    # These networks and pictures are small: on a busy machine, more threads only get in each
    # other's way, and a test may take fifty times as long.
    torch.set_num_threads(1)
