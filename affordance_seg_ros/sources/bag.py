# SPDX-License-Identifier: Apache-2.0
"""Entry point to recordings: opens any format, recognised by what is on disk, and writes bags."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.sources.bag_reader import BagRecording
from affordance_seg_ros.sources.bag_writer import STORAGES, write_bag, write_clip_bag
from affordance_seg_ros.sources.clip_info import CLIP_JSON
from affordance_seg_ros.sources.clip_reader import read_clip
from affordance_seg_ros.sources.kinect_recording import KinectMkvRecording
from affordance_seg_ros.sources.recording import ClipRecording, ReadReport, Recording
from affordance_seg_ros.sources.sequence import open_folders, open_pcl_tiffs
from affordance_seg_ros.sources.topics import DEFAULT_TOPICS, TopicNames

__all__ = [
    "DEFAULT_TOPICS",
    "STORAGES",
    "ReadReport",
    "Recording",
    "TopicNames",
    "open_recording",
    "write_bag",
    "write_clip_bag",
]

_BAG_SUFFIXES = (".mcap", ".db3", ".bag")
_ACCEPTED = (
    "a ROS 2 bag (folder, .mcap, .db3), a ROS 1 .bag, a clip folder, a folder with color/ and "
    "depth/, a folder of PCL TIFF files, or an Azure Kinect .mkv"
)


def open_recording(
    path: Path | str,
    topics: TopicNames | None = None,
    *,
    rate_hz: float | None = None,
    max_skew_ns: int | None = None,
    depth_to_color: str = "",
    rectified: bool | None = None,
) -> Recording:
    """Open a recording of any format, recognised by what is on disk.

    Args:
        path: A ROS 2 bag folder, ``.mcap``, ``.db3`` or ``.bag`` file, a clip folder, a folder
            of pictures, or the ``.mkv`` of an Azure Kinect.
        topics: Topics of a bag; None finds them.
        rate_hz: Frame rate of pictures without stamps [Hz]; None takes 30.
        max_skew_ns: Largest difference of the stamps of a pair in a bag [ns]; None learns it.
        depth_to_color: How to align the depth of a bag: ``tf``, ``realsense``, ``orbbec`` or seven
            numbers, like the option of that name; empty if it is aligned.
        rectified: Whether the colour pictures of a bag are rectified; None decides by their topic.

    Raises:
        SourceError: There is no recording of a known kind, or it is damaged or lacks a topic.
        CalibrationError: The camera's calibration is unusable.
        DeviceError: An ``.mkv`` needs pyk4a, which is not installed.
    """
    path = Path(path)
    with _named(path):
        bag = _bag_in(path)
        if bag is not None:
            return BagRecording(
                bag,
                topics,
                max_skew_ns=max_skew_ns,
                depth_to_color=depth_to_color,
                rectified=rectified,
            )
        if depth_to_color:
            raise SourceError(
                f"{path} is not a bag; only the depth of bags can be aligned to colour"
            )
        if topics not in (None, TopicNames()) or max_skew_ns is not None or rectified is not None:
            raise SourceError(
                f"{path} is not a bag; only bags can be read with topics, skew or rectification"
            )
        if path.is_file() and path.suffix == ".mkv":
            return KinectMkvRecording(path)
        if not path.exists():
            raise SourceError(f"{path} does not exist; expected {_ACCEPTED}")
        if (path / CLIP_JSON).exists():
            return ClipRecording(read_clip(path))
        if next(path.glob("frame_*_rgb.tiff"), None):
            return open_pcl_tiffs(path)
        if (path / "depth").is_dir():
            return open_folders(path, rate_hz)
        raise SourceError(f"{path} is not a recording; expected {_ACCEPTED}")


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the path in the error for an inaccessible folder or a name that is too long."""
    try:
        yield
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None


def _bag_in(path: Path) -> Path | None:
    """Return the bag that a path is or holds; None if there is none."""
    if path.is_file():
        return path if path.suffix in _BAG_SUFFIXES else None
    if not path.is_dir():
        return None
    if (path / "metadata.yaml").exists():
        return path
    bags = [file for file in sorted(path.iterdir()) if file.suffix in _BAG_SUFFIXES]
    if len(bags) > 1:
        names = ", ".join(file.name for file in bags)
        raise SourceError(f"{path} holds several bag files and no metadata.yaml: {names}; name one")
    return bags[0] if bags else None
