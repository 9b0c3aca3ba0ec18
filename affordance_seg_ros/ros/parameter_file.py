# SPDX-License-Identifier: Apache-2.0
"""ROS parameters in files and on command lines: for which nodes, and what takes precedence."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from affordance_seg_ros.errors import ConfigError, SourceError

_SECTION = "ros__parameters"


def check_parameter_file(path: Path, nodes: Sequence[str]) -> None:
    """Check that a parameter file has a section for one of the given nodes.

    ROS silently ignores a file with only other nodes' sections, and a node in a namespace ignores
    sections that do not name it.

    Args:
        path: YAML file.
        nodes: Full names of nodes, such as ``/left/affordance``.

    Raises:
        ConfigError: It has no such section, or cannot be read.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file; expected a parameter file, such as config/affordance.yaml"
        ) from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from None
    found = list(_section_names(content))
    if not any(_covers(section, node) for section in found for node in nodes):
        held = f"sections for {', '.join(found)}" if found else f"no section '{_SECTION}'"
        raise ConfigError(f"{path}: {held}; expected one for {' or '.join(nodes)}, or for /**")


def write_overriding(path: Path, parameters: Mapping[str, Any], out: Path) -> None:
    """Write a parameter file that overrides another one, section by section.

    Parameters on the command line count as if in the section for all nodes, which a file's own
    section for a node would override.

    Args:
        path: The file to override, as accepted by `check_parameter_file`.
        parameters: Values that take precedence, by name.
        out: The file to write.

    Raises:
        SourceError: It cannot be written.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    text = yaml.safe_dump(_sections_with(content, parameters), sort_keys=False)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{out}: cannot be written ({error.strerror})") from error


def parameter_words(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield parameters, given by name, as ROS arguments for any node."""
    for name, value in parameters.items():
        yield from ("-p", f"{name}:={json.dumps(value)}")


def _section_names(content: Any, parents: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the full name, with wildcards, that each section is for."""
    for name, part in content.items() if isinstance(content, dict) else ():
        if name == _SECTION:
            yield "/" + "/".join(parents)
        else:
            words = (word for word in str(name).split("/") if word)
            yield from _section_names(part, (*parents, *words))


def _covers(section: str, node: str) -> bool:
    """Return whether a section fits a node; * stands for one part of a name, ** for any number."""
    words = {"*": "/[^/]+", "**": "(?:/[^/]+)*"}
    pattern = "".join(words.get(word, "/" + re.escape(word)) for word in section.split("/")[1:])
    return re.fullmatch(pattern, node) is not None


def _sections_with(content: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sections of a parameter file with other parameters in them."""
    found: dict[str, Any] = {}
    for name, part in content.items() if isinstance(content, dict) else ():
        if name == _SECTION:
            found[name] = dict(parameters)
        elif inner := _sections_with(part, parameters):
            found[name] = inner
    return found
