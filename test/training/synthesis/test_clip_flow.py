# SPDX-License-Identifier: Apache-2.0
"""The benchmark of flow on rendered clips, and the comparison with real depth."""

import json
from pathlib import Path

import clip_flow
import depth_realism
import flow_accuracy
import numpy as np
import pytest
import torch

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.frames import SceneFlow
from affordance_seg_ros.training.synthesis.gl_renderer import GlRenderer
from affordance_seg_ros.training.synthesis.production import make_clip
from affordance_seg_ros.training.synthesis.settings import SynthesisConfig

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    config = SynthesisConfig(width=96, height=72, frames=12, true_depth=True, sensor="kinect_v2")
    renderer = GlRenderer(96, 72)
    make_clip(config, 0, folder / "clip", renderer)
    renderer.close()
    return folder


def test_the_truth_has_no_error_against_itself(clips: Path) -> None:
    sequence = clip_flow.load_clip(clips / "clip", "noisy")
    sums = clip_flow.RegionSums()
    for truth, regions in zip(sequence.truths, sequence.regions, strict=True):
        sums.add(truth, truth, regions)
    summary = sums.summary()
    assert set(summary) >= {"moving", "static", "hand", "object"}
    assert all(region["epe3d_mm"] == 0 for region in summary.values())


def test_no_motion_at_all_is_wrong_by_the_motion(clips: Path) -> None:
    sequence = clip_flow.load_clip(clips / "clip", "clean")
    sums, lengths = clip_flow.RegionSums(), []
    for truth, regions in zip(sequence.truths, sequence.regions, strict=True):
        still = SceneFlow(*(torch.zeros_like(part) for part in truth[:3]), truth.valid)
        sums.add(still, truth, regions)
        lengths.append(truth.motion_m.norm(dim=0)[regions["moving"] & truth.valid])
    expected = 1000 * float(torch.cat(lengths).mean())
    assert sums.summary()["moving"]["epe3d_mm"] == pytest.approx(expected, rel=1e-4)
    assert sums.summary()["static"]["epe3d_mm"] < 1


def test_clean_depth_is_the_true_depth(clips: Path) -> None:
    noisy, clean = (clip_flow.load_clip(clips / "clip", depth) for depth in clip_flow.DEPTHS)
    assert (noisy.frames[0].depth_m == 0).sum() > (clean.frames[0].depth_m == 0).sum()


def test_the_benchmark_takes_clips(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    words = ["--clips", str(clips), "--threads", "1", "--json", str(out)]
    assert flow_accuracy.main(words) == 0
    report = json.loads(out.read_text())
    assert report["clips"] == 1
    assert report["noisy"]["dis"]["moving"]["pixels"] > 100
    assert flow_accuracy.main(["--clips", str(tmp_path / "none")]) == 2
    assert "holds no clip" in capsys.readouterr().err


def test_a_clip_without_truth_is_refused() -> None:
    with pytest.raises(SourceError, match="true depth"):
        clip_flow.load_clip(ROOT / "data/demo_clip", "noisy")


def test_a_plane_is_flat_and_noise_on_it_is_measured() -> None:
    column, row = np.meshgrid(np.arange(160), np.arange(120))
    depth_m = (1 / (0.8 + 0.001 * column + 0.002 * row)).astype(np.float32)
    flat = depth_realism.measure(depth_realism.DepthPicture("plane", depth_m, 200.0))
    assert flat.flatness_mm < 0.01
    noise_m = np.random.default_rng(0).normal(0, 0.003, depth_m.shape).astype(np.float32)
    rough = depth_realism.measure(depth_realism.DepthPicture("plane", depth_m + noise_m, 200.0))
    assert 2 < rough.flatness_mm < 3.2


def test_holes_at_jumps_are_counted_and_others_are_not() -> None:
    depth_m = np.ones((10, 40), np.float32)
    depth_m[:, 20:] = 2.0
    depth_m[:, 18:21] = 0.0
    depth_m[:, 5] = 0.0
    assert depth_realism.edge_gaps(depth_m).tolist() == [3] * 10


def test_a_picture_without_surfaces_is_refused() -> None:
    empty = depth_realism.DepthPicture("nothing", np.zeros((40, 40), np.float32), 100.0)
    with pytest.raises(SourceError, match="nothing: no surface"):
        depth_realism.measure(empty)
