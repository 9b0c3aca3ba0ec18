# SPDX-License-Identifier: Apache-2.0
"""Whether kernels can be compiled and launched here."""

import torch
import triton
import triton.language as tl


@triton.jit
def write_one(target):
    """Write 1."""
    tl.store(target, 1.0)


def launch_one(device: torch.device) -> None:
    """Compile a kernel, launch it and wait for it.

    Triton is installed with PyTorch, but builds a C module when it is first used, so it also needs
    a compiler and Python's headers, and a GPU that it supports.

    Args:
        device: A CUDA device.

    Raises:
        Exception: It cannot be done; an error of Triton, its compiler or the driver.
    """
    with torch.cuda.device(device):
        target = torch.zeros(1, device=device)
        write_one[(1,)](target)
        if target.item() != 1:
            raise RuntimeError("a launched kernel did not write the expected value")
