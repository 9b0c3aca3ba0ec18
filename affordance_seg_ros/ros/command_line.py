# SPDX-License-Identifier: Apache-2.0
"""The command line of a node: ROS arguments, ``--help``, and nothing else."""

import argparse
import textwrap
from collections.abc import Iterator, Sequence

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.ros.parameter_file import parameter_words
from affordance_seg_ros.ros.parameter_table import node_rows
from affordance_seg_ros.ros.spinning import own_arguments

_USAGE = "%(prog)s [--help] [--ros-args [-p NAME:=VALUE] [--params-file FILE] [-r FROM:=TO] ...]"
_WIDTH = 90


def check_command_line(arguments: Sequence[str], executable: str, purpose: str) -> None:
    """Reject arguments that neither ROS nor the node accepts, and that rclpy would silently ignore.

    Args:
        arguments: The command line, starting with the name of the command.
        executable: Name of the executable, one of `NODE_OPTIONS`.
        purpose: What the node does, in a sentence.

    Raises:
        ConfigError: There is such an argument, or ROS rejects one of its own.
        SystemExit: Help was requested and has been printed.
    """
    parser = argparse.ArgumentParser(
        executable,
        usage=_USAGE,
        description=textwrap.fill(purpose, _WIDTH),
        epilog="\n".join(["parameters and their defaults:", *_parameters(executable)]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    unknown = parser.parse_known_args(own_arguments(arguments))[1]
    if unknown:
        example = f"-p {unknown[0]} for a parameter" if ":=" in unknown[0] else "--help shows which"
        raise ConfigError(
            f"argument '{unknown[0]}'; {executable} expects ROS arguments after --ros-args "
            f"({example})"
        )


def _parameters(executable: str) -> Iterator[str]:
    for row in node_rows(executable):
        yield "  " + " ".join(parameter_words({row.name: row.default}))
        yield textwrap.indent(textwrap.fill(row.info.in_words, _WIDTH), " " * 6)
