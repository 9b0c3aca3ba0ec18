# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import pytest

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.ros.command_line import check_command_line
from affordance_seg_ros.ros.parameter_table import NODE_OPTIONS, node_rows


def check(*arguments):
    check_command_line(("path/kinect_node", *arguments), "kinect_node", "Does it.")


def run(executable, argument):
    code = f"import sys; from affordance_seg_ros.ros.{executable} import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, argument], capture_output=True, text=True, timeout=60
    )


def test_the_arguments_of_ros_are_taken():
    check()
    check("--ros-args", "-p", "rate:=5.0", "-r", "a:=b", "--log-level", "info", "--")


@pytest.mark.parametrize(
    ("argument", "example"),
    [("rate:=5.0", "-p rate:=5.0 for a parameter"), ("--hel", "--help shows which")],
)
def test_what_rclpy_would_pass_over_is_refused(argument, example):
    with pytest.raises(ConfigError) as caught:
        check(argument, "--ros-args", "-p", "loop:=true")
    assert str(caught.value).startswith(f"argument '{argument}'; kinect_node expects ROS arguments")
    assert example in str(caught.value)


@pytest.mark.parametrize("executable", NODE_OPTIONS)
def test_help_names_every_parameter_and_starts_nothing(executable):
    done = run(executable, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {executable} ")
    rows = list(node_rows(executable))
    assert len(rows) > 8
    for row in rows:
        assert f"\n  -p {row.name}:=" in done.stdout


@pytest.mark.parametrize("executable", NODE_OPTIONS)
def test_a_node_with_a_stray_argument_ends_with_one_line_and_code_2(executable):
    done = run(executable, "rate:=5")
    assert done.returncode == 2
    (line,) = (done.stdout + done.stderr).splitlines()
    assert "argument 'rate:=5'" in line
