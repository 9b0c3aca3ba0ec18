# SPDX-License-Identifier: Apache-2.0
"""The benchmark of flow accuracy, and the figures that it must reach on a real sequence."""

import json
import os
from dataclasses import replace
from pathlib import Path

import cv2
import flow_accuracy
import numpy as np
import pytest
import torch
from endpoint_error import endpoint_error
from flow_scenes import CAMERA, plane
from posed_sequence import halve, load_sequence

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("AFFORDANCE_SHARED_DATA", ROOT.parent / "shared" / "data"))

POSE = "0 0 0\n1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n"


@pytest.fixture
def sequence(tmp_path):
    """A camera that moves by 10 mm a frame in front of a wall, as a folder."""
    folder = tmp_path / "wall"
    (folder / "color").mkdir(parents=True)
    (folder / "depth").mkdir()
    poses = []
    for k in range(3):
        frame = plane((-0.01 * k, 0.0, 0.0))
        gray = cv2.cvtColor(frame.gray.numpy().round().astype(np.uint8), cv2.COLOR_GRAY2BGR)
        cv2.imwrite(str(folder / f"color/{k}.jpg"), gray, [cv2.IMWRITE_JPEG_QUALITY, 98])
        depth_mm = (frame.depth_m.numpy() * 1000).astype(np.uint16)
        cv2.imwrite(str(folder / f"depth/{k}.png"), depth_mm)
        pose = np.eye(4)
        pose[0, 3] = 0.01 * k
        poses.append(f"{k} {k} {k}\n" + "\n".join(" ".join(map(str, row)) for row in pose))
    (folder / "trajectory.log").write_text("\n".join(poses))
    camera = {
        "width": CAMERA.width,
        "height": CAMERA.height,
        "intrinsic_matrix": [CAMERA.fx, 0, 0, 0, CAMERA.fy, 0, CAMERA.cx, CAMERA.cy, 1],
    }
    (folder / "camera.json").write_text(json.dumps(camera))
    return folder


def run(*arguments):
    return flow_accuracy.main(["--repeats", "0", "--threads", "1", *map(str, arguments)])


def test_the_benchmark_finds_small_errors_on_a_known_sequence(sequence, tmp_path):
    out = tmp_path / "out.json"
    code = run(
        "--sequence", sequence, "--json", out, "--halvings", 0, "--still",
        "--pictures", tmp_path / "pictures",
    )  # fmt: skip
    assert code == 0
    report = json.loads(out.read_text())
    for name in ("primal_dual", "dis", "primal_dual_warm"):
        assert report[name]["epe2d_px"] < 0.2
        assert report[name]["epe3d_mm"] < 2
        assert report[name]["ms_per_pair"] > 0
        assert report[name]["still"]["mean_flow_px"] < 0.15
        assert (tmp_path / f"pictures/wall_{name}_1.png").is_file()
    assert len(report["primal_dual"]["pairs"]) == 2


def test_a_sequence_without_poses_is_refused_unless_only_time_is_wanted(sequence, tmp_path, capsys):
    (sequence / "trajectory.log").unlink()
    assert run("--sequence", sequence) == 2
    assert "has no trajectory.log" in capsys.readouterr().err
    out = tmp_path / "out.json"
    assert run("--sequence", sequence, "--without-truth", "--json", out) == 0
    assert "epe2d_px" not in json.loads(out.read_text())["dis"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: [p.unlink() for p in d.glob("depth/*")], "3 colour and 0 depth pictures"),
        (lambda d: [p.unlink() for p in d.glob("*/[12].*")], "1 frames; expected at least 2"),
        (lambda d: (d / "camera.json").unlink(), "camera files: none; expected one"),
        (lambda d: (d / "color/1.jpg").write_bytes(b"no"), "2 frames; 1 x "),
        (
            lambda d: (d / "trajectory.log").write_text(POSE),
            "has 1 poses; expected 3, one per frame",
        ),
        (lambda d: (d / "trajectory.log").write_text("0\nx\nx\nx\nx\n"), "is damaged"),
    ],
)
def test_a_spoilt_sequence_is_refused_with_the_reason(sequence, spoil, message, capsys):
    spoil(sequence)
    assert run("--sequence", sequence) == 2
    assert message in capsys.readouterr().err


def test_a_halved_camera_sees_the_same_points_at_half_the_pixels():
    camera = replace(CAMERA, distortion=(0.1, -0.05, 0.001, 0.002))
    frame = plane((0.0, 0.0, 0.0))._replace(camera=camera)
    points_m = np.random.default_rng(0).uniform((-0.3, -0.3, 0.8), (0.3, 0.3, 2), (20, 3))
    halved = halve(frame, 2).camera
    assert (halved.width, halved.height) == (camera.width // 4, camera.height // 4)
    np.testing.assert_allclose(halved.project(points_m) * 4, camera.project(points_m))


def test_missing_depth_is_no_depth(sequence):
    for path in (sequence / "depth").iterdir():
        depth_mm = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        depth_mm[0, :4] = 0
        cv2.imwrite(str(path), depth_mm)
    for frame in load_sequence(sequence, halvings=0, with_truth=False).frames:
        assert (frame.depth_m[0, :4] == 0).all()
        assert (frame.depth_m[1:] > 0.1).all()


def test_the_truth_has_no_error_and_a_constant_offset_has_its_own(sequence):
    truth = load_sequence(sequence, halvings=1, with_truth=True).truths[0]
    assert endpoint_error(truth, truth)[:3] == (0.0, 0.0, 1.0)
    off = truth._replace(
        flow_px=truth.flow_px + torch.tensor([3.0, 4.0])[:, None, None],
        motion_m=truth.motion_m + torch.tensor([0.0, 0.003, 0.004])[:, None, None],
    )
    error = endpoint_error(off, truth, torch.arange(80) < 40)
    assert error.epe2d_px == pytest.approx(5, rel=1e-4)
    assert error.epe3d_mm == pytest.approx(5, rel=1e-4)
    assert error.pixels < 0.51 * truth.valid.sum()


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the sample recordings")
def test_the_sample_sequence_reaches_the_targets(tmp_path):
    out = tmp_path / "out.json"
    assert run("--sequence", DATA / "open3d_redwood_5frames", "--json", out, "--still") == 0
    report = json.loads(out.read_text())
    cold, warm, dis = (report[name] for name in ("primal_dual", "primal_dual_warm", "dis"))
    assert cold["epe2d_px"] <= 0.30
    assert cold["epe3d_mm"] <= 3.0
    assert cold["epe2d_px"] < dis["epe2d_px"]
    assert cold["epe3d_mm"] < dis["epe3d_mm"]
    assert cold["still"]["mean_flow_px"] < 0.15
    assert cold["still"]["mean_motion_mm"] < 1.5
    assert [pair["warm"] for pair in warm["pairs"]] == [False, True, True, True]
    for before, after in zip(cold["pairs"][1:], warm["pairs"][1:], strict=True):
        assert after["pixel_iterations"] <= 0.5 * before["pixel_iterations"]
        assert after["epe2d_px"] <= 1.1 * before["epe2d_px"]
        assert after["epe3d_mm"] <= 1.1 * before["epe3d_mm"]


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the sample recordings")
def test_a_real_recording_without_poses_is_read():
    loaded = load_sequence(DATA / "pcl_openni_3frames", halvings=1, with_truth=False)
    assert len(loaded.frames) == 3
    assert loaded.truths is None
    assert loaded.frames[0].camera.fx == 262.5
    assert 0.8 < (loaded.frames[0].depth_m > 0).float().mean() < 0.95
