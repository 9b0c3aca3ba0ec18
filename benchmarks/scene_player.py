# SPDX-License-Identifier: Apache-2.0
"""A camera for benchmarks: a random moving scene published at a steady rate, stamped when due."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import rclpy
from rclpy.signals import SignalHandlerOptions

from affordance_seg_ros.errors import AffordanceError
from affordance_seg_ros.evaluation.bench.scene import RandomScene, stream
from affordance_seg_ros.evaluation.bench.settings import parse_size
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.ros.player import Player
from affordance_seg_ros.ros.process import StopRequest

_LINGER_S = 1.0


def main() -> int:
    """Publish; return 0, or 2 for bad input, or 130 when interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="640x480", help="size of the pictures [px]")
    parser.add_argument("--rate", type=float, default=30.0, help="frames per second")
    parser.add_argument("--frames", type=int, default=300, help="number of frames")
    parser.add_argument("--report", type=Path, required=True, help="file for the count")
    arguments = parser.parse_args()
    StopRequest()
    player: Player | None = None
    try:
        lap = RandomScene(*parse_size(arguments.size)).lap(arguments.rate)
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        player = Player(clock_hz=0.0)
        player.wait_for_subscribers(60.0)

        def frames() -> Iterator[RgbdFrame]:
            # The first frame is due now, and the player waits until each later one is due.
            endless = stream(lap, start_ns=time.time_ns(), rate_hz=arguments.rate)
            yield from islice(endless, arguments.frames)

        player.play(frames(), rate=1.0)
        time.sleep(_LINGER_S)  # what is not delivered yet would be lost with the player
    except AffordanceError as error:
        print(f"scene_player: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        published = 0 if player is None else player.published
        arguments.report.write_text(json.dumps({"frames_published": published}) + "\n")
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
