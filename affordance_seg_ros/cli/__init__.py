# SPDX-License-Identifier: Apache-2.0
"""The command `affordance-seg`: its subcommands are imported when they run."""

import argparse
import io
import logging
import shlex
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from affordance_seg_ros import __version__
from affordance_seg_ros.errors import AffordanceError, SourceError
from affordance_seg_ros.flags import HelpFormatter
from affordance_seg_ros.threads import share_processor
from affordance_seg_ros.whole_file import check_writable

COMMANDS = {
    "replay": "run the pipeline over a recording; write video, pictures, predictions and metrics",
    "live": "play a recording to a live node; write the same report as replay",
    "record": "record what a running node says about a recording that is played to it",
    "synth": "render interaction clips with perfect labels and flow",
    "train": "train a network, check data, or run the ablation",
    "evaluate": "measure weights on labelled clips; write tables and pictures",
    "export": "write the network as ONNX, checked against PyTorch",
    "bench": "time every stage of the pipeline on this machine, and compare with its limits",
    "info": "show what a weight file holds, and what this machine offers",
}
"""Subcommands; each is a module here with `add_arguments(parser)` and `run(arguments) -> int`.

The arguments carry the whole command line, for reports, as `invocation`.
"""

_BAD_INPUT = 2
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `affordance-seg`; return its exit code: 0, 2 for bad input, 130 when interrupted."""
    if arguments is None:  # running as a separate process
        share_processor()
        logging.basicConfig(level=logging.WARNING, format="%(message)s")
        logging.getLogger("affordance_seg_ros").setLevel(logging.INFO)
        for stream in (sys.stdout, sys.stderr):  # file names need not be UTF-8
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    chosen = next((word for word in words if not word.startswith("-")), "")
    try:
        return _run(words, chosen)
    except AffordanceError as error:
        print(f"affordance-seg {chosen}: {error}", file=sys.stderr)
        return _BAD_INPUT
    except KeyboardInterrupt:
        print(f"affordance-seg {chosen}: interrupted", file=sys.stderr)
        return _INTERRUPTED


def _run(words: Sequence[str], chosen: str) -> int:
    parser = argparse.ArgumentParser(
        prog="affordance-seg", description="Affordance segmentation of RGB-D video."
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = subparsers.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=HelpFormatter,
        )
        if name == chosen:
            module = import_module(f"{__name__}.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    parsed = parser.parse_args(words)
    parsed.invocation = shlex.join([parser.prog, *words])
    result: Path | None = getattr(parsed, "json", None)
    if result and result.is_dir():
        raise SourceError(f"--json {result}: is a folder; expected a file")
    if result and (result.is_file() or not result.exists()):
        try:
            check_writable(result.parent, SourceError)
        except SourceError as error:
            raise SourceError(f"--json {result}: {error}") from None
    return int(parsed.run(parsed))


def replay() -> int:
    """Run `ros2 run affordance_seg_ros replay`, the same as `affordance-seg replay`."""
    sys.argv.insert(1, "replay")
    return main()
