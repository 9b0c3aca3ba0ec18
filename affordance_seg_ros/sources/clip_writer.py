# SPDX-License-Identifier: Apache-2.0
"""Writes an interaction clip, completely or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.frames import DepthImage
from affordance_seg_ros.labels import IGNORE, LabelSet
from affordance_seg_ros.sources.clip_info import ROLES, ClipInfo, write_clip_info
from affordance_seg_ros.sources.picture import decode_picture
from affordance_seg_ros.sources.truth_field import DEPTH_UNIT_M, MOTION_UNIT_M, write_field
from affordance_seg_ros.whole_file import partial_path

_JPEG_QUALITY = 95
# On noisy 320x240 depth 8 % smaller than level 3; level 9 takes eight times as long for 2 % more.
_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 6, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_FILTERED)
_SUFFIXES = {b"\xff\xd8\xff": ".jpg", b"\x89PN": ".png"}

LabelMap = npt.NDArray[np.uint8]


class ClipWriter:
    """Writes one clip folder, as a context manager.

    Everything goes into a hidden folder beside the target, which takes the target's name when the
    block ends normally and is removed when it does not, Ctrl-C included. The folder has a unique
    name, `.NAME.*.partial`: nothing from another writer is mixed in, and what a killed one left
    behind stays.
    """

    def __init__(self, path: Path | str, info: ClipInfo) -> None:
        """Prepare a writer; nothing is written before the block is entered.

        Args:
            path: Folder to create; it must not exist.
            info: Description of the clip.
        """
        self.path = Path(path)
        self.info = info
        self._folder = partial_path(self.path)
        self._stamps_ns: list[int] = []

    def __enter__(self) -> "ClipWriter":
        if self.path.exists():
            raise SourceError(f"{self.path} exists; expected a new folder")
        with _named_errors(self.path):
            self._folder.mkdir(parents=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                if not self._stamps_ns:
                    raise SourceError(f"{self.path}: clip without frames; expected at least one")
                with _named_errors(self.path):
                    write_clip_info(self._folder, self.info, tuple(self._stamps_ns))
                    self._folder.rename(self.path)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def add_frame(
        self,
        stamp_ns: int,
        color: npt.NDArray[np.uint8] | bytes,
        depth: DepthImage | npt.NDArray[np.uint16],
        *,
        labels: LabelMap | None = None,
        affordances: LabelMap | None = None,
        roles: LabelMap | None = None,
        motion_m: npt.NDArray[np.floating[Any]] | None = None,
        occluded: npt.NDArray[np.bool_] | None = None,
        true_depth_m: npt.NDArray[np.floating[Any]] | None = None,
    ) -> None:
        """Append a frame.

        Args:
            stamp_ns: Stamp [ns], later than that of the previous frame.
            color: (H, W, 3) uint8 RGB, stored as JPEG; or the bytes of a JPEG or PNG file, stored
                as they are.
            depth: (H, W) depth aligned to colour; stored in whole millimetres, with 0 for none
                and for depth beyond 65.535 m. An array is in millimetres.
            labels: (H, W) ids of the demonstrated affordance, 255 = ignore.
            affordances: (H, W) ids of every part's affordance, demonstrated or not.
            roles: (H, W) indices of `ROLES`, what each pixel shows.
            motion_m: (3, H, W) true 3D motion to the next frame in the camera frame [m].
            occluded: (H, W) true where what is seen is hidden in the next frame; with motion_m.
            true_depth_m: (H, W) depth without sensor noise [m]; NaN or 0 for none.

        Raises:
            SourceError: A size, a stamp or a label id is wrong, or writing to disk fails.
        """
        index = len(self._stamps_ns)
        if self._stamps_ns and stamp_ns <= self._stamps_ns[-1]:
            raise SourceError(
                f"{self.path}: stamp {stamp_ns} after {self._stamps_ns[-1]}; expected a later one"
            )
        suffix, data = self._encode_color(color)
        self._write(f"color/{index:05}{suffix}", data)
        self._write_png(f"depth/{index:05}.png", _millimetres(depth))
        if labels is not None:
            self._write_labels(f"labels/{index:05}.png", labels)
        if affordances is not None:
            self._write_labels(f"affordances/{index:05}.png", affordances)
        if roles is not None:
            check_roles(f"{self.path}: roles", roles)
            self._write_png(f"roles/{index:05}.png", roles)
        if motion_m is not None:
            self._check_size("motion", motion_m.shape, (3, *self._shape))
            if occluded is not None:
                self._check_size("occlusion mask", occluded.shape, self._shape)
            self._write_field(f"flow/{index:05}.npz", motion_m, MOTION_UNIT_M, occluded)
        if true_depth_m is not None:
            self._check_size("true depth", true_depth_m.shape, self._shape)
            known = np.nan_to_num(true_depth_m, nan=0.0)
            self._write_field(f"true_depth/{index:05}.npz", known, DEPTH_UNIT_M, None)
        self._stamps_ns.append(int(stamp_ns))

    def set_label(self, label: LabelMap) -> None:
        """Store the label of the last frame: (H, W) ids of the demonstrated affordance."""
        self._write_labels("label.png", label)

    def set_affordances(self, label: LabelMap) -> None:
        """Store the label of the last frame: (H, W) ids of every part's affordance."""
        self._write_labels("affordances.png", label)

    @property
    def _shape(self) -> tuple[int, int]:
        return self.info.camera.height, self.info.camera.width

    def _check_size(self, what: str, came: tuple[int, ...], expected: tuple[int, ...]) -> None:
        if came != expected:
            raise SourceError(f"{self.path}: {what} of shape {came}; expected {expected}")

    def _encode_color(self, color: npt.NDArray[np.uint8] | bytes) -> tuple[str, bytes]:
        if isinstance(color, bytes):
            suffix = _SUFFIXES.get(color[:3])
            data = np.frombuffer(color, np.uint8)
            pixels = decode_picture(data, cv2.IMREAD_COLOR) if suffix else None
            if suffix is None or pixels is None:
                raise SourceError(
                    f"{self.path}: {len(color)} bytes of colour are not a JPEG or PNG"
                )
            self._check_size("colour", pixels.shape, (*self._shape, 3))
            return suffix, color
        self._check_size("colour", color.shape, (*self._shape, 3))
        bgr = cv2.cvtColor(color, cv2.COLOR_RGB2BGR)
        _, jpeg = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY))
        return ".jpg", jpeg.tobytes()

    def _write_labels(self, name: str, labels: LabelMap) -> None:
        check_label_ids(f"{self.path}: {name}", labels, self.info.labels)
        self._write_png(name, labels)

    def _write_png(self, name: str, pixels: npt.NDArray[Any]) -> None:
        self._check_size(name, pixels.shape, self._shape)
        self._write(name, cv2.imencode(".png", pixels, _PNG)[1].tobytes())

    def _write(self, name: str, data: bytes) -> None:
        with _named_errors(self.path):
            path = self._folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)

    def _write_field(
        self,
        name: str,
        values_m: npt.NDArray[np.floating[Any]],
        unit_m: float,
        mask: npt.NDArray[np.bool_] | None,
    ) -> None:
        with _named_errors(self.path):
            path = self._folder / name
            path.parent.mkdir(exist_ok=True)
            write_field(path, values_m, unit_m, mask)


