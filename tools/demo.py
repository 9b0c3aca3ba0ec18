# SPDX-License-Identifier: Apache-2.0
"""The main job, live: a recording played over DDS to the node, and what the node says about it.

`affordance-seg live` on the clip that comes with the package, isolated from robots on the network.
"""

import argparse
import os
import sys
from pathlib import Path

import torch

from affordance_seg_ros.cli import main as affordance_seg
from affordance_seg_ros.errors import AffordanceError
from affordance_seg_ros.flags import given_path
from affordance_seg_ros.model.checkpoint import load_weights

ROOT = Path(__file__).resolve().parent.parent
# Random weights never reach the default threshold; without one their masks can at least be seen.
UNTRAINED_MIN_CONFIDENCE = "0.0"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recording", type=given_path, default=ROOT / "data/demo_clip")
    parser.add_argument("--out", type=given_path, default=ROOT / "out/demo")
    parser.add_argument("--weights", default="", help="weight file; empty for the package's own")
    parser.add_argument("--masks", action="store_true", help="also write each mask as a PNG of ids")
    parser.add_argument("--rate", default="1.0", help="speed; 1 is the recorded speed")
    # A separate domain keeps a robot on the same network out of the demo.
    parser.add_argument(
        "--domain", type=int, default=1 + os.getpid() % 100, help="ROS domain; by default a new one"
    )
    arguments = parser.parse_args()
    os.environ["ROS_DOMAIN_ID"] = str(arguments.domain)
    words = ["live", str(arguments.recording), "--out", str(arguments.out), "--html"]
    words += ["--pace", "recorded", "--rate", arguments.rate, "--weights", arguments.weights]
    if arguments.masks:
        words.append("--masks")
    try:
        card = load_weights(arguments.weights, torch.device("cpu")).card
    except AffordanceError as error:
        print(error, file=sys.stderr)
        return 2
    if not card.trained:
        words += ["--min-confidence", UNTRAINED_MIN_CONFIDENCE]
    return affordance_seg(words)


if __name__ == "__main__":
    sys.exit(main())
