# SPDX-License-Identifier: Apache-2.0
"""`ros2 run affordance_seg_ros play`: a recording played as a camera driver would publish it."""

import argparse
import math
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from tqdm import tqdm

from affordance_seg_ros.errors import AffordanceError, SourceError
from affordance_seg_ros.flags import HelpFormatter, given_path, non_negative_float
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.json_document import write_json
from affordance_seg_ros.ros.encode import camera_info, header, image
from affordance_seg_ros.ros.lockstep import Lockstep
from affordance_seg_ros.ros.process import StopRequest
from affordance_seg_ros.ros.spinning import own_arguments, start_rclpy
from affordance_seg_ros.sources.recording_flags import add_recording_flags, open_flagged

_SECOND_NS = 1_000_000_000
_POLL_S = 0.05
_STILL_S = 0.1
_MILLIMETRE_M = 0.001


class Player(Node):
    """Publishes the frames of a recording with their own stamps, at their own pace.

    Topics (relative): `color/image` rgb8, `depth/image` 16UC1 for recorded millimetres and 32FC1
    for anything else, `color/camera_info`; `/clock` on request, so that nodes with `use_sim_time`
    run in the recording's time.

    Args:
        clock_hz: Rate of `/clock` [Hz]; 0 publishes none.

    Attributes:
        published: Number of frames published so far.
    """

    def __init__(self, clock_hz: float) -> None:
        super().__init__("player")
        self.published = 0
        # As camera drivers do: reliable, so that both kinds of subscribers match.
        qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
        self._color = self.create_publisher(Image, "color/image", qos)
        self._depth = self.create_publisher(Image, "depth/image", qos)
        self._info = self.create_publisher(CameraInfo, "color/camera_info", qos)
        self._time = self.create_publisher(Clock, "/clock", 1) if clock_hz > 0 else None
        self._tick_s = 1 / clock_hz if clock_hz > 0 else 1.0

    def wait_for_subscribers(self, timeout_s: float) -> None:
        """Wait until somebody subscribes to each image topic.

        Raises:
            SourceError: Nobody did in time; the message names the topics.
        """
        deadline = time.monotonic() + timeout_s
        publishers = (self._color, self._depth, self._info)
        names = ", ".join(publisher.topic_name for publisher in publishers)
        self.get_logger().info(f"waiting for subscribers to {names}")
        while lonely := [p.topic_name for p in publishers if p.get_subscription_count() == 0]:
            if time.monotonic() > deadline:
                raise SourceError(
                    f"nobody subscribed to {', '.join(lonely)} within {timeout_s:g} s; expected a "
                    "running affordance_node on these topics (remap with -r)"
                )
            time.sleep(_POLL_S)

    def play(
        self, frames: Iterator[RgbdFrame], rate: float, lockstep: Lockstep | None = None
    ) -> None:
        """Publish the frames.

        Args:
            frames: Frames in order of time; a jump back is followed at once, and a repeated stamp,
                as of a recording of one frame, after a tenth of a second.
            rate: Speed, 1 for the recording's own.
            lockstep: Waits for the node before the next frame, which then comes at once; None
                keeps the speed.
        """
        last_ns = first_ns = 0
        start = 0.0
        for frame in frames:
            if self.published == 0 or frame.stamp_ns <= last_ns:
                first_ns, start = frame.stamp_ns, time.monotonic()
                if self.published and frame.stamp_ns == last_ns:
                    start += _STILL_S / rate
            if lockstep is None:
                self._sleep_until(start, first_ns, frame.stamp_ns, rate)
            else:
                self._tick(frame.stamp_ns)
            head = header(frame.stamp_ns, frame.frame_id)
            self._info.publish(camera_info(frame.camera, head))
            self._color.publish(image(frame.color, "rgb8", head))
            self._depth.publish(depth_image(frame.depth, head))
            last_ns = frame.stamp_ns
            self.published += 1
            if lockstep is not None:
                lockstep.wait(frame.stamp_ns)

    def linger(self, last_ns: int, seconds: float, rate: float) -> None:
        """Stay after the last frame, with `/clock` still running, for nodes still working on it."""
        start = time.monotonic()
        self._sleep_until(start, last_ns, last_ns + round(seconds * rate * _SECOND_NS), rate)

    def _sleep_until(self, start: float, first_ns: int, stamp_ns: int, rate: float) -> None:
        """Sleep until the recording's time is `stamp_ns`, ticking `/clock` meanwhile."""
        while True:
            passed_ns = round((time.monotonic() - start) * rate * _SECOND_NS)
            now_ns = min(first_ns + max(passed_ns, 0), stamp_ns)
            self._tick(now_ns)
            left_s = (stamp_ns - first_ns - passed_ns) / (rate * _SECOND_NS)
            if left_s <= 0:
                return
            time.sleep(min(left_s, self._tick_s))

    def _tick(self, now_ns: int) -> None:
        if self._time is not None:
            self._time.publish(Clock(clock=header(now_ns, "").stamp))


