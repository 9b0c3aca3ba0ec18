# SPDX-License-Identifier: Apache-2.0
"""`~/snapshot`: the last seconds as a clip, to learn from what was just seen."""

import os
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from rclpy.node import Node
from std_srvs.srv import Trigger

from affordance_seg_ros.errors import AffordanceError, SourceError
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.ros.clip_saver import ClipSaver
from affordance_seg_ros.ros.recent_frames import RecentFrames
from affordance_seg_ros.sources.clip import ClipInfo
from affordance_seg_ros.whole_file import user_path


class SnapshotService:
    """Offers the service, and keeps the frames that it writes.

    Args:
        node: The node that offers it.
        config: Returns the options in force.
    """

    def __init__(self, node: Node, config: Callable[[], NodeConfig]) -> None:
        self._node = node
        self._config = config
        self._saver = ClipSaver(self._on_saved, self._on_failed)
        self._labels = LabelSet()
        self.frames = RecentFrames(config().snapshot_s, config().snapshot_memory_mb)
        node.create_service(Trigger, "~/snapshot", self._on_snapshot)

    def configure(self, config: NodeConfig) -> None:
        """Use other options from now on."""
        self.frames.configure(config.snapshot_s, config.snapshot_memory_mb)

    def start(self, labels: LabelSet) -> None:
        """Start over, with the labels of the weights."""
        self._labels = labels
        self.frames.clear()

    def close(self) -> None:
        """Drop the frames, and finish or abandon a clip that is being written."""
        self.frames.clear()
        self._saver.close()

    def _on_snapshot(
        self, request: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        config, frames = self._config(), self.frames.frames()
        if not config.snapshot_s:
            response.message = (
                "nothing is kept: set snapshot_s to the seconds to keep, such as 10.0"
            )
        elif not frames:
            response.message = (
                "nothing to write: no frame has come yet, or one alone exceeds "
                f"snapshot_memory_mb={config.snapshot_memory_mb}"
            )
        else:
            try:
                path = snapshot_folder(config) / _name(frames[-1])
                self._saver.save(path, self._info(frames), frames)
            except AffordanceError as error:
                response.message = str(error)
            else:
                seconds = 1e-9 * (frames[-1].stamp_ns - frames[0].stamp_ns)
                response.success = True
                response.message = f"writing {len(frames)} frames, {seconds:.1f} s, to {path}"
        return response

    def _on_saved(self, path: Path) -> None:
        self._node.get_logger().info(f"snapshot written: {path}")

    def _on_failed(self, reason: str) -> None:
        self._node.get_logger().error(f"snapshot not written: {reason}")

    def _info(self, frames: tuple[RgbdFrame, ...]) -> ClipInfo:
        newest = frames[-1]
        span_s = 1e-9 * (newest.stamp_ns - frames[0].stamp_ns)
        return ClipInfo(
            object_name="",
            action="",
            source="recorded",
            camera=newest.camera,
            rate_hz=(len(frames) - 1) / span_s if span_s else 10.0,
            frame_id=newest.frame_id,
            labels=self._labels,
            extra={"node": self._node.get_fully_qualified_name()},
        )


def snapshot_folder(config: NodeConfig) -> Path:
    """Return the folder in which snapshots are written.

    Raises:
        SourceError: It is in the home of an unknown user.
    """
    if config.snapshot_folder:
        return user_path(config.snapshot_folder, SourceError)
    home = os.environ.get("ROS_HOME") or "~/.ros"
    return user_path(home, SourceError) / "affordance_snapshots"


def _name(newest: RgbdFrame) -> str:
    """Return the name of a clip: the time of its newest frame."""
    seconds, nanoseconds = divmod(newest.stamp_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f"snapshot_{moment:%Y%m%dT%H%M%S}_{nanoseconds // 1_000_000:03}"
