# SPDX-License-Identifier: Apache-2.0
"""The main job, live: a recording played over DDS to the node, and what it says of it.

Three processes, as on a robot: the node, a player in the place of the camera driver, and a recorder
in the place of whoever uses the masks. `summary.json` puts their counts together.
"""

import argparse
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from affordance_seg_ros.cli.record import READY
from affordance_seg_ros.model.checkpoint import load_weights

ROOT = Path(__file__).resolve().parent.parent
EXECUTABLES = ROOT / ".colcon/install/affordance_seg_ros/lib/affordance_seg_ros"
STOP_S = 20.0
DRAIN_S = 1.0
# The resolution of latencies, and work for the node: at 250 Hz it dropped frames on two cores.
CLOCK_HZ = "100"
# Random weights never reach the default threshold; without one their masks can at least be seen.
UNTRAINED_MIN_CONFIDENCE = "0.0"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recording", type=Path, default=ROOT / "data/demo_clip")
    parser.add_argument("--out", type=Path, default=ROOT / "out/demo")
    parser.add_argument("--weights", default="", help="weight file; empty takes the package's own")
    parser.add_argument("--masks", action="store_true", help="also write each mask as a PNG of ids")
    parser.add_argument("--rate", default="1.0", help="speed, 1 is the recorded one")
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    for name in ("node.json", "played.json", "received.json", "summary.json"):
        (out / name).unlink(missing_ok=True)
    # A domain of its own keeps a robot in the same network out of the demo.
    environment = {**os.environ, "ROS_DOMAIN_ID": str(1 + os.getpid() % 100)}

    def start(program: str, *words: str, stdout: int | None = None) -> "subprocess.Popen[str]":
        command = [str(EXECUTABLES / program), *words]
        return subprocess.Popen(command, env=environment, stdout=stdout, text=True)

    parameters = {
        "use_sim_time": "true",
        "report_file": str(out / "node.json"),
        "latency_budget_ms": "0.0",  # on a slow machine too, the effort is that of the replay
    }
    if arguments.weights:
        parameters["weights"] = arguments.weights
    if not load_weights(arguments.weights, torch.device("cpu")).card.trained:
        parameters["min_confidence"] = UNTRAINED_MIN_CONFIDENCE
    settings = [word for item in parameters.items() for word in ("-p", "{}:={}".format(*item))]
    recording = str(arguments.recording)
    node = start("affordance_node", "--ros-args", *settings)
    words = ["record", recording, "--out", str(out), *(["--masks"] if arguments.masks else [])]
    recorder = start("affordance-seg", *words, stdout=subprocess.PIPE)
    played = 1
    try:
        if is_ready(recorder, node):
            words = ["--clock", CLOCK_HZ, "--rate", arguments.rate]
            player = start("play", recording, *words, "--report", str(out / "played.json"))
            played = player.wait()
            time.sleep(DRAIN_S)
    finally:
        # The node first: nothing comes any more, and it would soon say so.
        codes = [stop(process) for process in (node, recorder)]
    if played or any(codes):
        print(f"demo: player {played}, node and recorder {codes}; expected 0", file=sys.stderr)
        return 1
    summary = put_together(out)
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(in_words(summary))
    print(f"see overlay.mp4, contact_sheet.png and summary.json in {out}")
    return 0 if summary["masks_received"] else 1


def is_ready(recorder: "subprocess.Popen[str]", node: "subprocess.Popen[str]") -> bool:
    """Wait until the recorder is connected to the node; false if either ended before."""
    assert recorder.stdout is not None
    while recorder.poll() is None and node.poll() is None:
        if select.select([recorder.stdout], [], [], 0.2)[0]:
            return recorder.stdout.readline().strip() == READY
    return False


def stop(process: "subprocess.Popen[str]") -> int:
    process.send_signal(signal.SIGINT)
    try:
        return process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def put_together(out: Path) -> dict[str, Any]:
    node = json.loads((out / "node.json").read_text())
    played = json.loads((out / "played.json").read_text())
    received = json.loads((out / "received.json").read_text())
    return {
        "source": received["source"],
        "frames_published": played["frames_published"],
        **{
            name: node[name]
            for name in (
                "frames_processed",
                "frames_dropped",
                "unpaired",
                "latency_ms",
                "stage_ms",
                "device",
            )
        },
        **{
            name: received[name]
            for name in ("masks_received", "actions_received", "weights", "action", "metrics")
        },
    }


def in_words(summary: dict[str, Any]) -> str:
    trained = "" if summary["weights"]["trained"] else ", UNTRAINED: masks and actions mean nothing"
    latency, action = summary["latency_ms"], summary["action"]
    return (
        f"{summary['frames_published']} frames published, {summary['frames_processed']} processed, "
        f"{summary['frames_dropped']} dropped, {summary['masks_received']} masks received\n"
        f"stamp to publish: p50 {latency['p50']:.0f} ms, p95 {latency['p95']:.0f} ms, "
        f"p99 {latency['p99']:.0f} ms on {summary['device']}\n"
        f"action: {action['predicted']} (true: {action['true']})\n"
        f"weights: {summary['weights']['name']}{trained}"
    )


if __name__ == "__main__":
    sys.exit(main())
