# SPDX-License-Identifier: Apache-2.0
"""The door to recordings: any format is opened by what lies on disk, and bags are written."""

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
    "depth/, one of PCL TIFF files, or an Azure Kinect .mkv"
)


def open_recording(
    path: Path | str,
    topics: TopicNames | None = None,
    *,
    rate_hz: float | None = None,
    max_skew_ns: int | None = None,
) -> Recording:
    """Open a recording of any format; the kind is told by what lies on disk.

    Args:
        path: A ROS 2 bag folder, ``.mcap``, ``.db3`` or ``.bag`` file, a clip folder, a folder
            of pictures, or the ``.mkv`` of an Azure Kinect.
        topics: Topics of a bag; None finds them.
        rate_hz: Frame rate of pictures without stamps [Hz]; None takes 30.
        max_skew_ns: Largest difference of the stamps of a pair in a bag [ns]; None learns it.

    Raises:
        SourceError: There is nothing, nothing that is known, or it is damaged or lacks a topic.
        CalibrationError: The camera's calibration is unusable.
        DeviceError: An ``.mkv`` needs pyk4a, which is not installed.
    """
    path = Path(path)
    if path.is_file():
        if path.suffix == ".mkv":
            return KinectMkvRecording(path)
        if path.suffix not in _BAG_SUFFIXES:
            raise SourceError(f"{path} is no recording; expected {_ACCEPTED}")
        return BagRecording(path, topics, max_skew_ns=max_skew_ns)
    if not path.is_dir():
        raise SourceError(f"{path} does not exist; expected {_ACCEPTED}")
    if (path / "metadata.yaml").exists():
        return BagRecording(path, topics, max_skew_ns=max_skew_ns)
    bags = [file for file in sorted(path.iterdir()) if file.suffix in _BAG_SUFFIXES]
    if len(bags) == 1:
        return BagRecording(bags[0], topics, max_skew_ns=max_skew_ns)
    if bags:
        names = ", ".join(file.name for file in bags)
        raise SourceError(f"{path} holds several bag files and no metadata.yaml: {names}; name one")
    if (path / CLIP_JSON).exists():
        return ClipRecording(read_clip(path))
    if next(path.glob("frame_*_rgb.tiff"), None):
        return open_pcl_tiffs(path)
    if (path / "depth").is_dir():
        return open_folders(path, rate_hz)
    raise SourceError(f"{path} is no recording; expected {_ACCEPTED}")
