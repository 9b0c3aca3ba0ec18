# SPDX-License-Identifier: Apache-2.0
"""Choice of the compute device."""

import re

import torch

from affordance_seg_ros.errors import DeviceError


def resolve_device(name: str) -> torch.device:
    """Return the device of a name: auto (CUDA when there is one), cpu, cuda or cuda:N.

    Raises:
        DeviceError: The name is unknown, or no such device is there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    match = re.fullmatch(r"cuda(?::(\d+))?", name)
    if match is None:
        raise DeviceError(f"device '{name}'; expected auto, cpu, cuda or cuda:N")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(match[1] or 0) >= count:
        raise DeviceError(
            f"device '{name}', but PyTorch {torch.__version__} sees {count} CUDA device(s); "
            "expected auto, cpu, or an installed GPU with a CUDA build of PyTorch"
        )
    return torch.device(name)
