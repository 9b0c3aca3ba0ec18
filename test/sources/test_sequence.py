# SPDX-License-Identifier: Apache-2.0
"""Folders of pictures, and the poses that come with some."""

import json
import re

import cv2
import numpy as np
import pytest

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import CalibrationError, ConfigError, SourceError
from affordance_seg_ros.sources.bag import open_recording
from affordance_seg_ros.sources.sequence import open_pcl_tiffs

MATRIX = [40.0, 0, 0, 0, 41.0, 0, 15.5, 11.5, 1]
XML = """<?xml version="1.0" encoding="utf-8"?>
<rgb><focal_length_x>40</focal_length_x><focal_length_y>41</focal_length_y>
<principal_point_x>15.5</principal_point_x><principal_point_y>11.5</principal_point_y></rgb>
<depth><z_multiplication_factor>{}</z_multiplication_factor></depth>
"""
TIMES = ("20121214T142255.814212", "20121214T142256.068683")


def depth_mm(index):
    return np.full((24, 32), 900 + index, np.uint16)


@pytest.fixture
def folders(tmp_path, picture):
    """A folder in Open3D's layout with three frames."""
    path = tmp_path / "sequence"
    for name in ("color", "depth"):
        (path / name).mkdir(parents=True)
    for i in range(3):
        cv2.imwrite(str(path / f"color/{i:05}.png"), np.roll(picture, i, 1)[..., ::-1])
        cv2.imwrite(str(path / f"depth/{i:05}.png"), depth_mm(i))
    content = {"width": 32, "height": 24, "intrinsic_matrix": MATRIX}
    (path / "camera_test.json").write_text(json.dumps(content))
    return path


@pytest.fixture
def tiffs(tmp_path, picture):
    """A folder of PCL's TIFF grabber with two frames."""
    path = tmp_path / "grabbed"
    path.mkdir()
    for i, time in enumerate(TIMES):
        cv2.imwrite(str(path / f"frame_{time}_rgb.tiff"), np.roll(picture, i, 1)[..., ::-1])
        cv2.imwrite(str(path / f"frame_{time}_depth.tiff"), depth_mm(i))
        (path / f"frame_{time}.xml").write_text(XML.format(0.001))
    return path


def test_folders_give_color_depth_camera_and_stamps_by_the_rate(folders, picture):
    recording = open_recording(folders, rate_hz=20.0)
    assert recording.camera == Camera(32, 24, 40.0, 41.0, 15.5, 11.5)
    assert (recording.frame_count, recording.rate_hz) == (3, 20)
    frames = list(recording.frames())
    assert [frame.stamp_ns for frame in frames] == [0, 50_000_000, 100_000_000]
    for i, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.color, np.roll(picture, i, 1))
        np.testing.assert_allclose(frame.depth.to_metres(), depth_mm(i) * 0.001, rtol=1e-6)
    assert recording.report.frames == 3


@pytest.mark.parametrize(
    ("colors", "depths", "doubt"),
    [
        ("0 1 3", "0 2 3", r"color/1.png is paired with .*depth/2.png, .*expected matching"),
        ("a0 a1 a2", "b7 b8 b9", ""),
        ("1.17 1.20 1.25", "1.18 1.20 1.24", ""),  # stamps
    ],
)
def test_a_picture_that_is_missing_in_each_folder_raises_a_doubt(folders, colors, depths, doubt):
    for name, stems in (("color", colors), ("depth", depths)):
        for i, stem in enumerate(stems.split()):
            (folders / f"{name}/{i:05}.png").rename(folders / f"{name}/{stem}.png")
    doubts = open_recording(folders).doubts
    assert len(doubts) == bool(doubt)
    assert all(re.search(doubt, each) for each in doubts)


