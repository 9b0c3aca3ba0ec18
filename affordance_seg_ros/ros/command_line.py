# SPDX-License-Identifier: Apache-2.0
"""The command line of a node: what ROS takes of it, ``--help``, and nothing else."""

import argparse
import json
import textwrap
from collections.abc import Iterator, Sequence

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.options import Options
from affordance_seg_ros.ros.parameter_table import parameter_rows
from affordance_seg_ros.ros.spinning import own_arguments

_USAGE = "%(prog)s [--help] [--ros-args [-p NAME:=VALUE] [--params-file FILE] [-r FROM:=TO] ...]"
_WIDTH = 90


def check_command_line(
    arguments: Sequence[str], executable: str, purpose: str, groups: Sequence[Options]
) -> None:
    """Refuse what neither ROS nor the node takes, which rclpy would pass over in silence.

    Args:
        arguments: The command line, with the name of the command in front.
        executable: Name of the executable.
        purpose: What the node does, in a sentence.
        groups: The defaults of its parameters.

    Raises:
        ConfigError: There is such an argument, or ROS does not accept one of its own.
        SystemExit: The help was asked for, and is printed.
    """
    parser = argparse.ArgumentParser(
        executable,
        usage=_USAGE,
        description=textwrap.fill(purpose, _WIDTH),
        epilog="\n".join(["parameters and their defaults:", *_parameters(groups)]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    unknown = parser.parse_known_args(own_arguments(arguments))[1]
    if unknown:
        example = f"-p {unknown[0]} for a parameter" if ":=" in unknown[0] else "--help shows which"
        raise ConfigError(
            f"argument '{unknown[0]}'; {executable} expects those of ROS behind --ros-args "
            f"({example})"
        )


def _parameters(groups: Sequence[Options]) -> Iterator[str]:
    for group in groups:
        for row in parameter_rows(group):
            yield f"  {row.name}:={json.dumps(row.default)}"
            yield textwrap.indent(textwrap.fill(row.info.in_words, _WIDTH), " " * 6)
