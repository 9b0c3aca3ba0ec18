# SPDX-License-Identifier: Apache-2.0
"""Video files."""

from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.readable import readable

# MPEG-4 part 2: the one codec for .mp4 that every OpenCV wheel can write at camera speed.
_FOURCC = cv2.VideoWriter.fourcc(*"mp4v")


class VideoWriter:
    """Writes pictures to an .mp4 file; a context manager that raises on exit if it is incomplete.

    Args:
        path: The file, replaced if it exists.
        rate_hz: Pictures per second when it is played [Hz].

    Raises:
        SourceError: The path is not UTF-8.
    """

    def __init__(self, path: Path, rate_hz: float) -> None:
        if readable(str(path)) != str(path):
            # OpenCV terminates the process on such a name.
            raise SourceError(f"{path}: cannot be written to; expected a name in UTF-8")
        self._path = path
        self._rate_hz = rate_hz
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._written = 0

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is None:
            return
        self._writer.release()
        if error is None:
            self._check()

    def write(self, picture: npt.NDArray[np.uint8]) -> None:
        """Append a picture (H, W, 3) RGB, resized to the first one's size if that differs.

        Raises:
            SourceError: The file cannot be written.
        """
        height, width = picture.shape[:2]
        if self._writer is None:
            # The codec needs even sizes.
            self._size = (width + width % 2, height + height % 2)
            self._writer = cv2.VideoWriter(str(self._path), _FOURCC, self._rate_hz, self._size)
            if not self._writer.isOpened():
                raise SourceError(f"{self._path}: cannot be written as an MPEG-4 video")
        if (width, height) != self._size:
            picture = np.asarray(cv2.resize(picture, self._size), np.uint8)
        self._writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        self._written += 1

    def _check(self) -> None:
        """Raise if the file is incomplete: OpenCV's writer does not report a full disk."""
        reader = cv2.VideoCapture(str(self._path))
        try:
            there = int(reader.get(cv2.CAP_PROP_FRAME_COUNT)) if reader.isOpened() else 0
        finally:
            reader.release()
        if there != self._written:
            raise SourceError(
                f"{self._path}: {there} of {self._written} pictures were written; is the disk full?"
            )
