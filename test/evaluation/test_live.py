# SPDX-License-Identifier: Apache-2.0
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.evaluation.live import LiveRecorder
from affordance_seg_ros.evaluation.replay import replay
from affordance_seg_ros.frames import DepthImage, Prediction, RgbdFrame
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.pipeline.streaming import Pipeline, build_pipeline
from affordance_seg_ros.sources.bag import Recording, open_recording, write_bag

COUNT = 4


class Announced(NamedTuple):
    labels: LabelSet = LabelSet()
    weights: str = "untrained-compact"
    trained: bool = False


def frames() -> Iterator[RgbdFrame]:
    random = np.random.default_rng(0)
    camera = Camera(96, 64, 90, 90, 48, 32)
    for index in range(COUNT):
        color = random.integers(0, 256, (64, 96, 3), np.uint8)
        depth = DepthImage(np.full((64, 96), 900, np.uint16), 1e-3)
        yield RgbdFrame(10**9 + index * 10**8, "camera", color, depth, camera)


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    write_bag(tmp_path / "bag", frames())
    return open_recording(tmp_path / "bag")


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return build_pipeline(
        "untrained:compact", "cpu", PipelineConfig(min_confidence=0, network_backend="eager")
    )


@pytest.fixture
def predictions(pipeline: Pipeline) -> list[Prediction]:
    pipeline.reset()
    return [pipeline.step(frame) for frame in frames()]


def test_a_live_run_leaves_what_the_offline_replay_leaves(
    recording: Recording, pipeline: Pipeline, predictions: list[Prediction], tmp_path: Path
) -> None:
    last = predictions[-1]
    recording.labels = {last.stamp_ns: np.where(last.mask == 1, 2, last.mask)}
    with LiveRecorder(recording, tmp_path / "live", rate_hz=10.0, masks=True) as recorder:
        for prediction in predictions:
            recorder.add(prediction, Announced())
    live = recorder.summary()
    offline = replay(recording, pipeline, tmp_path / "offline", masks=True, progress=False)
    for name in ("weights", "action", "labelled_frames", "metrics"):
        assert live[name] == offline[name]
    assert live["predictions"] == COUNT
    for path in (tmp_path / "offline/masks").iterdir():
        assert (tmp_path / "live/masks" / path.name).read_bytes() == path.read_bytes()
    for name in ("overlay.mp4", "contact_sheet.png"):
        assert (tmp_path / "live" / name).stat().st_size > 0
    lines = (tmp_path / "live/predictions.jsonl").read_text().splitlines()
    assert [json.loads(line)["stamp_ns"] for line in lines] == [p.stamp_ns for p in predictions]


def test_a_prediction_of_another_frame_is_counted_not_written(
    recording: Recording, predictions: list[Prediction], tmp_path: Path
) -> None:
    with LiveRecorder(recording, tmp_path / "live", rate_hz=10.0, masks=False) as recorder:
        recorder.add(replace(predictions[0], stamp_ns=5), Announced())
        recorder.add(predictions[1], Announced())
    summary = recorder.summary()
    assert (summary["predictions"], summary["predictions_of_unknown_frames"]) == (1, 1)
    assert summary["metrics"] is None


def test_nothing_received_is_an_error_that_says_so(
    recording: Recording, predictions: list[Prediction], tmp_path: Path
) -> None:
    with LiveRecorder(recording, tmp_path / "live", rate_hz=10.0, masks=False) as recorder:
        recorder.add(replace(predictions[0], stamp_ns=5), Announced())
    with pytest.raises(SourceError, match=r"no prediction for bag was received \(1 for other"):
        recorder.summary()


def test_predictions_that_were_overtaken_are_found_and_the_video_has_the_node_s_rate(
    recording: Recording, predictions: list[Prediction], tmp_path: Path
) -> None:
    with LiveRecorder(recording, tmp_path / "live", rate_hz=4.0, masks=False) as recorder:
        for index in (1, 0, 3, 2):
            recorder.add(predictions[index], Announced())
    assert recorder.summary()["predictions"] == COUNT
    assert recording.report.frames == COUNT
    video = cv2.VideoCapture(str(tmp_path / "live/overlay.mp4"))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(4.0)


def test_frames_of_a_recording_that_begins_again_are_found(
    recording: Recording, predictions: list[Prediction], tmp_path: Path
) -> None:
    first_ns = predictions[0].stamp_ns
    ahead = [replace(frame, stamp_ns=frame.stamp_ns + 10**9) for frame in frames()]
    recording.frames = lambda *_: iter([*ahead, *frames()])
    later = [replace(each, stamp_ns=each.stamp_ns + 10**9) for each in predictions]
    with LiveRecorder(recording, tmp_path, rate_hz=10.0, masks=True) as recorder:
        for prediction in (*later, *predictions):
            recorder.add(prediction, Announced())
    assert recorder.summary()["predictions"] == 2 * COUNT
    assert (tmp_path / f"masks/{first_ns}.png").exists()


def test_predictions_of_unknown_frames_cost_no_others(
    recording: Recording, predictions: list[Prediction], tmp_path: Path
) -> None:
    many = [
        replace(frame, stamp_ns=10**9 + index * 10**8)
        for index, frame in enumerate([*frames()] * 20)
    ]
    recording.frames = lambda *_: iter(many)
    first = predictions[0]
    with LiveRecorder(recording, tmp_path, rate_hz=10.0, masks=False) as recorder:
        for stamp_ns in (*range(1, 7), 10**18, *(frame.stamp_ns for frame in many)):
            recorder.add(replace(first, stamp_ns=stamp_ns), Announced())
    assert recorder.summary()["predictions"] == len(many)


def test_only_a_few_frames_of_a_long_recording_are_in_memory(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("affordance_seg_ros.evaluation.live._RECENT", 2)
    found = LiveRecorder(recording, tmp_path, rate_hz=10.0, masks=False)._frames
    first, *_, last = frames()
    assert found.find(last.stamp_ns) is not None
    assert found.find(first.stamp_ns) is None
    assert len(found._recent) == 2
