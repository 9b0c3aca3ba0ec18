# SPDX-License-Identifier: Apache-2.0
"""Folders of pictures: ``color`` and ``depth`` with a camera JSON, and PCL's TIFF grabber files."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from xml.etree import ElementTree

import cv2
import numpy as np

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import AffordanceError, ConfigError, SourceError
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.sources.picture import read_picture
from affordance_seg_ros.sources.recording import Recording

_COLOR_FOLDERS = ("color", "rgb", "image")
_PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
_DEFAULT_RATE_HZ = 30.0
_ONE_NUMBER = re.compile(r"\D*(\d+)")
_CAMERA_FIELDS = ("width", "height", "intrinsic_matrix")

Parsed = TypeVar("Parsed")


class _Entry(NamedTuple):
    stamp_ns: int
    color: Path
    depth: Path


class SequenceRecording(Recording):
    """Numbered or stamped picture files."""

    def __init__(
        self,
        path: Path,
        kind: str,
        entries: list[_Entry],
        camera: Camera,
        metres_per_unit: float,
        rate_hz: float | None,
        *,
        is_stamped: bool,
        doubts: tuple[str, ...] = (),
    ) -> None:
        super().__init__(
            path, kind, camera, len(entries), rate_hz, is_stamped=is_stamped, doubts=doubts
        )
        self._entries = entries
        self._metres_per_unit = metres_per_unit

    def _read(self, skipped: Counter[str]) -> Iterator[RgbdFrame]:
        for entry in self._entries:
            if not self._is_due(entry.stamp_ns):
                continue
            try:
                bgr = read_picture(entry.color, cv2.IMREAD_COLOR)
                depth = read_picture(entry.depth, cv2.IMREAD_UNCHANGED)
                if depth.dtype != np.uint16:
                    raise SourceError(f"{entry.depth} holds {depth.dtype}; expected 16 bits")
                yield RgbdFrame(
                    stamp_ns=entry.stamp_ns,
                    frame_id="camera",
                    color=np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8),
                    depth=DepthImage(depth, self._metres_per_unit),
                    camera=self.camera,
                )
            except AffordanceError as error:
                skipped[str(error)] += 1


def open_folders(path: Path, rate_hz: float | None = None) -> SequenceRecording:
    """Open a folder with ``color/`` (or ``rgb/``), ``depth/`` and a camera JSON, as in Open3D.

    The pictures of both folders are matched in the order of their names, 9 before 10. Depth is
    16-bit millimetres. The JSON holds ``width``, ``height`` and the column-major
    ``intrinsic_matrix``.

    Args:
        path: The folder.
        rate_hz: Frame rate [Hz], from which the stamps follow; None takes 30.

    Raises:
        SourceError: Pictures or the camera file are missing, damaged or do not match.
        ConfigError: The rate is not positive.
        CalibrationError: The intrinsics are unusable.
    """
    rate_hz = _DEFAULT_RATE_HZ if rate_hz is None else rate_hz
    if not 0 < rate_hz < float("inf"):
        raise ConfigError(f"rate_hz={rate_hz}; expected a positive number")
    color_folder = next((path / n for n in _COLOR_FOLDERS if (path / n).is_dir()), path / "color")
    colors, depths = _pictures(color_folder), _pictures(path / "depth")
    if not colors or len(colors) != len(depths):
        raise SourceError(
            f"{path} has {len(colors)} colour and {len(depths)} depth pictures; expected equal "
            f"numbers, in {color_folder.name}/ and depth/"
        )
    entries = [
        _Entry(round(index * 1e9 / rate_hz), color, depth)
        for index, (color, depth) in enumerate(zip(colors, depths, strict=True))
    ]
    camera = _json_camera(path)
    return SequenceRecording(
        path, "picture folders", entries, camera, 0.001, rate_hz,
        is_stamped=False, doubts=_odd_pairs(entries),
    )  # fmt: skip


def open_pcl_tiffs(path: Path) -> SequenceRecording:
    """Open a folder of PCL's TIFF grabber: ``frame_<time>_{rgb,depth}.tiff`` and ``.xml``.

    Raises:
        SourceError: Pictures or intrinsics are missing or damaged.
        CalibrationError: The intrinsics are unusable.
    """
    entries = []
    for color in sorted(path.glob("frame_*_rgb.tiff")):
        stem = color.name.removesuffix("_rgb.tiff")
        depth = path / f"{stem}_depth.tiff"
        if not depth.exists():
            raise SourceError(f"{depth} is missing beside {color.name}")
        try:
            # The names carry no time zone; only differences matter.
            time = datetime.strptime(stem, "frame_%Y%m%dT%H%M%S.%f").replace(tzinfo=timezone.utc)
        except ValueError:
            raise SourceError(
                f"{color.name}: no time in the name; expected frame_YYYYmmddTHHMMSS.ffffff_rgb.tiff"
            ) from None
        whole_seconds = int(time.replace(microsecond=0).timestamp())
        stamp_ns = whole_seconds * 1_000_000_000 + time.microsecond * 1000
        entries.append(_Entry(stamp_ns, color, depth))
    if not entries:
        raise SourceError(f"{path} has no frame_*_rgb.tiff")
    camera, metres_per_unit = _xml_camera(entries[0].color)
    span_s = (entries[-1].stamp_ns - entries[0].stamp_ns) * 1e-9
    rate_hz = (len(entries) - 1) / span_s if span_s else None
    return SequenceRecording(
        path, "PCL TIFF sequence", entries, camera, metres_per_unit, rate_hz, is_stamped=True
    )


def _odd_pairs(entries: list[_Entry]) -> tuple[str, ...]:
    """Return a doubt if the numbers in two names differ by another amount than in the first two."""
    apart = None
    for entry in entries:
        numbers = [_ONE_NUMBER.fullmatch(path.stem) for path in (entry.color, entry.depth)]
        if not all(numbers):
            return ()  # such as stamps, which need not be equal
        color, depth = (int(found[1]) for found in numbers if found)
        apart = depth - color if apart is None else apart
        if depth - color != apart:
            return (
                f"{entry.color} is paired with {entry.depth}, by their order; expected matching "
                "numbers: is a picture missing in one of the folders?",
            )
    return ()


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    pictures = (path for path in folder.iterdir() if path.suffix.lower() in _PICTURES)
    return sorted(pictures, key=_by_numbers)


def _by_numbers(path: Path) -> tuple[Any, ...]:
    """Return a key that sorts 9.png before 10.png: a name's numbers as numbers."""
    parts = re.split(r"(\d+)", path.stem)
    numbers = tuple((int(part), part) if part.isdigit() else (0, part) for part in parts)
    return numbers, path.name


