# SPDX-License-Identifier: Apache-2.0
"""`ros2 launch` of a replay for real, wherever it is installed."""

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_recording_is_played_to_its_end_and_reported(ros2, tmp_path):
    words = (
        "bag:=" + str(ROOT / "data/demo_clip"),
        f"out:={tmp_path}",
        "rate:=4",
        "pace:=recorded",
    )
    command = [ros2, "launch", "affordance_seg_ros", "replay.launch.py", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "summary.json").read_text())["frames_published"] == 40
    assert (tmp_path / "report.html").exists()


def test_a_recording_that_is_not_there_ends_the_launch_with_an_error(ros2):
    command = [ros2, "launch", "affordance_seg_ros", "replay.launch.py", "bag:=/nothing"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 1
    assert "/nothing does not exist" in done.stdout + done.stderr
