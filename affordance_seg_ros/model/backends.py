# SPDX-License-Identifier: Apache-2.0
"""The ways to run the network, by name."""

import logging
import time
from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import torch

from affordance_seg_ros.config import InputConfig
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.model.cuda_graph import SideBySide, graph_capture
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.model.openvino_runner import OpenVinoRunner, is_installed
from affordance_seg_ros.model.runner import EagerRunner, NetworkRunner, converted
from affordance_seg_ros.model.static_runner import StaticRunner, capture_directly

_LOG = logging.getLogger(__name__)

_HALF = {"cpu": torch.bfloat16, "cuda": torch.float16}


class _Task(NamedTuple):
    """What a runner is made for: the network on its device, the input's size [px], the dtype."""

    network: AffordanceNetwork
    device: torch.device
    height: int
    width: int
    dtype: torch.dtype


class _Backend(NamedTuple):
    """A way to run the network: on which devices, how long it takes to prepare, how it is built."""

    devices: tuple[str, ...]
    takes: str
    build: Callable[[_Task], NetworkRunner]


def build_runner(
    network: AffordanceNetwork, config: InputConfig, *, backend: str, precision: str
) -> NetworkRunner:
    """Prepare the network to run frame after frame.

    A preparation that takes long is logged before it begins and after it ends.

    Args:
        network: The network, float32, on the device where it is to run; not changed.
        config: The weights' input; the network is prepared for its size.
        backend: A name of `PipelineConfig.network_backend`.
        precision: A name of `PipelineConfig.network_precision`.

    Raises:
        ConfigError: The back end is not for this device, or what it needs is not installed.
    """
    device = network.fusion.conv.weight.device
    name = _chosen(device) if backend == "auto" else backend
    chosen = BACKENDS[name]
    if device.type not in chosen.devices:
        fitting = [each for each, other in BACKENDS.items() if device.type in other.devices]
        raise ConfigError(
            f"network_backend='{name}' on device '{device}'; expected one of "
            f"{', '.join(('auto', *fitting))}"
        )
    half = precision == "half" or (precision == "auto" and name == "cuda_graph")
    dtype = _HALF[device.type] if half else torch.float32
    if chosen.takes:
        _LOG.info("preparing the network (%s): takes %s", name, chosen.takes)
    start = time.perf_counter()
    runner = chosen.build(_Task(network, device, config.height, config.width, dtype))
    duration_s = time.perf_counter() - start
    _LOG.info("network: %s; prepared in %.1f s", runner.description, duration_s)
    return runner


def _chosen(device: torch.device) -> str:
    """Return the back end that ``auto`` selects on a device."""
    if device.type == "cuda":
        return "cuda_graph"
    if is_installed():
        return "openvino"
    _LOG.warning(
        "OpenVINO is not installed: the network runs in PyTorch, which is slower; expected the "
        "packages of `pip install affordance_seg_ros[openvino]`"
    )
    return "channels_last"


def _eager(task: _Task) -> NetworkRunner:
    return EagerRunner(task.network, dtype=task.dtype)


def _channels_last(task: _Task) -> NetworkRunner:
    return EagerRunner(task.network, dtype=task.dtype, memory_format=torch.channels_last)


def _compiled(task: _Task) -> NetworkRunner:
    """Compile for this picture size; on a GPU the compiled step is recorded as a graph."""
    network = converted(task.network, task.dtype, torch.channels_last)
    on_gpu = task.device.type == "cuda"
    try:
        return StaticRunner(
            network,
            torch.compile(network.step, fullgraph=True, dynamic=False),
            task.height,
            task.width,
            capture=graph_capture(task.device) if on_gpu else capture_directly,
            description="compiled PyTorch",
        )
    except torch.cuda.OutOfMemoryError:
        raise  # not the compiler's fault
    except RuntimeError as error:  # the base of everything that torch.compile raises
        # The rest of the message is hints for PyTorch's developers.
        reason = " ".join(str(error).partition("\n\n")[0].split())
        raise ConfigError(
            f"network_backend='compiled': PyTorch cannot compile the network here: {reason}; "
            "expected a C++ compiler, and Triton on a GPU; or another back end"
        ) from error


def _openvino(task: _Task) -> NetworkRunner:
    return OpenVinoRunner(task.network, task.height, task.width, dtype=task.dtype)


def _cuda_graph(task: _Task) -> NetworkRunner:
    network = converted(task.network, task.dtype, torch.channels_last)
    return StaticRunner(
        network,
        partial(network.step, fork=SideBySide(task.device, len(network.streams))),
        task.height,
        task.width,
        capture=graph_capture(task.device),
        description="CUDA graph",
    )


BACKENDS: MappingProxyType[str, _Backend] = MappingProxyType(
    {
        "eager": _Backend(("cpu", "cuda"), "", _eager),
        "channels_last": _Backend(("cpu", "cuda"), "", _channels_last),
        "compiled": _Backend(("cpu", "cuda"), "a minute or more the first time", _compiled),
        "openvino": _Backend(("cpu",), "a few seconds", _openvino),
        "cuda_graph": _Backend(("cuda",), "a few seconds", _cuda_graph),
    }
)
"""The back ends by their names in `PipelineConfig.network_backend`."""
