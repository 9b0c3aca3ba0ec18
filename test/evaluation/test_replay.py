# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.cli import main
from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.evaluation.replay import replay, video_rate_hz
from affordance_seg_ros.evaluation.video import VideoWriter
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.pipeline.streaming import Pipeline, build_pipeline
from affordance_seg_ros.sources.bag import open_recording, write_bag

DEMO_CLIP = Path(__file__).parents[2] / "data/demo_clip"
STEP_NS = 100_000_000
COUNT = 6


def frames(depth_mm: int = 900) -> Iterator[RgbdFrame]:
    """A bright square that moves over a textured ground."""
    random = np.random.default_rng(0)
    ground = random.integers(0, 120, (120, 160, 3), np.uint8)
    camera = Camera(160, 120, 150, 150, 80, 60)
    for index in range(COUNT):
        color = ground.copy()
        color[40:80, 20 + 4 * index : 60 + 4 * index] = (230, 200, 90)
        depth = np.full((120, 160), depth_mm, np.uint16)
        yield RgbdFrame(
            5 * 10**18 // 3 + index * STEP_NS, "camera", color, DepthImage(depth, 1e-3), camera
        )


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bags") / "square"
    write_bag(path, frames())
    return path


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return build_pipeline(
        "untrained:compact", "cpu", PipelineConfig(min_confidence=0, network_backend="eager")
    )


def test_a_replay_leaves_video_sheet_predictions_masks_and_summary(
    bag: Path, pipeline: Pipeline, tmp_path: Path
) -> None:
    summary = replay(open_recording(bag), pipeline, tmp_path, masks=True, progress=False)
    assert summary == json.loads((tmp_path / "summary.json").read_text())
    assert summary["frames_processed"] == COUNT
    assert summary["weights"] == {"name": "untrained-compact", "trained": False}
    assert summary["stage_ms"]["total"]["p50"] > summary["stage_ms"]["network"]["p50"] > 0

    lines = [json.loads(line) for line in (tmp_path / "predictions.jsonl").open()]
    assert [line["stamp_ns"] for line in lines] == [frame.stamp_ns for frame in frames()]
    for line, frame in zip(lines, frames(), strict=True):
        mask = cv2.imread(str(tmp_path / "masks" / f"{frame.stamp_ns}.png"), cv2.IMREAD_UNCHANGED)
        assert mask.shape == (120, 160)
        areas = {label["area_px"] for label in line["labels"].values()}
        assert sum(areas) <= (mask > 0).sum()
        assert max(areas, default=0) == np.bincount(mask.ravel())[1:].max(initial=0)

    video = cv2.VideoCapture(str(tmp_path / "overlay.mp4"))
    pictures = 0
    while video.read()[0]:
        pictures += 1
    assert pictures == COUNT
    sheet = cv2.imread(str(tmp_path / "contact_sheet.png"))
    assert sheet.shape[1] > 240 * COUNT


def test_the_replay_is_the_pipeline_frame_by_frame(
    bag: Path, pipeline: Pipeline, tmp_path: Path
) -> None:
    replay(open_recording(bag), pipeline, tmp_path, masks=True, progress=False)
    pipeline.reset()
    for frame in frames():
        expected = pipeline.step(frame).mask
        mask = cv2.imread(str(tmp_path / "masks" / f"{frame.stamp_ns}.png"), cv2.IMREAD_UNCHANGED)
        assert (mask == expected).all()


