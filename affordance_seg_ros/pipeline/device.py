# SPDX-License-Identifier: Apache-2.0
"""Choice of the compute device."""

import logging
import re

import torch

from affordance_seg_ros.errors import DeviceError

_LOG = logging.getLogger(__name__)


def resolve_device(name: str) -> torch.device:
    """Return the device for a name: auto (CUDA where it works), cpu, cuda or cuda:N.

    Raises:
        DeviceError: The name is unknown, there is no such device, or PyTorch cannot use it.
    """
    if name == "auto":
        return _best()
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
    device = torch.device(name)
    if trouble := _trouble(device):
        raise DeviceError(
            f"device '{name}', which PyTorch {torch.__version__} cannot use: {trouble}; expected "
            f"cpu, or a GPU of {', '.join(torch.cuda.get_arch_list())}, for which it was built"
        )
    return device


def _best() -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda")
    if trouble := _trouble(device):
        _LOG.warning(
            "device=auto falls back to the CPU, as PyTorch cannot use the GPU: %s", trouble
        )
        return torch.device("cpu")
    return device


def _trouble(device: torch.device) -> str:
    """Return why PyTorch cannot compute on a GPU, or an empty string if it can.

    PyTorch counts every GPU as available, even one for which it has no kernels.
    """
    try:
        torch.zeros(1, device=device).add_(1).cpu()
    except RuntimeError as error:
        return str(error).partition("\n")[0]
    return ""