def check_label_ids(where: str, labels: npt.NDArray[Any], names: LabelSet) -> None:
    """Raise SourceError unless all ids of a uint8 label map are known, or 255 (ignore)."""
    if labels.dtype != np.uint8:
        raise SourceError(f"{where} holds {labels.dtype}; expected uint8 ids")
    present = np.flatnonzero(np.bincount(labels.ravel(), minlength=256))
    unknown = [int(i) for i in present if i >= names.class_count and i != IGNORE]
    if unknown:
        raise SourceError(
            f"{where} holds label ids {unknown}; expected 0 to {names.class_count - 1}, or {IGNORE}"
        )


def check_roles(where: str, roles: npt.NDArray[Any]) -> None:
    """Raise SourceError unless a map holds uint8 indices of `ROLES`."""
    if roles.dtype != np.uint8 or roles.max(initial=0) >= len(ROLES):
        raise SourceError(
            f"{where} holds {roles.dtype} up to {roles.max(initial=0)}; expected uint8 from 0 to "
            f"{len(ROLES) - 1}"
        )


def _millimetres(depth: DepthImage | npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    if not isinstance(depth, DepthImage):
        depth = DepthImage(depth, 0.001)
    if depth.raw.dtype == np.uint16 and depth.metres_per_unit == 0.001:
        return depth.raw.astype(np.uint16, copy=False)
    millimetres = np.nan_to_num(np.rint(depth.to_metres() * 1000), nan=0.0)
    return np.where(millimetres <= 65535, millimetres, 0).astype(np.uint16)


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceError(f"cannot write {path}: {error.strerror or error}") from error
