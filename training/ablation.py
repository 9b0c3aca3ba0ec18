# SPDX-License-Identifier: Apache-2.0
"""Networks that differ in one thing, each trained by the same run: table 3, and open choices."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import torch

from affordance_seg_ros.config import NetworkConfig, PipelineConfig
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.evaluation.report import write_json
from affordance_seg_ros.flow.estimator import build_estimator
from affordance_seg_ros.model.checkpoint import load_checkpoint
from affordance_seg_ros.model.variants import table_3 as variants
from affordance_seg_ros.pipeline.streaming import Pipeline
from affordance_seg_ros.training.evaluate import evaluate
from affordance_seg_ros.training.run_config import RunConfig
from affordance_seg_ros.training.run_data import find_sequences, spread
from affordance_seg_ros.training.tables import open_choices, table_3
from affordance_seg_ros.training.trainer import train
from affordance_seg_ros.training.training_state import STATE_FILE

_MOTION = ("streams.flow", "motion_memory")
"""Parts that only a network with flow has."""


class Comparison(NamedTuple):
    """What an ablation compares.

    Attributes:
        rows: Makes the run of every row from the one that they share.
        table: Writes the rows' evaluations as Markdown.
    """

    rows: Callable[[RunConfig], Mapping[str, RunConfig]]
    table: Callable[[Mapping[str, Any], str], str]


def run_ablation(
    run: RunConfig,
    out: Path,
    comparison: str = "table_3",
    *,
    names: Sequence[str] = (),
    resume: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Train every row of a comparison by the same recipe and seed, evaluate it, write the table.

    Args:
        run: Recipe; its network gives what the rows share.
        out: Folder; each row has its own in it, and `<comparison>.md` and `<comparison>.json` are
            written anew after each.
        comparison: A name of `COMPARISONS`.
        names: The rows to train; none for all.
        resume: Go on where an earlier run was stopped: finished rows are not trained again, those
            of another comparison in the same folder neither.
        progress: Whether to show progress bars.

    Returns:
        The evaluation of each row by its name.

    Raises:
        ConfigError: The folder holds a run already and `resume` is not set, or a name is not a
            row's.
        SourceError: Data are missing or damaged.
    """
    compared = COMPARISONS[comparison]
    runs = chosen(compared.rows(run), names)
    rows: dict[str, Any] = {}
    for name, differing in runs.items():
        row = replace(differing, name=f"{run.name}-{name}")
        folder = out / name
        started = (folder / STATE_FILE).exists()
        weights = train(row, folder, resume=resume and started, progress=progress)
        rows[name] = _evaluate(row, weights, progress=progress)
        write_json(out / f"{comparison}.json", rows)
        (out / f"{comparison}.md").write_text(compared.table(rows, run.name), encoding="utf-8")
    return rows


def chosen(runs: Mapping[str, RunConfig], names: Sequence[str]) -> Mapping[str, RunConfig]:
    """Return the named rows in the comparison's order, or all of them where none is named.

    Raises:
        ConfigError: A name is not a row's.
    """
    for name in names:
        if name not in runs:
            raise ConfigError(f"row '{name}'; expected some of {', '.join(runs)}")
    return {name: run for name, run in runs.items() if not names or name in names}


def rows_of_table_3(run: RunConfig) -> dict[str, RunConfig]:
    """Return the rows of the paper's table 3 by the names of `model.variants`."""
    return {name: _with_network(run, network) for name, network in variants(run.network).items()}


def rows_of_open_choices(run: RunConfig) -> dict[str, RunConfig]:
    """Return the run as it is, and with one choice made otherwise that the paper leaves open."""
    full = list(variants(run.network))[-1]  # that row of table 3 need not be trained twice
    networks: dict[str, dict[str, Any]] = {
        "attention_softmax": {"attention_norm": "softmax"},
        "attention_softmax_max": {"attention_norm": "softmax_max"},
        "skips_appearance": {"skips": "appearance"},
        "sequence_of_5": {"sequence_length": 5},
    }
    return {
        full: run,
        "flow_stretched": replace(run, input=replace(run.input, flow_encoding="stretched")),
        **{
            name: replace(run, network=replace(run.network, **changes))
            for name, changes in networks.items()
        },
    }


def _with_network(run: RunConfig, network: NetworkConfig) -> RunConfig:
    """Return the run of another network; one without flow has nothing that learns motion."""
    stages = run.stages
    if network.flow == "none":
        stages = tuple(
            replace(stage, frozen=tuple(part for part in stage.frozen if part not in _MOTION))
            for stage in stages
            if stage.task != "motion"
        )
    return replace(run, network=network, stages=stages)


def _evaluate(run: RunConfig, weights: Path, *, progress: bool) -> dict[str, Any]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = PipelineConfig(
        min_confidence=0.0, flow=replace(run.data.flow, estimator=run.data.estimators[0])
    )
    pipeline = Pipeline(
        load_checkpoint(weights, device), build_estimator(config.flow, device), config, device
    )
    found = find_sequences(run.data.validation, run.network.labels)
    sequences = spread(found, run.data.validation_limit)
    return evaluate(pipeline, sequences, progress=progress).document()


COMPARISONS: MappingProxyType[str, Comparison] = MappingProxyType(
    {
        "table_3": Comparison(rows_of_table_3, table_3),
        "open_choices": Comparison(rows_of_open_choices, open_choices),
    }
)
"""What can be compared, by name."""
