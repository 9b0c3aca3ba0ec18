# SPDX-License-Identifier: Apache-2.0
"""What the launch file of a replay would start, where `ros2 launch` is missing too."""

import argparse
from pathlib import Path

import pytest
from launch_double import ExecutableInPackage, LaunchContext, LaunchFile, ProcessExited, Shutdown

from affordance_seg_ros.cli import live


def test_a_recording_is_played_by_the_command_with_the_same_words(
    replay: LaunchFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    said = {"pace": "recorded", "weights": "parts", "device": "cpu", "namespace": "robot"}
    said |= {"camera": "realsense", "base": "/left"}
    paths = {"bag": "a bag", "out": "out", "params_file": "robot.yaml"}
    words = [f"{name}:={value}" for name, value in said.items()]
    words += [f"{name}:=~/{value}" for name, value in paths.items()]
    words += ["rate:=2.0", "html:=false", "masks:=true"]
    started, _ = replay(*words, "options:=--min-confidence 0.5 --color-topic '/my topic'")
    program, command, *rest = started.cmd
    assert program == ExecutableInPackage("affordance-seg", "affordance_seg_ros")
    assert command == "live"
    parser = argparse.ArgumentParser()
    live.add_arguments(parser)
    understood = vars(parser.parse_args(rest))
    understood["bag"] = understood["recording"]
    assert {name: understood[name] for name in said} == said
    assert {name: understood[name] for name in paths} == {k: tmp_path / v for k, v in paths.items()}
    assert (understood["rate"], understood["html"], understood["masks"]) == (2.0, False, True)
    assert (understood["min_confidence"], understood["color_topic"]) == (0.5, "/my topic")


def test_what_is_not_said_of_a_replay_is_left_to_the_command(replay: LaunchFile) -> None:
    started, _ = replay("bag:=bag")
    assert started.cmd[2:] == ["bag", "--out=replay", "--pace=lockstep", "--rate=1.0", "--html"]
    with pytest.raises(RuntimeError, match='"bag" was not provided'):
        replay()


def test_a_replay_ends_the_launch_and_one_that_fails_with_an_error(replay: LaunchFile) -> None:
    started, registered = replay("bag:=bag")
    assert registered.event_handler.target_action is started
    ended = registered.event_handler.on_exit
    played = Shutdown("the recording has been played")
    assert ended(ProcessExited(0), LaunchContext()) == played
    assert ended(ProcessExited(130), LaunchContext(is_shutdown=True)) == played
    with pytest.raises(RuntimeError, match="exit code 2; expected 0"):
        ended(ProcessExited(2), LaunchContext())
