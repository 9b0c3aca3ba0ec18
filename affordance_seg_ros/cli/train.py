# SPDX-License-Identifier: Apache-2.0
"""`affordance-seg train`: train a network, check data, or run the ablation."""

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from affordance_seg_ros.cli.extras import require
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.flags import given_path

if TYPE_CHECKING:
    from affordance_seg_ros.labels import LabelSet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--config",
        default="default",
        help="YAML file of the run, or the name of one that comes with the package",
    )
    parser.add_argument(
        "--out",
        type=given_path,
        default=Path("out/train"),
        help="folder for state, weights and logs",
    )
    parser.add_argument("--resume", action="store_true", help="continue the run in --out")
    parser.add_argument(
        "--set",
        action="extend",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="change options of the run, such as seed=1, data.workers=8 or stages.parts.epochs=20",
    )
    parser.add_argument(
        "--check-data",
        type=given_path,
        metavar="DIR",
        help="train nothing: read every file of a data set and report what is wrong with it",
    )
    parser.add_argument(
        "--label-map",
        default="",
        metavar="NAME",
        help="with --check-data, how its labels become the run's: a YAML file or one of the "
        "package's; empty for the data set's usual one",
    )
    parser.add_argument(
        "--ablation",
        nargs="?",
        const="table_3",
        metavar="NAME",
        help="train and evaluate every row of the paper's table 3 (table_3) with this run, every "
        "choice that the paper leaves open (open_choices), or attention with and without the "
        "action context (attention), and write the table",
    )
    parser.add_argument(
        "--rows",
        action="extend",
        nargs="+",
        default=[],
        metavar="NAME",
        help="rows of --ablation to train, instead of all of them",
    )
    parser.add_argument(
        "--seeds",
        action="extend",
        nargs="+",
        type=int,
        default=[],
        metavar="N",
        help="train every row of --ablation with each of these seeds, instead of the run's own",
    )
    parser.add_argument("--json", type=given_path, help="write the result as JSON to this file")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")


def run(arguments: argparse.Namespace) -> int:
    """Train; return the exit code: 2 also when --check-data finds a problem."""
    from affordance_seg_ros.training.run_config import read_run

    for option in ("rows", "seeds"):
        values = getattr(arguments, option)
        if values and not arguments.ablation:
            given = " ".join(map(str, values))
            raise ConfigError(f"--{option} {given} without --ablation; expected both")
    if arguments.label_map and not arguments.check_data:
        raise ConfigError(
            f"--label-map {arguments.label_map} without --check-data; expected both, or "
            "label_map in a data source of the run"
        )
    if arguments.check_data and (arguments.ablation or arguments.resume):
        other = "--ablation" if arguments.ablation else "--resume"
        raise ConfigError(
            f"--check-data with {other}; expected one of them: --check-data trains nothing"
        )
    config = read_run(arguments.config, arguments.set)
    if arguments.check_data:
        return _check(arguments, config.network.labels)
    require("lightning_fabric", "tensorboard")
    from affordance_seg_ros.evaluation.report import write_json

    if arguments.ablation:
        from affordance_seg_ros.training.ablation import run_ablation

        rows = run_ablation(
            config,
            arguments.out,
            arguments.ablation,
            names=arguments.rows,
            seeds=arguments.seeds,
            resume=arguments.resume,
            progress=not arguments.quiet,
        )
        if rows:
            print(f"see {arguments.out / arguments.ablation}.md")
            if arguments.json:
                write_json(arguments.json, rows)
        return 0
    from affordance_seg_ros.model.checkpoint import load_checkpoint
    from affordance_seg_ros.training.trainer import train

    weights = train(config, arguments.out, resume=arguments.resume, progress=not arguments.quiet)
    if int(os.environ.get("RANK", "0")):
        return 0  # one of several processes; the first one has the files
    card = load_checkpoint(weights, "cpu").card
    print(f"{weights}: {card.description} {card.recipe['hours']:.2f} h")
    if arguments.json:
        write_json(arguments.json, {"weights": str(weights), "card": asdict(card)})
    return 0


def _check(arguments: argparse.Namespace, labels: "LabelSet") -> int:
    from affordance_seg_ros.evaluation.report import write_json
    from affordance_seg_ros.training.datasets.check import check_data
    from affordance_seg_ros.training.datasets.label_map import read_label_map

    label_map = read_label_map(arguments.label_map) if arguments.label_map else None
    report = check_data(arguments.check_data, labels, label_map, progress=not arguments.quiet)
    print(
        f"{report.kind}: {report.sequences} sequences, {report.frames} frames, "
        f"{report.labelled_frames} labelled"
    )
    for action, count in sorted(report.actions.items()):
        print(f"  action {action or '(unknown)'}: {count}")
    for split, count in sorted(report.splits.items()):
        print(f"  split {split or '(none: used only where no split is asked for)'}: {count}")
    for name, share in report.pixel_share.items():
        print(f"  pixels {name}: {100 * share:.2f} %")
    if report.ignored_share:
        print(f"  ignored, of all pixels: {100 * report.ignored_share:.2f} %")
    for problem in report.problems:
        print(f"problem: {problem}", file=sys.stderr)
    if arguments.json:
        write_json(arguments.json, report.document())
    return 2 if report.problems else 0