def _json_camera(path: Path) -> Camera:
    files = sorted(path.glob("*camera*.json")) or sorted(path.glob("*intrinsic*.json"))
    if len(files) != 1:
        names = ", ".join(file.name for file in files) or "none"
        raise SourceError(f"{path}: camera files: {names}; expected one, such as camera.json")

    def camera() -> Camera:
        content = json.loads(files[0].read_text(encoding="utf-8"))
        if missing := [name for name in _CAMERA_FIELDS if name not in content]:
            raise ValueError(f"no {', '.join(missing)}; expected {', '.join(_CAMERA_FIELDS)}")
        matrix = [float(value) for value in content["intrinsic_matrix"]]
        if len(matrix) != 9:
            raise ValueError(f"intrinsic_matrix of {len(matrix)} numbers; expected 9")
        fx, _, row_cx, _, fy, row_cy, cx, cy, one = matrix
        if (row_cx, row_cy, one) != (0, 0, 1):
            raise ValueError(
                "intrinsic_matrix is not column-major; expected fx, 0, 0, 0, fy, 0, cx, cy, 1"
            )
        return Camera(int(content["width"]), int(content["height"]), fx, fy, cx, cy)

    return _parsed(files[0], camera)


def _xml_camera(color: Path) -> tuple[Camera, float]:
    xml = color.with_name(color.name.removesuffix("_rgb.tiff") + ".xml")
    height, width = read_picture(color, cv2.IMREAD_COLOR).shape[:2]

    def camera() -> tuple[Camera, float]:
        # The two elements have no common root, so they form no document.
        text = xml.read_text(encoding="utf-8").partition("?>")[2]
        root = ElementTree.fromstring(f"<frame>{text}</frame>")

        def number(name: str) -> float:
            return float(root.findtext(name, ""))

        return Camera(
            width,
            height,
            number("rgb/focal_length_x"),
            number("rgb/focal_length_y"),
            number("rgb/principal_point_x"),
            number("rgb/principal_point_y"),
        ), number("depth/z_multiplication_factor")

    return _parsed(xml, camera)


def _parsed(path: Path, parse: Callable[[], Parsed]) -> Parsed:
    try:
        return parse()
    except FileNotFoundError:
        raise SourceError(f"{path} is missing; expected the intrinsics") from None
    except (
        OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError,
        ElementTree.ParseError,
    ) as error:  # fmt: skip
        what = error if isinstance(error, ValueError) else repr(error)
        raise SourceError(f"{path} is damaged: {what}") from None