def depth_image(depth: DepthImage, head: Header) -> Image:
    """Return depth as 16UC1 [mm] or, in any other unit, as 32FC1 [m]: REP 118 has no third."""
    if depth.raw.dtype == np.uint16 and depth.metres_per_unit == _MILLIMETRE_M:
        return image(depth.raw, "16UC1", head)
    return image(depth.to_metres(), "32FC1", head)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play a recording; return 0, 2 for bad input, 130 when interrupted."""
    words = list(sys.argv if arguments is None else arguments)
    try:
        parsed = _parser().parse_args(own_arguments(words))
    except AffordanceError as error:
        print(f"play: {error}", file=sys.stderr)
        return 2
    # rclpy's own handlers would shut down the context while the player still uses it.
    StopRequest()
    player: Player | None = None
    lockstep: Lockstep | None = None
    last_ns = 0
    try:
        start_rclpy(words)
        recording = open_flagged(parsed)
        player = Player(parsed.clock)
        player.wait_for_subscribers(parsed.wait)
        if parsed.lockstep:
            lockstep = Lockstep(player, parsed.node, parsed.answer_timeout)
            lockstep.connect(parsed.wait)

        def frames() -> Iterator[RgbdFrame]:
            nonlocal last_ns
            # A bar for viewers in a terminal; in a launch file's log it would only be noise.
            bar = {"total": recording.frame_count, "unit": "frame", "desc": recording.name}
            while True:
                for frame in tqdm(recording.frames(), **bar, disable=None, leave=not parsed.loop):
                    last_ns = frame.stamp_ns
                    yield frame
                if not parsed.loop:
                    return

        player.play(frames(), parsed.rate, lockstep)
        # Anything the player has not delivered yet would be lost with it.
        player.linger(last_ns, parsed.linger, parsed.rate)
    except AffordanceError as error:
        print(f"play: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        published = 0 if player is None else player.published
        counts = {"frames_published": published}
        if lockstep is not None:
            counts["frames_unanswered"] = len(lockstep.unanswered)
            lockstep.close()
        rclpy.try_shutdown()
        reported = not parsed.report or _report(parsed.report, counts)
    print(f"{published} frames published")
    return 0 if reported else 2


def _report(path: Path, counts: dict[str, int]) -> bool:
    """Write the counts; return whether that succeeded, and print the error if not."""
    try:
        write_json(path, counts)
    except SourceError as error:
        print(f"play: --report {error}", file=sys.stderr)
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="play",
        description="Play a recording as a camera driver would publish it.",
        formatter_class=HelpFormatter,
    )
    add_recording_flags(parser)
    parser.add_argument("--rate", type=_positive, default=1.0, help="speed, 1 is the recorded one")
    parser.add_argument("--loop", action="store_true", help="start again at the end")
    parser.add_argument(
        "--clock", type=non_negative_float, default=0.0, help="rate of /clock [Hz], 0 for none"
    )
    parser.add_argument("--wait", type=_positive, default=60.0, help="time for subscribers [s]")
    parser.add_argument(
        "--linger", type=non_negative_float, default=2.0, help="time it stays at the end [s]"
    )
    parser.add_argument(
        "--lockstep",
        action="store_true",
        help="play each frame when the affordance node has answered the last one, as fast as it "
        "can: no frame is dropped, however slow the machine",
    )
    parser.add_argument("--node", default="affordance", help="the node that --lockstep waits for")
    parser.add_argument(
        "--answer-timeout",
        type=_positive,
        default=10.0,
        help="time after which --lockstep gives up on an answer [s]",
    )
    parser.add_argument(
        "--report", type=given_path, help="write a JSON count of frames to this file"
    )
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}; expected a finite number above 0")
    return value
