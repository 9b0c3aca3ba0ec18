# SPDX-License-Identifier: Apache-2.0
"""The benchmark from end to end, on a tiny network, and the plain pipeline it compares with."""

import json
import math
from typing import Any

import numpy as np
import pytest
import torch

from affordance_seg_ros.config import FlowConfig, PipelineConfig
from affordance_seg_ros.errors import ConfigError, DeviceError
from affordance_seg_ros.evaluation.bench import machine
from affordance_seg_ros.evaluation.bench.baseline import EagerPipeline
from affordance_seg_ros.evaluation.bench.markdown import bench_tables
from affordance_seg_ros.evaluation.bench.run import run
from affordance_seg_ros.evaluation.bench.settings import BenchSettings, Size, parse_size
from affordance_seg_ros.evaluation.bench.stopwatch import STAGES, endless_messages
from affordance_seg_ros.evaluation.report import to_json
from affordance_seg_ros.pipeline.streaming import Pipeline, build_estimator

PLAIN_FLOW = FlowConfig(estimator="primal_dual", iterations=3, warm_iterations=0)
SETTINGS = BenchSettings(
    device="cpu",
    network="compact",
    input_size=Size(40, 32),
    picture=Size(64, 48),
    frames=6,
    baseline="eager",
    config=PipelineConfig(min_confidence=0.0, min_region_area_px=4, flow=PLAIN_FLOW),
)


@pytest.fixture(scope="module")
def document() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "_TRYING_S", 0.0)
        patch.setattr(machine, "_COPY_BYTES", {"cpu": 2**20})
        patch.setattr(machine, "_MATRIX_SIDE", {"cpu": 64})
        return json.loads(to_json(run(SETTINGS)))


def test_the_document_has_what_machines_read(document: Any) -> None:
    assert {
        "total_ms",
        "stages_ms",
        "frames_per_s",
        "baseline_ratio",
        "memory_mb",
        "limits",
    } <= set(document)
    assert list(document["stages_ms"]) == list(STAGES)
    for found in (document["total_ms"], *document["stages_ms"].values()):
        assert 0 <= found["p50"] <= found["p95"] <= found["p99"] <= found["max"]
        assert found["jitter"] >= 0
    assert document["frames"] == 6


def test_no_stage_takes_longer_than_the_whole(document: Any) -> None:
    for found in document["stages_ms"].values():
        for name in ("p50", "p95", "p99", "max"):
            assert found[name] <= document["total_ms"][name]


def test_the_stream_was_never_forgotten(document: Any) -> None:
    assert document["resets"] == 0


def test_the_ratio_is_that_of_medians_in_the_same_run(document: Any) -> None:
    baseline = document["baseline"]
    assert baseline["frames"] == 2
    ratio = baseline["total_ms"]["p50"] / document["total_ms"]["p50"]
    assert document["baseline_ratio"] == pytest.approx(ratio)


def test_memory_limits_and_cold_start_are_there(document: Any) -> None:
    assert document["memory_mb"]["cpu_rss"] > 0
    assert document["memory_mb"]["gpu_peak"] is None
    assert document["growth_kb_per_frame"] is None  # six frames say nothing
    assert document["allocations_per_frame"]["tensors"] > 0
    assert document["limits"]["copy_gb_per_s"] > 0
    reached = document["limits"]["flow"]["reached"]["float32"]
    bound = document["limits"]["flow"]["bound_ms"]["float32"]
    assert reached == pytest.approx(bound / document["stages_ms"]["flow"]["p50"])
    assert set(document["cold_start_ms"]) == {"load", "build", "warm_up", "first_frame"}


def test_the_tables_name_every_stage_and_the_baseline(document: Any) -> None:
    text = bench_tables(document)
    for word in (*STAGES, "total", "eager p50", "not measured"):
        assert word in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("| stage")}
    assert widths == {9}


def test_the_baseline_sees_the_same_as_the_pipeline_does_without_warm_starts() -> None:
    pipeline = Pipeline(
        SETTINGS.checkpoint(),
        build_estimator(PLAIN_FLOW, torch.device("cpu")),
        SETTINGS.config,
        torch.device("cpu"),
    )
    plain = EagerPipeline(SETTINGS.checkpoint(), SETTINGS.config, torch.device("cpu"))
    messages = endless_messages(SETTINGS)
    for _ in range(4):
        frame = next(messages).decode()
        expected, found = pipeline.step(frame), plain.step(frame)
        np.testing.assert_allclose(found.labelled.confidence, expected.confidence, atol=1e-3)
        np.testing.assert_allclose(found.action.scores, expected.action.scores, atol=1e-3)
        assert all(duration >= 0 for duration in found.stages_ms)


def test_without_a_baseline_there_is_no_ratio() -> None:
    assert BenchSettings().timed_baseline_frames == 0


def test_an_unknown_baseline_is_refused_before_anything_is_built() -> None:
    with pytest.raises(ConfigError, match="expected one of eager"):
        run(BenchSettings(device="cpu", baseline="lazy"))


def test_a_missing_device_is_refused() -> None:
    with pytest.raises(DeviceError, match="cuda:99"):
        run(BenchSettings(device="cuda:99"))


@pytest.mark.parametrize("text", ["", "300x", "x300", "31", "640x8193", "640X480", "-300", "3e2"])
def test_a_size_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="expected WIDTHxHEIGHT"):
        parse_size(text)


def test_a_size_is_a_square_or_width_by_height() -> None:
    assert parse_size("300") == (300, 300)
    assert str(parse_size("640x480")) == "640x480"


@pytest.mark.parametrize(
    "wrong",
    [{"network": "huge"}, {"encoding": "yuv"}, {"frames": 0}, {"baseline_frames": -1}],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        BenchSettings(**wrong)


def test_limits_of_a_machine_are_positive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_TRYING_S", 0.0)
    monkeypatch.setattr(machine, "_COPY_BYTES", {"cpu": 2**20})
    monkeypatch.setattr(machine, "_MATRIX_SIDE", {"cpu": 64})
    limits = machine.measure_limits(torch.device("cpu"))
    values = (limits.copy_gb_per_s, *limits.matrix_gflop_per_s.values())
    assert all(0 < value < math.inf for value in values)
