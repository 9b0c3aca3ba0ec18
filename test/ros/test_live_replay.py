# SPDX-License-Identifier: Apache-2.0
"""A recording played to the live node in real processes, against its offline replay."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy")

from harness import Client, child
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image

from affordance_seg_ros.msg import ActionClass, LabelInfo
from affordance_seg_ros.ros import encode
from affordance_seg_ros.sources.bag import open_recording, write_clip_bag
from affordance_seg_ros.sources.clip import ClipWriter, read_clip

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = "import sys; from affordance_seg_ros.cli import main; sys.exit(main())"
OPTIONS = ("--masks", "--html", "--weights", "untrained:compact", "--min-confidence", "0")
ROBOT = {
    "autostart": False,
    "align_depth": True,
    "color_transport": "compressed",
    "depth_transport": "compressed",
    "rectified": True,
    "max_skew_s": 0.001,
}
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
COUNT = 8
FIRST = 12
"""From here on the hand is at the object, and labels are there."""


def command(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-c", CODE, *words)


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=200, check=False)


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bags")
    whole = read_clip(ROOT / "data/demo_clip")
    with ClipWriter(folder / "clip", whole.info) as writer:
        for index in range(FIRST, FIRST + COUNT):
            frame = whole.frame(index)
            writer.add_frame(frame.stamp_ns, frame.color, frame.depth, labels=whole.labels(index))
    write_clip_bag(folder / "bag", read_clip(folder / "clip"))
    return folder / "bag"


@pytest.fixture(scope="module")
def results(bag: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    # A robot's own parameters: how its camera's topics are read is of no matter here.
    robot = tmp_path_factory.mktemp("robot") / "robot.yaml"
    sections = {name: {"ros__parameters": ROBOT} for name in ("/**", "/affordance")}
    robot.write_text(json.dumps(sections))
    for name, more in (("live", ("--params-file", str(robot))), ("replay", ())):
        found[name] = tmp_path_factory.mktemp(name)
        done = run(name, str(bag), "--out", str(found[name]), *OPTIONS, *more)
        assert done.returncode == 0, done.stdout + done.stderr
    return found


def test_in_lockstep_live_and_offline_scores_and_masks_are_equal(results: dict[str, Path]) -> None:
    live, offline = (json.loads((out / "summary.json").read_text()) for out in results.values())
    assert set(offline) <= set(live)
    assert offline["labelled_frames"] == COUNT
    assert offline["metrics"]["iou"]["mean"] is not None
    different = {name for name in offline if live[name] != offline[name]}
    assert different <= {"stage_ms"}  # all else is equal, to the last digit
    assert (live["frames_processed"], live["frames_dropped"]) == (COUNT, 0)
    masks = [
        {path.name: path.read_bytes() for path in (out / "masks").iterdir()}
        for out in results.values()
    ]
    assert masks[0] == masks[1]
    assert len(masks[0]) == COUNT


def test_live_leaves_what_replay_leaves(results: dict[str, Path]) -> None:
    left = [{path.name for path in out.iterdir()} for out in results.values()]
    assert left[1] <= left[0]
    page = (results["live"] / "report.html").read_text()
    for words in ("UNTRAINED WEIGHTS", "Played to a live node, pace: lockstep", "Histogram"):
        assert words in page
    assert "affordance-seg live /" in page


def test_the_report_of_a_live_run_has_the_time_of_every_frame(results: dict[str, Path]) -> None:
    node = json.loads((results["live"] / "node.json").read_text())
    summary = json.loads((results["live"] / "summary.json").read_text())
    assert len(node["receipt_to_publish_ms"]) == COUNT
    assert summary["latency_clock"] == "receipt"
    slowest = max(node["receipt_to_publish_ms"])
    assert summary["latency_ms"]["max"] == pytest.approx(slowest, abs=1e-3)  # written in µs


def test_a_namespace_is_that_of_node_player_and_recorder(
    bag: Path, tmp_path: Path, client: Client
) -> None:
    infos = client.collect(LabelInfo, "/robot/affordance/label_info", LATCHED)
    words = ("--namespace", "/robot/", "--json", str(tmp_path / "copy.json"), *OPTIONS)
    words += ("--network-backend", "eager", "--out", str(tmp_path / "out"))
    with child(command("live", str(bag), *words)) as live:
        while live.poll() is None:
            client.spin(0.1)
    assert live.returncode == 0
    assert infos
    summary = json.loads((tmp_path / "copy.json").read_text())
    assert summary == json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["masks_received"] == COUNT


def test_a_recorder_by_itself_keeps_what_came_until_it_is_stopped(
    bag: Path, tmp_path: Path, client: Client
) -> None:
    kinds = {"mask": Image, "confidence": Image, "flow": Image, "action": ActionClass}
    publishers = {
        name: client.node.create_publisher(kind, f"/affordance/{name}", 100)
        for name, kind in kinds.items()
    }
    labels = client.node.create_publisher(LabelInfo, "/affordance/label_info", LATCHED)
    labels.publish(LabelInfo(names=["background", "cut"], weights="some", trained=True))
    line = command("record", str(bag), "--out", str(tmp_path))
    with child(line, stdout=subprocess.PIPE, text=True) as recorder:
        assert recorder.stdout is not None
        assert recorder.stdout.readline() == "recording\n"
        client.spin(0.5)
        for frame in open_recording(bag).frames():
            head, shape = encode.header(frame.stamp_ns, "camera"), frame.color.shape[:2]
            for name, encoding, pixels in (
                ("mask", "mono8", np.zeros(shape, np.uint8)),
                ("confidence", "32FC1", np.zeros(shape, np.float32)),
                ("flow", "rgb8", np.zeros((4, 5, 3), np.uint8)),
            ):
                publishers[name].publish(encode.image(pixels, encoding, head))
            action = ActionClass(header=head, name="cut", names=["cut"], scores=[1.0], score=1.0)
            publishers["action"].publish(action)
        client.spin(0.3)
        recorder.send_signal(signal.SIGINT)
        assert recorder.wait(60) == 0
    received = json.loads((tmp_path / "received.json").read_text())
    assert (received["predictions"], received["action"]["predicted"]) == (COUNT, "cut")
    assert (tmp_path / "contact_sheet.png").exists()
    assert not (tmp_path / "summary.json").exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("/nothing",), "/nothing does not exist"),
        (("BAG", "--rate", "0"), "--rate 0; expected a positive number"),
        (("BAG", "--params-file", "/none.yaml"), "--params-file /none.yaml: no such file"),
        (("BAG", "--min-confidence", "2"), "min_confidence=2.0; expected 0 to 1"),
        (("BAG", "--color-topic", "/none"), "/none"),
        (("BAG", "--device", "cuda:77"), "affordance_node ended early with exit code 2"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(
    bag: Path, tmp_path: Path, words: tuple[str, ...], reason: str
) -> None:
    given = [str(bag) if word == "BAG" else word for word in words]
    done = run("live", *given, "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_without_ros_sourced_it_says_what_is_needed(
    bag: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", "")
    done = run("live", str(bag), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "needs ROS 2, and this package built and sourced" in done.stderr


@pytest.fixture
def interrupted(bag: Path, tmp_path: Path) -> "Iterator[subprocess.Popen[str]]":
    words = ("live", str(bag), "--out", str(tmp_path), "--pace", "recorded", "--rate", "0.05")
    with child(command(*words), stderr=subprocess.PIPE, text=True) as process:
        yield process


def test_ctrl_c_ends_all_processes(interrupted: "subprocess.Popen[str]") -> None:
    assert interrupted.stderr is not None
    for line in interrupted.stderr:
        if "waiting for subscribers" in line:
            break
    children = [int(pid) for pid in _children(interrupted.pid)]
    assert len(children) == 3
    interrupted.send_signal(signal.SIGINT)
    interrupted.send_signal(signal.SIGINT)  # under `ros2 launch` it comes twice
    assert interrupted.wait(30) == 130
    for pid in children:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