def test_only_frames_that_are_due_are_processed(
    bag: Path, pipeline: Pipeline, tmp_path: Path
) -> None:
    slower = build_pipeline("untrained:compact", "cpu", replace(pipeline.config, rate_hz=5.0))
    summary = replay(open_recording(bag), slower, tmp_path, progress=False)
    assert (summary["frames_read"], summary["frames_processed"]) == (COUNT, COUNT // 2)


@pytest.mark.parametrize(("period_ns", "rate_hz"), [(200_000_000, 5), (50_000_000, 10)])
def test_the_video_is_as_long_as_what_it_shows(
    pipeline: Pipeline, tmp_path: Path, period_ns: int, rate_hz: float
) -> None:
    timed = [replace(frame, stamp_ns=n * period_ns) for n, frame in enumerate(frames(), 1)]
    write_bag(tmp_path / "bag", iter(timed))
    replay(open_recording(tmp_path / "bag"), pipeline, tmp_path / "out", progress=False)
    video = cv2.VideoCapture(str(tmp_path / "out/overlay.mp4"))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(rate_hz, rel=0.01)


def test_frames_without_depth_are_counted_by_reason(pipeline: Pipeline, tmp_path: Path) -> None:
    some = list(frames())
    some[2] = replace(some[2], depth=DepthImage(np.zeros((120, 160), np.uint16), 1e-3))
    write_bag(tmp_path / "holes", iter(some))
    summary = replay(open_recording(tmp_path / "holes"), pipeline, tmp_path / "out", progress=False)
    assert summary["frames_dropped"] == 1
    assert "no valid depth" in next(iter(summary["drop_reasons"]))
    assert summary["frames_processed"] == COUNT - 1


def test_a_recording_without_any_depth_is_refused_with_the_reason(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    write_bag(tmp_path / "blind", frames(depth_mm=0))
    recording = open_recording(tmp_path / "blind")
    with pytest.raises(SourceError, match=rf"none of {COUNT} frames.*{COUNT} x no valid depth"):
        replay(recording, pipeline, tmp_path / "out", progress=False)


def test_labels_of_the_recording_are_scored(bag: Path, pipeline: Pipeline, tmp_path: Path) -> None:
    recording = open_recording(bag)
    last = list(frames())[-1]
    replay(recording, pipeline, tmp_path, masks=True, progress=False)
    said = cv2.imread(str(tmp_path / "masks" / f"{last.stamp_ns}.png"), cv2.IMREAD_UNCHANGED)
    recording.labels = {last.stamp_ns: said}
    summary = replay(recording, pipeline, tmp_path, progress=False)
    assert summary["labelled_frames"] == 1
    assert summary["metrics"]["iou"]["mean"] == 1
    recording.labels = {last.stamp_ns: np.where(said == 1, 2, 1).astype(np.uint8)}
    assert replay(recording, pipeline, tmp_path, progress=False)["metrics"]["iou"]["mean"] < 0.5


def test_labels_of_frames_that_are_not_taken_are_told_of(
    pipeline: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = tmp_path / "clip"
    shutil.copytree(DEMO_CLIP, clip)
    for label in (clip / "label.png", *(clip / "labels").glob("*")):
        if label.name != "00003.png":
            label.unlink()
    words = ["replay", str(clip), "--out", str(tmp_path / "out"), "--html", "--quiet"]
    assert main([*words, "--weights", "untrained:compact", "--rate-hz", "2"]) == 0
    count = json.loads((tmp_path / "out/summary.json").read_text())["labels_in_recording"]
    text = f"one of the {count} labelled frames"
    assert count > 0
    assert text in capsys.readouterr().err
    assert text in (tmp_path / "out/report.html").read_text()


def test_nothing_of_an_earlier_run_is_left_beside_one_that_fails(
    bag: Path, pipeline: Pipeline, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    replay(open_recording(bag), pipeline, out, masks=True, html=True, progress=False)
    assert (out / "report.html").exists()
    (out / "masks/0001_by_hand.png").touch()
    write_bag(tmp_path / "blind", frames(depth_mm=0))
    with pytest.raises(SourceError, match="no valid depth"):
        replay(open_recording(tmp_path / "blind"), pipeline, out, progress=False)
    left = {path.name for path in out.rglob("*") if path.is_file()}
    assert left == {"predictions.jsonl", "0001_by_hand.png"}


def test_masks_of_a_person_stay_where_a_replay_is_written(
    bag: Path, pipeline: Pipeline, tmp_path: Path
) -> None:
    own = tmp_path / "masks/00000.png"
    own.parent.mkdir()
    own.write_text("mine")
    (tmp_path / "predictions.jsonl").write_text('{"stamp_ns": 7}\n{"stamp_ns": "x"}\n{"sta')
    (tmp_path / "masks/7.png").touch()
    replay(open_recording(bag), pipeline, tmp_path, progress=False)
    assert own.read_text() == "mine"
    assert list(own.parent.iterdir()) == [own]


@pytest.mark.parametrize(("weights", "trained"), [("", True), ("untrained:compact", False)])
def test_the_command_replays_a_bag_and_warns_of_untrained_weights(
    bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], weights: str, trained: bool
) -> None:
    words = ["--json", str(tmp_path / "b"), "--weights", weights, "--network-backend", "eager"]
    assert main(["replay", str(bag), "--out", str(tmp_path / "a"), "--quiet", *words]) == 0
    output = capsys.readouterr()
    assert f"{COUNT} of {COUNT} frames" in output.out
    assert json.loads((tmp_path / "b").read_text())["weights"]["trained"] == trained
    warning = "" if trained else "UNTRAINED WEIGHTS: masks and actions mean nothing\n"
    assert output.err == warning


def test_the_page_of_a_run_holds_its_facts_and_is_written_on_request_only(
    bag: Path, tmp_path: Path
) -> None:
    words = ["replay", str(bag), "--quiet", "--weights", "untrained:compact", "--out"]
    assert main([*words, str(tmp_path / "without")]) == 0
    assert not (tmp_path / "without/report.html").exists()
    assert main([*words, str(tmp_path / "with"), "--html"]) == 0
    page = (tmp_path / "with/report.html").read_text()
    for fact in (
        "square (ROS 2 bag), 160x120",
        "untrained-compact, UNTRAINED",
        "dis",
        "rate_hz=10",
    ):
        assert f">{fact}" in page or f"{fact}," in page
    assert f"{COUNT} read, {COUNT} processed, 0 dropped" in page
    assert f"affordance-seg replay {bag}" in page


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_ends_the_run_with_the_file_that_it_stopped(
    bag: Path, pipeline: Pipeline, tmp_path: Path
) -> None:
    (tmp_path / "predictions.jsonl").symlink_to("/dev/full")
    with pytest.raises(SourceError, match=r"predictions.jsonl: cannot be written \(No space left"):
        replay(open_recording(bag), pipeline, tmp_path, masks=False, progress=False)


def test_an_interrupt_is_no_full_disk(
    bag: Path, pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = VideoWriter.write

    def interrupted(self: VideoWriter, picture: np.ndarray) -> None:
        write(self, picture)
        self._written -= 1  # a signal comes before the picture is counted
        raise KeyboardInterrupt

    monkeypatch.setattr(VideoWriter, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        replay(open_recording(bag), pipeline, tmp_path, masks=False, progress=False)


def test_an_unwritable_folder_is_refused(
    bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["replay", str(bag), "--out", str(tmp_path / "file" / "out"), "--quiet"]) == 2
    assert "cannot be written to" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["contact_sheet.png", "summary.json", "masks/{}.png"])
def test_a_result_that_cannot_be_written_is_named(
    bag: Path, pipeline: Pipeline, tmp_path: Path, name: str
) -> None:
    blocked = tmp_path / name.format(next(frames()).stamp_ns)
    blocked.mkdir(parents=True)
    with pytest.raises(SourceError, match=f"{blocked.name}: cannot be written"):
        replay(open_recording(bag), pipeline, tmp_path, masks=True, progress=False)


def test_a_recording_whose_name_is_no_utf_8_is_replayed(
    bag: Path, pipeline: Pipeline, tmp_path: Path
) -> None:
    copied = tmp_path / os.fsdecode(b"cup_\xe4")
    shutil.copytree(bag, copied)
    summary = replay(
        open_recording(copied), pipeline, tmp_path / "out", html=True, command=str(copied),
        progress=False,
    )  # fmt: skip
    assert summary["source"] == "cup_\ufffd"
    assert "cup_\ufffd" in (tmp_path / "out/report.html").read_text(encoding="utf-8")


def test_images_that_come_twice_are_told_of(pipeline: Pipeline, tmp_path: Path) -> None:
    seen = list(frames())
    write_bag(tmp_path / "bag", (*seen[:3], replace(seen[3], stamp_ns=seen[2].stamp_ns)))
    recording = open_recording(tmp_path / "bag")
    summary = replay(recording, pipeline, tmp_path / "out", progress=False)
    assert (summary["frames_processed"], summary["duplicates"]) == (3, 2)


@pytest.mark.parametrize(("found", "shown"), [(1e-8, 1.0), (9.7e8, 120.0), (15.0, 15.0)])
def test_a_video_has_a_rate_that_can_be_watched(bag: Path, found: float, shown: float) -> None:
    recording = open_recording(bag)
    recording.rate_hz = found
    assert video_rate_hz(0.0, recording) == shown
