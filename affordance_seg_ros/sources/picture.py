# SPDX-License-Identifier: Apache-2.0
"""Picture files."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import SourceError


def read_picture(path: Path, flags: int) -> npt.NDArray[Any]:
    """Read a picture file as OpenCV decodes it; colour is BGR.

    Args:
        path: File of any format that OpenCV knows.
        flags: How to decode it, `cv2.IMREAD_...`.

    Raises:
        SourceError: The file cannot be read, or is not a picture.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from error
    pixels = decode_picture(data, flags)
    if pixels is None:
        raise SourceError(f"{path} is damaged: {data.size} bytes that are not a picture")
    return pixels


def decode_picture(data: npt.NDArray[np.uint8], flags: int) -> npt.NDArray[Any] | None:
    """Return the picture in the bytes of a file; None if they are not a picture.

    Args:
        data: (N,) bytes.
        flags: How to decode them, `cv2.IMREAD_...`. The EXIF orientation is ignored:
            depth and calibration refer to the sensor's own rows.
    """
    if not data.size:
        return None
    if flags != cv2.IMREAD_UNCHANGED:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        return cv2.imdecode(data, flags)
    except cv2.error:  # as for a damaged header that claims a giant size
        return None