def test_folders_without_leading_zeros_are_in_order_of_their_numbers(folders):
    for name in ("color", "depth"):
        for i in (2, 1, 0):
            (folders / f"{name}/{i:05}.png").rename(folders / f"{name}/frame{(9, 10, 100)[i]}.png")
    assert [frame.depth.raw[0, 0] for frame in open_recording(folders).frames()] == [900, 901, 902]


def test_folders_without_a_rate_are_taken_for_30_hz(folders):
    stamps = [frame.stamp_ns for frame in open_recording(folders).frames()]
    assert stamps == [0, 33_333_333, 66_666_667]


def test_tiffs_give_color_depth_camera_and_the_stamps_of_their_names(tiffs, picture):
    recording = open_recording(tiffs)
    assert recording.camera == Camera(32, 24, 40.0, 41.0, 15.5, 11.5)
    frames = list(recording.frames())
    assert frames[1].stamp_ns - frames[0].stamp_ns == 254_471_000
    assert frames[0].stamp_ns % 1_000_000_000 == 814_212_000
    assert recording.rate_hz == pytest.approx(1 / 0.254471)
    for i, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.color, np.roll(picture, i, 1))
        np.testing.assert_array_equal(frame.depth.raw, depth_mm(i))
        assert frame.depth.metres_per_unit == 0.001


def test_unit_of_tiff_depth_is_that_of_the_xml(tiffs):
    for path in tiffs.glob("*.xml"):
        path.write_text(XML.format(0.0001))
    (frame, _) = open_recording(tiffs).frames()
    assert frame.depth.to_metres()[0, 0] == pytest.approx(0.09)


def test_single_tiff_has_no_rate(tiffs):
    for path in tiffs.glob(f"*{TIMES[1]}*"):
        path.unlink()
    assert open_recording(tiffs).rate_hz is None


def test_damaged_picture_is_left_out_and_counted(folders):
    (folders / "color/00001.png").write_bytes(b"damaged")
    recording = open_recording(folders)
    assert len(list(recording.frames())) == 2
    ((reason, count),) = recording.report.skipped.items()
    assert "00001.png is damaged: 7 bytes" in reason
    assert count == 1


def test_depth_in_metres_is_not_taken_for_millimetres(folders):
    for path in (folders / "depth").iterdir():
        path.unlink()
        cv2.imwrite(str(path.with_suffix(".tiff")), np.full((24, 32), 1.25, np.float32))
    recording = open_recording(folders)
    with pytest.raises(SourceError, match=r"00000\.tiff holds float32; expected 16 bits"):
        list(recording.frames())


def test_names_with_and_without_a_number_are_put_in_order(folders):
    for name in ("color", "depth"):
        (folders / name / "00001.png").rename(folders / name / "img1.png")
        (folders / name / "00002.png").rename(folders / name / "img.png")
    depths = [int(frame.depth.raw[0, 0]) for frame in open_recording(folders).frames()]
    assert depths == [900, 902, 901]


def test_picture_that_vanished_after_the_opening_is_left_out_and_counted(folders):
    recording = open_recording(folders)
    (folders / "color/00001.png").unlink()
    count = len(list(recording.frames()))
    ((reason, times),) = recording.report.skipped.items()
    assert "00001.png cannot be read: No such file" in reason
    assert (count, times) == (recording.frame_count - 1, 1)


def test_pictures_of_another_size_are_named(folders):
    for path in (folders / "depth").iterdir():
        cv2.imwrite(str(path), np.ones((12, 16), np.uint16))
    with pytest.raises(SourceError, match="3 x depth 16x12 with colour 32x24"):
        list(open_recording(folders).frames())


def break_depth(path):
    (path / "depth/00002.png").unlink()


def break_color(path):
    for file in (path / "color").iterdir():
        file.unlink()
    (path / "color").rmdir()


def break_camera(path):
    (path / "camera_test.json").unlink()


def break_camera_twice(path):
    (path / "camera_other.json").write_text("{}")


def break_json(path):
    (path / "camera_test.json").write_text('{"width": ')


