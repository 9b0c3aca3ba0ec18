# SPDX-License-Identifier: Apache-2.0
"""Play a recording to the live node with /clock, and end with the report of the replay.

The same as `ros2 run affordance_seg_ros affordance-seg live BAG --out DIR --html`.
"""

import shlex
from collections.abc import Iterator
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
)
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch_ros.substitutions import ExecutableInPackage

PACKAGE = "affordance_seg_ros"
TRUTH = ("true", "false")
# Arguments that the command takes under the same name; those that are empty are left out.
PASSED_ON = (
    "out", "camera", "base", "pace", "rate", "weights", "device", "params_file", "namespace",
)  # fmt: skip


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "bag",
                description="Recording: rosbag2 (folder, .mcap or .db3), rosbag1 (.bag), clip, "
                "folder of pictures, or Azure Kinect .mkv",
            ),
            DeclareLaunchArgument(
                "out",
                default_value="replay",
                description="Folder for video, pictures, predictions, summary.json and report.html",
            ),
            DeclareLaunchArgument(
                "camera",
                default_value="",
                description="Preset of the recorded camera; empty finds its topics automatically",
            ),
            DeclareLaunchArgument(
                "base",
                default_value="",
                description="Namespace of the camera's topics, if not the preset's own",
            ),
            DeclareLaunchArgument(
                "pace",
                default_value="lockstep",
                choices=("lockstep", "recorded"),
                description="lockstep: as fast as the node can, without dropping a frame; "
                "recorded: at the recording's own speed, as a camera would",
            ),
            DeclareLaunchArgument(
                "rate", default_value="1.0", description="Speed factor for the recorded pace"
            ),
            DeclareLaunchArgument(
                "html",
                default_value="true",
                choices=TRUTH,
                description="Write the report as one page, report.html",
            ),
            DeclareLaunchArgument(
                "masks",
                default_value="false",
                choices=TRUTH,
                description="Write each mask as a PNG of label ids",
            ),
            DeclareLaunchArgument(
                "weights", default_value="", description="Weight file; empty takes the package's"
            ),
            DeclareLaunchArgument(
                "device",
                default_value="",
                description="Compute device: auto, cpu, cuda or cuda:N; empty leaves it to the "
                "parameters",
            ),
            DeclareLaunchArgument(
                "params_file",
                default_value="",
                description="Parameters of the affordance node (like config/affordance.yaml)",
            ),
            DeclareLaunchArgument(
                "namespace", default_value="", description="Namespace of the node and all topics"
            ),
            DeclareLaunchArgument(
                "options",
                default_value="",
                description="Further options of `affordance-seg live`, as on the command line: "
                "'--min-confidence 0.5 --color-topic /camera/color/image_raw'",
            ),
            OpaqueFunction(function=_processes),
        ]
    )


def _processes(context: LaunchContext) -> list[Action]:
    live = ExecuteProcess(
        name="live",
        cmd=[ExecutableInPackage("affordance-seg", PACKAGE), "live", *_words(context)],
        output="screen",
        # Its own children are stopped within three seconds.
        sigterm_timeout="10",
    )
    return [live, RegisterEventHandler(OnProcessExit(target_action=live, on_exit=_end))]


def _words(context: LaunchContext) -> Iterator[str]:
    given = context.launch_configurations
    yield _path(given["bag"])
    for name in PASSED_ON:
        if given[name]:
            value = _path(given[name]) if name in ("out", "params_file") else given[name]
            yield f"--{name.replace('_', '-')}={value}"
    yield from (f"--{name}" for name in ("html", "masks") if given[name] == "true")
    yield from shlex.split(given["options"])


def _path(text: str) -> str:
    """Return a path with its ~ expanded, which no shell does after :=."""
    return str(Path(text).expanduser())


def _end(event: ProcessExited, context: LaunchContext) -> Action:
    if event.returncode and not context.is_shutdown:
        # An exception is what makes `ros2 launch` end with an exit code of 1.
        raise RuntimeError(f"the live run ended with exit code {event.returncode}; expected 0")
    return Shutdown(reason="the recording has been played")
