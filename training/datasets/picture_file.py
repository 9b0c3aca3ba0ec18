# SPDX-License-Identifier: Apache-2.0
"""Pictures of published data sets, with errors that name the file."""

import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.sources.picture import read_picture


def read_color(path: Path) -> npt.NDArray[np.uint8]:
    """Return an (H, W, 3) uint8 RGB picture.

    Raises:
        SourceError: The file is missing or damaged.
    """
    bgr = _decode(path, cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def read_depth_mm(path: Path) -> npt.NDArray[np.uint16]:
    """Return (H, W) uint16 millimetres, 0 for no depth.

    Raises:
        SourceError: The file is missing, damaged, or not a 16-bit picture with one channel.
    """
    depth = _decode(path, cv2.IMREAD_UNCHANGED)
    if depth.dtype != np.uint16 or depth.ndim != 2:
        raise SourceError(
            f"{path} holds {depth.dtype} of shape {depth.shape}; expected 16 bits, one channel"
        )
    return depth


def read_numbers(path: Path) -> npt.NDArray[np.float64]:
    """Return the (H, W) numbers of a text file of H lines.

    Raises:
        SourceError: The file is missing, empty, or not a table of numbers.
    """
    if not path.is_file():
        raise SourceError(f"{path} is missing")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # for empty files, which are refused below
            numbers = np.atleast_2d(np.loadtxt(path))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} is damaged: {error}") from None
    if not numbers.size:
        raise SourceError(f"{path} is damaged: it is empty")
    return numbers


def label_ids(numbers: npt.NDArray[Any], path: Path) -> npt.NDArray[np.uint8]:
    """Return (H, W) numbers of a file as uint8 ids.

    Raises:
        SourceError: They are not ids.
    """
    plain = numbers.dtype.kind in "uif" and numbers.ndim == 2
    if not (plain and ((numbers >= 0) & (numbers <= 255) & (numbers == np.rint(numbers))).all()):
        raise SourceError(f"{path} holds numbers that are not label ids")
    return numbers.astype(np.uint8)


def still_frame(
    color: npt.NDArray[np.uint8],
    depth_mm: npt.NDArray[np.uint16],
    *,
    stamp_ns: int,
    focal_length_at_640_px: float,
) -> RgbdFrame:
    """Return a frame of a data set that publishes no calibration.

    Args:
        color: (H, W, 3) uint8 RGB.
        depth_mm: (H, W) uint16.
        stamp_ns: Stamp [ns].
        focal_length_at_640_px: The sensor's nominal focal length on 640 columns [px]; the principal
            point is the centre.

    Raises:
        FrameError: The sizes differ.
    """
    height, width = color.shape[:2]
    focal = focal_length_at_640_px * width / 640
    camera = Camera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)
    return RgbdFrame(stamp_ns, "camera", color, DepthImage(depth_mm, 1e-3), camera)


def _decode(path: Path, flags: int) -> npt.NDArray[Any]:
    if not path.is_file():
        raise SourceError(f"{path} is missing")
    return read_picture(path, flags)
