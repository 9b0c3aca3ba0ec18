# SPDX-License-Identifier: Apache-2.0
"""The network in OpenVINO: the fastest way on a CPU."""

import warnings
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from affordance_seg_ros.errors import ConfigError, FrameError
from affordance_seg_ros.model.network import AffordanceNetwork, StepOutput
from affordance_seg_ros.model.runner import name_of
from affordance_seg_ros.model.tensor_step import TensorStep

_PRECISIONS = {torch.float32: "f32", torch.bfloat16: "bf16"}


class OpenVinoRunner:
    """The step function, converted once for one picture size.

    The model reads and writes PyTorch's memory: each frame copies its pictures in, and the memory
    of the network back from output to input.

    Args:
        network: The network, float32 on the CPU.
        height: Height of the pictures [px].
        width: Width of the pictures [px].
        dtype: Type of the numbers inside, float32 or bfloat16.

    Raises:
        ConfigError: OpenVINO is not installed.
    """

    def __init__(
        self,
        network: AffordanceNetwork,
        height: int,
        width: int,
        *,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if not is_installed():
            raise ConfigError(
                "network_backend='openvino', but OpenVINO is not installed; expected the packages "
                "of `pip install affordance_seg_ros[openvino]`, or another back end"
            )
        import openvino

        channels = [n for n in (network.appearance_channels, network.flow_channels) if n]
        self._pictures = [torch.zeros(1, n, height, width) for n in channels]
        self._memory = network.empty_state(1, height, width)
        inputs = (*self._pictures, *self._memory)
        threads = torch.get_num_threads()
        compiled = _core().compile_model(
            _convert(network, inputs),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": _PRECISIONS[dtype],
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_NUM_THREADS": threads,
            },
        )
        outputs = [torch.zeros(tuple(each.shape)) for each in compiled.outputs]
        self._output = StepOutput(*outputs[: len(StepOutput._fields)])
        self._next_memory = network.state_type(*outputs[len(StepOutput._fields) :])
        self._request = compiled.create_infer_request()
        for index, each in enumerate(inputs):
            self._request.set_input_tensor(index, openvino.Tensor(each.numpy(), shared_memory=True))
        for index, each in enumerate(outputs):
            self._request.set_output_tensor(
                index, openvino.Tensor(each.numpy(), shared_memory=True)
            )
        version = openvino.__version__.split("-")[0]
        self._description = f"OpenVINO {version}, {name_of(dtype)}, {threads} thread(s)"

    @property
    def description(self) -> str:
        """What runs the network; see `NetworkRunner`."""
        return self._description

    @torch.inference_mode()
    def step(self, appearance: Tensor, flow: Tensor | None) -> StepOutput:
        """Take the next frame; see `NetworkRunner`."""
        given = [appearance] if flow is None else [appearance, flow]
        came, accepted = (
            [tuple(each.shape) for each in group] for group in (given, self._pictures)
        )
        if came != accepted:
            raise FrameError(f"pictures of shapes {came}; expected {accepted}")
        for target, source in zip(self._pictures, given, strict=True):
            target.copy_(source)
        self._request.infer()
        for target, source in zip(self._memory, self._next_memory, strict=True):
            target.copy_(source)
        return self._output

    def reset(self) -> None:
        """Empty the memory; see `NetworkRunner`."""
        for each in self._memory:
            each.zero_()


def is_installed() -> bool:
    """Return whether OpenVINO can be imported; imports nothing."""
    return find_spec("openvino") is not None


@cache
def _core() -> Any:
    """Return the one OpenVINO core of the process.

    Each core gives the thread that first compiles with it a signal stack, and frees that stack when
    the core is destroyed. With two cores in turn, the thread is left with a freed stack, and the
    next signal that Python handles, such as the end of a child process, is a segmentation fault.
    """
    import openvino

    return openvino.Core()


def _convert(network: AffordanceNetwork, inputs: tuple[Tensor, ...]) -> Any:
    """Return the step function as a model of OpenVINO, for inputs of exactly these sizes.

    `openvino.convert_model` would do the same, but reports each use online where the package
    openvino-telemetry is installed, and warns about operations that no network here has.
    """
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.fx_decoder import TorchFXPythonDecoder

    with warnings.catch_warnings():
        # PyTorch warns about its own use of one of its classes.
        warnings.filterwarnings("ignore", category=FutureWarning)
        program = torch.export.export(TensorStep(network).eval(), inputs, strict=False)
        program = program.run_decompositions()
    frontend = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchFXPythonDecoder(program.module(), dynamic_shapes=False)
    # Named, since the front end does not keep alive what it reads from.
    model = frontend.load(decoder)
    return frontend.convert(model)
