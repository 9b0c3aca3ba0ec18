# SPDX-License-Identifier: Apache-2.0
"""Command line flags generated from option dataclasses, never retyped; bounded numbers; paths."""

import argparse
import math
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.options import Options

Config = TypeVar("Config", bound=Options)
Parser: TypeAlias = "argparse.ArgumentParser | argparse._ArgumentGroup"


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Tells the default of a flag, unless that is to be empty, not given or switched off."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        default = action.default
        is_off = default is False and not isinstance(action, argparse.BooleanOptionalAction)
        if is_off or default is None or default == "" or default == []:
            return action.help
        return super()._get_help_string(action)


def add_options(
    parser: Parser,
    config: type[Options],
    *,
    prefix: str = "",
    only: tuple[str, ...] = (),
    given_only: bool = False,
) -> None:
    """Add a flag for each option of a dataclass, with its description, unit, range and default.

    Args:
        parser: Where the flags are added: a parser, or a group of one.
        config: The dataclass.
        prefix: Put before each flag's name.
        only: Names of the options wanted; empty for all.
        given_only: Leave flags that are not given out of the parsed arguments; otherwise they could
            not be told from flags that are given their default.
    """
    defaults = config()
    for name, info in config.infos().items():
        if only and name not in only:
            continue
        default = getattr(defaults, name)
        details = info.unit if info.choices else info.accepted or info.unit
        text = as_help(info.description) + (f" [{details}]" if details else "")
        flag = f"--{prefix}{name}".replace("_", "-")
        settings: dict[str, Any] = {"help": text.replace("%", "%%"), "default": default}
        if given_only:
            settings["default"] = argparse.SUPPRESS
            settings["help"] += f" (default: {default})" if default != "" else ""
        if isinstance(default, bool):
            settings["action"] = argparse.BooleanOptionalAction
        elif isinstance(default, tuple):
            settings.update(nargs="+", type=type(default[0]))
        elif info.choices:  # which `Options` checks, and tells with the option's name
            settings["metavar"] = f"{{{','.join(info.choices)}}}"
        elif not isinstance(default, str):
            settings.update(type=type(default), metavar=type(default).__name__.upper())
        parser.add_argument(flag, **settings)


def as_help(sentence: str) -> str:
    """Return a description without its capital, like the rest of argparse's help; acronyms stay."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


def read_options(
    arguments: argparse.Namespace, config: type[Config], *, prefix: str = "", **values: Any
) -> Config:
    """Return the dataclass with the values of its flags.

    Args:
        arguments: Parsed arguments; an option that they lack keeps its default.
        config: The dataclass.
        prefix: As given to `add_options`.
        **values: Fields that have no flag.

    Raises:
        ConfigError: A value is out of its range; the message names it and what is accepted.
    """
    values |= given_options(arguments, config, prefix=prefix)
    try:
        return config(**values)
    except TypeError as error:
        raise ConfigError(str(error)) from error


def given_options(
    arguments: argparse.Namespace, config: type[Options], *, prefix: str = ""
) -> dict[str, Any]:
    """Return the values of a dataclass's options that parsed arguments hold, by name.

    Args:
        arguments: Parsed arguments.
        config: The dataclass.
        prefix: As given to `add_options`.
    """
    found: dict[str, Any] = {}
    for name in config.infos():
        key = f"{prefix}{name}".replace("-", "_")
        if hasattr(arguments, key):
            value = getattr(arguments, key)
            found[name] = tuple(value) if isinstance(value, list) else value
    return found


def non_negative_float(text: str) -> float:
    """Parse a finite, non-negative number of the command line, for argparse's `type`.

    Raises:
        ArgumentTypeError: It is not such a number.
    """
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}; expected a finite number, 0 or more")
    return value


def given_path(text: str) -> Path:
    """Parse a path of the command line, for argparse's `type`.

    An empty one, as from a shell variable that is not set, would be the present folder.

    Raises:
        ArgumentTypeError: It is empty.
    """
    if not text:
        raise argparse.ArgumentTypeError("'' is not a path; expected one, or . for this folder")
    return Path(text)
