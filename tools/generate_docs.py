# SPDX-License-Identifier: Apache-2.0
"""Write docs/messages.md, docs/parameters.md and config/affordance.yaml from their sources.

The messages come from msg/*.msg, the parameters from the dataclasses in config.py and
node_config.py.
"""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import yaml

from affordance_seg_ros.ros.parameter_table import NODE_OPTIONS, ParameterRow, nest, node_rows

ROOT = Path(__file__).resolve().parent.parent
_FIELD = re.compile(r"(?P<type>\S+)\s+(?P<name>\w+)\s*(?:#\s*(?P<comment>.*))?")
_LICENCE = "SPDX-License-Identifier: Apache-2.0"
_NOTE = "Written by tools/generate_docs.py; run it after a change."


def main() -> None:
    for path, text in generated().items():
        (ROOT / path).write_text(text, encoding="utf-8")


def generated() -> dict[str, str]:
    """Return the text of each generated file by its path."""
    return {
        "docs/messages.md": messages(),
        "docs/parameters.md": parameters(),
        "config/affordance.yaml": defaults(),
    }


def messages() -> str:
    lines = [f"<!-- {_LICENCE}. {_NOTE} -->", "# Messages", ""]
    for path in sorted((ROOT / "msg").glob("*.msg")):
        lines += _message(path)
    return "\n".join(lines).rstrip() + "\n"


def parameters() -> str:
    lines = [
        f"<!-- {_LICENCE}. {_NOTE} -->",
        "# Parameters",
        "",
        "Parameters marked live may be changed while the node runs (`ros2 param set`); the others "
        "are read when the node starts. A value outside its range is refused with the range in the "
        "message, and an unknown or refused value at the start ends the node with exit code 2. "
        "`ros2 run affordance_seg_ros affordance_node --help` prints them too.",
        "",
    ]
    for node in NODE_OPTIONS:
        lines += [f"## {node}", "", "| parameter | type | default | accepted | live | meaning |"]
        lines += ["|---|---|---|---|---|---|"]
        lines += [_parameter(row) for row in node_rows(node)]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def defaults() -> str:
    lines = [
        f"# {_LICENCE}",
        f"# {_NOTE}",
        "# All parameters of affordance_node at their defaults.",
    ]
    lines += ["/**/affordance:", "  ros__parameters:"]
    rows = {row.name: row for row in node_rows("affordance_node")}
    lines += _tree(nest(rows), indent=4)
    return "\n".join(lines) + "\n"


def _message(path: Path) -> Iterator[str]:
    yield f"## {path.stem}"
    yield ""
    head: list[str] = []
    rows: list[list[str]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if _LICENCE in text:
            continue
        if text.startswith("#") and not rows:
            head.append(text.lstrip("# "))
        elif text.startswith("#"):
            rows[-1][2] += " " + text.lstrip("# ")
        elif found := _FIELD.fullmatch(text):
            rows.append([found["type"], found["name"], found["comment"] or ""])
    yield " ".join(head)
    yield ""
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    for kind, name, comment in rows:
        yield f"| `{name}` | `{kind}` | {comment} |"
    yield ""


def _parameter(row: ParameterRow) -> str:
    info = row.info
    accepted = info.accepted or ("true, false" if isinstance(row.default, bool) else "any")
    return (
        f"| `{row.name}` | {type(row.default).__name__} | `{_scalar(row.default)}` | {accepted} | "
        f"{'yes' if info.live else ''} | {info.description}{f' [{info.unit}]' * bool(info.unit)} |"
    )


def _tree(level: dict[str, object], indent: int) -> Iterator[str]:
    space = " " * indent
    for name, value in level.items():
        if isinstance(value, dict):
            yield f"{space}{name}:"
            yield from _tree(value, indent + 2)
        elif isinstance(value, ParameterRow):
            yield from textwrap.wrap(value.info.in_words, 100, initial_indent=f"{space}# ",
                                     subsequent_indent=f"{space}# ")  # fmt: skip
            yield f"{space}{name}: {_scalar(value.default)}"


def _scalar(value: object) -> str:
    """Return a value in YAML: floats keep their point, or rcl would read them as integers."""
    return yaml.safe_dump(value, default_flow_style=True, width=1000).partition("\n")[0]


if __name__ == "__main__":
    main()
