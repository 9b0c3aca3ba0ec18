# SPDX-License-Identifier: Apache-2.0
"""What all tests share."""

import importlib.util
import os

import pytest
import torch

# Read when the flow kernels are first imported, whichever test does it: without a GPU Triton
# interprets them on the CPU.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")
# Triton and Mesa's renderer bring an LLVM each, and Triton's crashes where it comes second.
if importlib.util.find_spec("triton"):
    import triton  # noqa: F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    # These networks and pictures are small: on a busy machine more threads only get into each
    # other's way, and a test may take fifty times as long.
    torch.set_num_threads(1)