def break_matrix(path):
    (path / "camera_test.json").write_text('{"width": 3, "height": 3, "intrinsic_matrix": [1]}')


def forget_matrix(path):
    (path / "camera_test.json").write_text('{"width": 3, "fx": 30}')


def turn_matrix(path):
    content = {"width": 32, "height": 24, "intrinsic_matrix": [30, 0, 16, 0, 30, 12, 0, 0, 1]}
    (path / "camera_test.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (turn_matrix, "intrinsic_matrix is not column-major"),
        (break_depth, "3 colour and 2 depth pictures; expected equal"),
        (break_color, "0 colour and 3 depth pictures"),
        (break_camera, "camera files: none; expected one"),
        (break_camera_twice, r"camera files: camera_other\.json, camera_test\.json; expected one"),
        (break_json, r"camera_test\.json is damaged"),
        (break_matrix, r"camera_test\.json is damaged: intrinsic_matrix of 1 numbers; expected 9"),
        (
            forget_matrix,
            "is damaged: no height, intrinsic_matrix; expected width, height, intrinsic_matrix",
        ),
    ],
)
def test_broken_folders_are_named(damage, message, folders):
    damage(folders)
    with pytest.raises(SourceError, match=message):
        open_recording(folders)


def test_impossible_intrinsics_are_refused(folders):
    content = {"width": 32, "height": 24, "intrinsic_matrix": [0.0, *MATRIX[1:]]}
    (folders / "camera_test.json").write_text(json.dumps(content))
    with pytest.raises(CalibrationError, match="expected positive numbers"):
        open_recording(folders)


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_rate_is_refused(rate_hz, folders):
    with pytest.raises(ConfigError, match="expected a positive number"):
        open_recording(folders, rate_hz=rate_hz)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (f"frame_{TIMES[0]}_depth.tiff", None, "_depth.tiff is missing beside frame_"),
        (f"frame_{TIMES[0]}.xml", None, r"\.xml is missing; expected the intrinsics"),
        (f"frame_{TIMES[0]}.xml", "<rgb>", r"\.xml is damaged"),
        (f"frame_{TIMES[0]}.xml", "<?xml ?><rgb></rgb>", r"\.xml is damaged"),
        (f"frame_{TIMES[0]}_rgb.tiff", "no picture", r"_rgb\.tiff is damaged"),
        ("frame_7_rgb.tiff", "", r"frame_7_(rgb|depth)\.tiff"),
    ],
)
def test_broken_tiffs_are_named(name, content, message, tiffs):
    if content is None:
        (tiffs / name).unlink()
    else:
        (tiffs / name).write_text(content)
    with pytest.raises(SourceError, match=message):
        open_recording(tiffs)


def test_tiff_without_a_time_in_its_name_is_named(tiffs):
    for kind in ("rgb", "depth"):
        (tiffs / f"frame_7_{kind}.tiff").write_text("")
    with pytest.raises(
        SourceError, match=r"frame_7_rgb\.tiff: no time in the name; expected frame_Y"
    ):
        open_recording(tiffs)


def test_folder_without_tiffs_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"has no frame_\*_rgb\.tiff"):
        open_pcl_tiffs(tmp_path)


def test_real_openni_frames_are_read(shared_data):
    recording = open_recording(shared_data("pcl_openni_3frames"))
    frames = list(recording.frames())
    assert len(frames) == 3
    assert recording.camera == Camera(640, 480, 525.0, 525.0, 320.0, 240.0)
    assert recording.rate_hz == pytest.approx(3.86, abs=0.01)
    # The cardboard box in the background is brown, what stands beside it is blue.
    red, _, blue = frames[0].color[20:120, 500:560].reshape(-1, 3).mean(0)
    assert red > blue + 20
    red, _, blue = frames[0].color[100:160, 610:635].reshape(-1, 3).mean(0)
    assert blue > red + 20
    assert np.nanmedian(frames[0].depth.to_metres()) == pytest.approx(0.97, abs=0.1)
