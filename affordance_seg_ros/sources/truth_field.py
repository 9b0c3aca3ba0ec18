# SPDX-License-Identifier: Apache-2.0
"""Compact files for smooth fields of true values: motion and depth of rendered clips.

Values are rounded to a unit; each is predicted from its left, upper and upper left neighbour as on
a plane; the differences are split into byte planes and deflated. On rendered motion that is half
the size of a 16-bit PNG.
"""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import error as ZlibError  # noqa: N812  (zlib spells it like a module)

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import SourceError

MOTION_UNIT_M = 8e-6
"""Step of stored motion [m]: an error of 6.9 micrometres at most."""

DEPTH_UNIT_M = 1e-5
"""Step of stored true depth [m]."""


def write_field(
    path: Path,
    values_m: npt.NDArray[np.floating[Any]],
    unit_m: float,
    mask: npt.NDArray[np.bool_] | None = None,
) -> None:
    """Write a field, and a mask of its pixels if there is one, as a numpy ``.npz`` file.

    Args:
        path: File to write.
        values_m: (..., H, W) finite values [m].
        unit_m: Step to which values are rounded [m].
        mask: (H, W) bool.

    Raises:
        SourceError: A value is not finite or beyond 2^30 steps.
    """
    steps = np.rint(np.asarray(values_m, np.float64) / unit_m)
    if not (np.abs(steps) < 2**30).all():
        raise SourceError(
            f"{path.name}: values up to {np.abs(values_m).max():g} m; expected finite ones below "
            f"{2**30 * unit_m:g} m"
        )
    residual = np.diff(np.diff(steps.astype(np.int32), axis=-1, prepend=0), axis=-2, prepend=0)
    zigzag = ((residual << 1) ^ (residual >> 31)).astype("<u4")
    planes = np.moveaxis(zigzag[..., None].view(np.uint8), -1, 0)
    bits = np.packbits(mask) if mask is not None else np.zeros(0, np.uint8)
    with path.open("wb") as file:
        np.savez_compressed(file, planes=planes, unit_m=np.float64(unit_m), mask=bits)


def read_field(path: Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_] | None]:
    """Read a field [m] and its mask, as `write_field` wrote them.

    Raises:
        SourceError: The file cannot be read or is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            planes, unit_m, bits = file["planes"], float(file["unit_m"]), file["mask"]
        if planes.dtype != np.uint8 or planes.ndim < 3 or planes.shape[0] != 4:
            raise ValueError(f"planes {planes.dtype} of shape {planes.shape}")
        zigzag = np.ascontiguousarray(np.moveaxis(planes, 0, -1)).view("<u4")[..., 0]
        residual = (zigzag >> 1).astype(np.int32) ^ -(zigzag & 1).astype(np.int32)
        steps = residual.cumsum(-2, dtype=np.int32).cumsum(-1, dtype=np.int32)
        shape = planes.shape[-2:]
        mask = None
        if bits.size:
            if bits.dtype != np.uint8 or bits.size != -(-shape[0] * shape[1] // 8):
                raise ValueError(f"mask {bits.dtype} of {bits.size} bytes")
            mask = np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape).astype(bool)
    except (
        OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, ZlibError,
    ) as error:  # fmt: skip
        raise SourceError(f"{path} is damaged: {error}") from None
    return (steps * unit_m).astype(np.float32), mask
