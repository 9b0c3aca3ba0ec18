# SPDX-License-Identifier: Apache-2.0
"""Reads an interaction clip, picture by picture on request."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.sources.clip_info import ClipInfo, read_clip_info
from affordance_seg_ros.sources.clip_writer import check_label_ids, check_roles
from affordance_seg_ros.sources.picture import read_picture
from affordance_seg_ros.sources.truth_field import read_field

_OF_LAST_FRAME = {"labels": "label.png", "affordances": "affordances.png"}
"""By folder of all frames' labels: the file used if the last frame has no label there."""
_FRAME_NUMBER = re.compile(r"\d{5}")


class TrueMotion(NamedTuple):
    """Rendered motion from one frame to the next.

    Attributes:
        motion_m: (3, H, W) float32 motion in the camera frame [m].
        occluded: (H, W) bool, true where what is seen is hidden in the next frame.
    """

    motion_m: npt.NDArray[np.float32]
    occluded: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Clip:
    """A clip on disk; only its description is in memory.

    Attributes:
        path: The clip's folder.
        info: Its description.
        stamps_ns: Stamp of each frame [ns].
    """

    path: Path
    info: ClipInfo
    stamps_ns: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.stamps_ns)

    def frames(self) -> Iterator[RgbdFrame]:
        """Yield the frames in order."""
        for index in range(len(self)):
            yield self.frame(index)

    def frame(self, index: int) -> RgbdFrame:
        """Return one frame; negative indices count from the end.

        Raises:
            SourceError: The frame does not exist, or a file is missing, damaged or of another size.
        """
        index = self._index(index)
        color_path = self.color_path(index)
        color = self._picture(color_path, cv2.IMREAD_COLOR, np.uint8)
        depth = self._picture(self.path / f"depth/{index:05}.png", cv2.IMREAD_UNCHANGED, np.uint16)
        return RgbdFrame(
            stamp_ns=self.stamps_ns[index],
            frame_id=self.info.frame_id,
            color=cv2.cvtColor(color, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False),
            depth=DepthImage(depth, 0.001),
            camera=self.info.camera,
        )

    def has_label(self, index: int = -1) -> bool:
        """Return whether a frame has a label of the demonstrated affordance."""
        index = self._index(index)
        is_last = index == len(self) - 1
        return (self.path / f"labels/{index:05}.png").exists() or (
            is_last and (self.path / "label.png").exists()
        )

    def labelled(self, kind: str) -> list[int]:
        """Return the numbers of the frames that have a label, in order; nothing is decoded.

        Args:
            kind: ``labels`` of what is demonstrated, or ``affordances`` of every part.
        """
        names = (path.stem for path in (self.path / kind).glob("*.png"))
        found = {int(name) for name in names if _FRAME_NUMBER.fullmatch(name)}
        if (self.path / _OF_LAST_FRAME[kind]).exists():
            found.add(len(self) - 1)
        return sorted(found & set(range(len(self))))

    def label(self) -> npt.NDArray[np.uint8]:
        """Return the (H, W) label of the last frame: ids of the demonstrated affordance.

        Raises:
            SourceError: There is none, or it is damaged or holds unknown ids.
        """
        path = self.path / "label.png"
        found = None if path.exists() else self._optional_labels("labels", -1)
        return self._labels(path) if found is None else found

    def labels(self, index: int) -> npt.NDArray[np.uint8] | None:
        """Return the (H, W) label of a frame, like `label`; None if it has none."""
        return self._optional_labels("labels", index)

    def affordances(self, index: int = -1) -> npt.NDArray[np.uint8] | None:
        """Return the (H, W) affordance of every part, demonstrated or not; None if not stored."""
        return self._optional_labels("affordances", index)

    def roles(self, index: int) -> npt.NDArray[np.uint8] | None:
        """Return what each pixel shows, (H, W) indices of `ROLES`; None if not stored."""
        path = self.path / f"roles/{self._index(index):05}.png"
        if not path.exists():
            return None
        roles = self._picture(path, cv2.IMREAD_UNCHANGED, np.uint8)
        check_roles(str(path), roles)
        return roles

    def flow(self, index: int) -> TrueMotion | None:
        """Return the true motion from a frame to the next; None if not stored."""
        path = self.path / f"flow/{self._index(index):05}.npz"
        if not path.exists():
            return None
        motion_m, occluded = read_field(path)
        self._check_size(path, motion_m.shape, (3, *self._shape))
        if occluded is None:
            occluded = np.zeros(self._shape, bool)
        return TrueMotion(motion_m, occluded)

    def true_depth_m(self, index: int) -> npt.NDArray[np.float32] | None:
        """Return the (H, W) depth without sensor noise [m], NaN for none; None if not stored."""
        path = self.path / f"true_depth/{self._index(index):05}.npz"
        if not path.exists():
            return None
        depth_m, _ = read_field(path)
        self._check_size(path, depth_m.shape, self._shape)
        depth_m[depth_m <= 0] = np.nan
        return depth_m

    @property
    def _shape(self) -> tuple[int, int]:
        return self.info.camera.height, self.info.camera.width

    def _index(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise SourceError(f"{self.path} has {len(self)} frames; frame {index} does not exist")
        return index % len(self)

    def color_path(self, index: int) -> Path:
        """Return the file of a colour picture, JPEG or PNG; whether it exists is not checked."""
        path = self.path / f"color/{index:05}.jpg"
        return path if path.exists() else path.with_suffix(".png")

    def _optional_labels(self, kind: str, index: int) -> npt.NDArray[np.uint8] | None:
        index = self._index(index)
        path = self.path / f"{kind}/{index:05}.png"
        if path.exists():
            return self._labels(path)
        of_last_frame = self.path / _OF_LAST_FRAME[kind]
        if index == len(self) - 1 and of_last_frame.exists():
            return self._labels(of_last_frame)
        return None

    def _labels(self, path: Path) -> npt.NDArray[np.uint8]:
        labels = self._picture(path, cv2.IMREAD_UNCHANGED, np.uint8)
        check_label_ids(str(path), labels, self.info.labels)
        return labels

    def _picture(self, path: Path, flags: int, dtype: type) -> npt.NDArray[Any]:
        if not path.exists():
            raise SourceError(f"{path} is missing")
        pixels = read_picture(path, flags)
        channels = (3,) if flags == cv2.IMREAD_COLOR else ()
        if pixels.dtype != dtype:
            raise SourceError(f"{path} holds {pixels.dtype}; expected {np.dtype(dtype)}")
        self._check_size(path, pixels.shape, (*self._shape, *channels))
        return pixels

    def _check_size(self, path: Path, came: tuple[int, ...], expected: tuple[int, ...]) -> None:
        if came != expected:
            raise SourceError(f"{path} has shape {came}; expected {expected}, the clip camera's")


def read_clip(path: Path | str) -> Clip:
    """Open a clip folder.

    Raises:
        SourceError: There is no clip, or ``clip.json`` is damaged.
    """
    folder = Path(path)
    info, stamps_ns = read_clip_info(folder)
    return Clip(folder, info, stamps_ns)


def is_complete_clip(path: Path | str) -> bool:
    """Return whether a folder holds a clip with colour and depth of every frame (not decoded)."""
    try:
        clip = read_clip(path)
    except SourceError:
        return False
    return all(
        clip.color_path(index).is_file() and (clip.path / f"depth/{index:05}.png").is_file()
        for index in range(len(clip))
    )
