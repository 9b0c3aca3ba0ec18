# SPDX-License-Identifier: Apache-2.0
"""Camera motions of a sequence."""

import cv2
import numpy as np
import pytest

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.sources.bag import open_recording
from affordance_seg_ros.sources.trajectory import read_trajectory


def test_trajectory_holds_camera_to_world_motions(tmp_path):
    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(np.array([0.1, 0.2, 0.3]))[0]
    T[:3, 3] = 1, 2, 3
    rows = "\n".join(" ".join(map(repr, map(float, row))) for row in T)
    (tmp_path / "trajectory.log").write_text(f"0 0 1\n{rows}\n1 1 2\n{rows}\n")
    poses = read_trajectory(tmp_path / "trajectory.log")
    np.testing.assert_array_equal(poses, [T, T])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "0 lines; expected 5 per pose"),
        ("0 0 1\n1 0 0 0\n", "2 lines; expected 5 per pose"),
        ("0 0 1\n1 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "is damaged"),
        ("0 0 1\na b c d\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "is damaged"),
        ("0 0 1\n2 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "not a rigid motion"),
        ("0 0 1\nnan 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "not a rigid motion"),
    ],
)
def test_broken_trajectory_is_named(content, message, tmp_path):
    (tmp_path / "trajectory.log").write_text(content)
    with pytest.raises(SourceError, match=message):
        read_trajectory(tmp_path / "trajectory.log")


def test_missing_trajectory_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"trajectory\.log is missing"):
        read_trajectory(tmp_path / "trajectory.log")


def test_depth_of_a_static_scene_agrees_between_frames_by_the_trajectory(shared_data):
    folder = shared_data("open3d_redwood_5frames")
    recording = open_recording(folder)
    frames = list(recording.frames())
    poses = read_trajectory(folder / "trajectory.log")
    assert len(frames) == len(poses) == 5

    def median_error_m(i, T):
        depth_m = frames[i].depth.to_metres()
        rows, columns = np.nonzero(np.isfinite(depth_m))
        points = recording.camera.unproject(np.stack([columns, rows], -1), depth_m[rows, columns])
        moved = points @ T[:3, :3].T + T[:3, 3]
        column, row = np.rint(recording.camera.project(moved)).astype(int).T
        inside = (column >= 0) & (column < 640) & (row >= 0) & (row < 480)
        seen_m = frames[i + 1].depth.to_metres()[row[inside], column[inside]]
        return np.nanmedian(np.abs(seen_m - moved[inside, 2]))

    for i in range(4):
        T = np.linalg.inv(poses[i + 1]) @ poses[i]
        assert median_error_m(i, T) < 0.006
        assert median_error_m(i, T) < 0.7 * median_error_m(i, np.linalg.inv(T))
