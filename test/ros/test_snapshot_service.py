# SPDX-License-Identifier: Apache-2.0
"""The last seconds of a running node as a clip."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from camera_double import color_picture
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.sources.bag import open_recording
from affordance_seg_ros.sources.clip import read_clip
from affordance_seg_ros.training.datasets.check import check_data

STEP_NS = 100_000_000
START_NS = 5 * 10**18 // 3


def show(client, camera, count, first=0):
    """Publish frames, one after the other's mask."""
    masks = client.collect(Image, "/affordance/mask")
    camera.wait_for_subscriber()
    for index in range(first, first + count):
        camera.publish(START_NS + index * STEP_NS, index)
        client.wait(lambda shown=index: len(masks) > shown - first)


def snapshot(client):
    return client.call(Trigger, "/affordance/snapshot")


@pytest.mark.parametrize(
    ("folder", "reason"),
    [("~nobody-of-this-name/clips", "expected a folder of a known user"), ("x" * 300, "cannot be")],
)
def test_a_folder_that_cannot_be_is_told_and_harms_nothing(client, start, camera, folder, reason):
    node = start(snapshot_s=0.5, snapshot_folder=folder)
    show(client, camera, 2)
    answer = snapshot(client)
    assert not answer.success
    assert reason in answer.message
    assert node.end() == 0


def test_the_last_seconds_become_a_clip_that_replay_and_training_read(
    client, start, camera, tmp_path
):
    node = start(snapshot_s=0.5, snapshot_folder=str(tmp_path / "clips"))
    show(client, camera, 9)
    answer = snapshot(client)
    assert answer.success, answer.message
    assert "writing 6 frames, 0.5 s, to" in answer.message
    node.wait_for("snapshot written")
    (path,) = (tmp_path / "clips").iterdir()
    assert path.name == "snapshot_20221025T025747_466"
    clip = read_clip(path)
    assert clip.stamps_ns == tuple(START_NS + index * STEP_NS for index in range(3, 9))
    assert (clip.info.source, clip.info.rate_hz) == ("recorded", 10.0)
    # Noise that went through a JPEG is still itself.
    shown, other = (color_picture(index)[..., 1].ravel() for index in (8, 7))
    kept = clip.frame(5).color[..., 1].ravel()
    assert np.corrcoef(kept, shown)[0, 1] > 0.5 > np.corrcoef(kept, other)[0, 1]
    assert sum(1 for _ in open_recording(path).frames()) == 6
    report = check_data(tmp_path / "clips", LabelSet(), progress=False)
    assert [each.what for each in report.problems] == ["neither an action nor a label"]


def test_a_node_that_keeps_nothing_says_which_parameter_to_set(client, start, camera, tmp_path):
    start(snapshot_folder=str(tmp_path))
    show(client, camera, 1)
    assert "set snapshot_s" in snapshot(client).message
    value = ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=2.0)
    request = SetParameters.Request(parameters=[Parameter(name="snapshot_s", value=value)])
    assert client.call(SetParameters, "/affordance/set_parameters", request).results[0].successful
    assert "no frame has come yet, or one alone exceeds snapshot_memory_mb=512" in (
        snapshot(client).message
    )
    show(client, camera, 2, first=1)
    assert "writing 2 frames" in snapshot(client).message


def test_a_folder_that_cannot_be_written_is_refused_in_the_answer(client, start, camera, tmp_path):
    (tmp_path / "file").touch()
    start(snapshot_s=1.0, snapshot_folder=str(tmp_path / "file"))
    show(client, camera, 1)
    answer = snapshot(client)
    assert not answer.success
    assert f"{tmp_path / 'file'}: cannot be written to" in answer.message


def test_the_same_moment_is_written_once(client, start, camera, tmp_path):
    node = start(snapshot_s=1.0, snapshot_folder=str(tmp_path))
    show(client, camera, 2)
    assert snapshot(client).success
    node.wait_for("snapshot written")
    answer = snapshot(client)
    assert not answer.success
    assert "exists" in answer.message


def test_a_node_that_ends_leaves_a_whole_clip_or_none(client, start, camera, tmp_path):
    node = start(snapshot_s=60.0, snapshot_folder=str(tmp_path / "clips"))
    show(client, camera, 30)
    assert snapshot(client).success
    assert node.end(signal.SIGINT) == 0
    left = list((tmp_path / "clips").iterdir())
    assert all(len(read_clip(path)) == 30 for path in left)
    assert ("snapshot written" in node.output) == bool(left)


def test_the_default_folder_is_that_of_ros(monkeypatch):
    from affordance_seg_ros.node_config import NodeConfig
    from affordance_seg_ros.ros.snapshot_service import snapshot_folder

    monkeypatch.setitem(os.environ, "ROS_HOME", "/home/robot/ros")
    assert snapshot_folder(NodeConfig()) == Path("/home/robot/ros/affordance_snapshots")
    monkeypatch.delitem(os.environ, "ROS_HOME")
    assert snapshot_folder(NodeConfig()) == Path.home() / ".ros/affordance_snapshots"
