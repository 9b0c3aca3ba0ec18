# SPDX-License-Identifier: Apache-2.0
"""Arithmetic and memory traffic, counted operation by operation while PyTorch runs."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


class Operation(NamedTuple):
    """One operation.

    Attributes:
        name: PyTorch's name for it.
        flop: Floating point operations; a multiplication and addition are two.
        values: Floating point values read and written, each once.
        fusible: Whether it works element by element, and so can be part of the operation before
            it, with no traffic of its own.
    """

    name: str
    flop: float
    values: float
    fusible: bool


class Work(NamedTuple):
    """What has to be done for one frame, as a list of operations."""

    operations: tuple[Operation, ...]

    @property
    def gflop(self) -> float:
        """Arithmetic of all operations [GFLOP]."""
        return 1e-9 * sum(each.flop for each in self.operations)

    def megabytes(self, bytes_per_value: int, *, fused: bool) -> float:
        """Return the traffic [MB].

        Args:
            bytes_per_value: 4 in float32, 2 in half precision.
            fused: Whether element-wise operations are part of their neighbours.
        """
        values = sum(each.values for each in self.operations if not (fused and each.fusible))
        return 1e-6 * bytes_per_value * values


class WorkCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the work of all PyTorch operations in its context, on any device, meta included.

    Convolutions and matrix products cost what PyTorch's own counter says, anything else one
    operation per output value. Views, allocations and integers are free.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._operations: list[Operation] = []

    @property
    def work(self) -> Work:
        """The work counted so far."""
        return Work(tuple(self._operations))

    def __torch_dispatch__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        packet = func._overloadpacket
        if not func.is_view and packet not in _FREE:
            written = _values(out)
            counted = flop_registry.get(packet)
            flop = counted(*args, **kwargs, out_val=out) if counted else written
            read = _values((args, kwargs))
            name = str(packet).removeprefix("aten.")
            self._operations.append(Operation(name, flop, read + written, _is_pointwise(func)))
        return out


_FREE = {
    torch.ops.aten.empty,
    torch.ops.aten.empty_like,
    torch.ops.aten.empty_strided,
    torch.ops.aten.new_empty,
    torch.ops.aten.detach,
    torch.ops.aten._unsafe_view,
    torch.ops.aten._local_scalar_dense,
}


def _values(tree: Any) -> float:
    tensors = (leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))
    return float(sum(each.numel() for each in tensors if each.is_floating_point()))


def _is_pointwise(func: Any) -> bool:
    """Whether an operation is tagged as element-wise, or is the in-place form of one that is."""
    if torch.Tag.pointwise in func.tags:
        return True
    plain = getattr(torch.ops.aten, func._opname.removesuffix("_"), None)
    overload = getattr(plain, func._overloadname, None)
    return func._opname.endswith("_") and torch.Tag.pointwise in getattr(overload, "tags", ())
