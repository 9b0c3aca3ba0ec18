# SPDX-License-Identifier: Apache-2.0
"""Commands are printed as `affordance-seg` takes them: in pages, and in comments of configs."""

import argparse
import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import pytest

from affordance_seg_ros.cli import COMMANDS
from affordance_seg_ros.config import FlowConfig, PipelineConfig
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.flags import read_options
from affordance_seg_ros.node_config import NodeConfig

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
CONFIGS = sorted([*(ROOT / "config").glob("*.yaml"), *(ROOT / "training/configs").glob("*.yaml")])
LEFT_OUT = "…"


class Parser(argparse.ArgumentParser):
    """A parser that raises what it has to say."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(message)


def commands(text: str) -> list[str]:
    """Return what a text prints after `affordance-seg`, each in one line."""
    joined = re.sub(r"\\\n#?\s*", "", text)
    printed = re.findall(r"(?<=`)affordance-seg ([^`]+)|affordance-seg ([a-z][^`\n]*)", joined)
    lines = (" ".join((span or line).split()) for span, line in printed)
    return [re.sub(r" [|#] .*", "", line) for line in lines]


def refusal(command: str) -> str:
    """Return what the parser says against a command; empty if it takes it.

    A name alone speaks of the command. One of which something is left out need not be complete.
    """
    name, *words = shlex.split(command)
    if name not in COMMANDS:
        return f"no command {name}"
    if not words:
        return ""
    parser = Parser(add_help=False)
    parser.add_argument("--help", action="store_true")
    import_module(f"affordance_seg_ros.cli.{name}").add_arguments(parser)
    if LEFT_OUT in words or "--help" in words:
        for argument in parser._actions:
            argument.required = False
    try:
        parsed, unknown = parser.parse_known_args(words)
        if LEFT_OUT not in words:
            for options, prefix in ((NodeConfig, ""), (PipelineConfig, ""), (FlowConfig, "flow-")):
                read_options(parsed, options, prefix=prefix)
    except ConfigError as error:
        return str(error)
    return " ".join(word for word in unknown if word != LEFT_OUT)


@pytest.mark.parametrize("file", [*PAGES, *CONFIGS], ids=lambda file: file.name)
def test_printed_commands_are_taken_as_they_are_printed(file: Path) -> None:
    refusals = {command: refusal(command) for command in commands(file.read_text())}
    assert {command: why for command, why in refusals.items() if why} == {}


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("```\naffordance-seg info | head -60\n```", "info"),
        ("```\nros2 run package affordance-seg live BAG --html   # why\n```", "live BAG --html"),
        ("as `affordance-seg bench --device\ncpu` says", "bench --device cpu"),
        ("#   affordance-seg synth --out DIR \\\n#     --clips 3\n", "synth --out DIR --clips 3"),
    ],
    ids=["fenced", "of ros2 run", "in a sentence", "in a comment"],
)
def test_printed_commands_are_found(text: str, command: str) -> None:
    assert commands(text) == [command]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("sing", "no command sing"),
        ("synth --clips 3", "the following arguments are required: --out"),
        ("replay … --out", "argument --out: expected one argument"),
        ("evaluate … --thershold 0.5", "--thershold 0.5"),
        ("evaluate --data CLIPS --until never", "invalid choice: 'never'"),
        ("evaluate --data CLIPS --flow-estimator magic", "estimator='magic'"),
        ("replay BAG --out DIR --min-confidence 7", "min_confidence=7.0"),
    ],
)
def test_a_command_that_would_be_refused_is_found_out(command: str, reason: str) -> None:
    assert reason in refusal(command)
