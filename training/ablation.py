# SPDX-License-Identifier: Apache-2.0
"""Every row of the paper's table 3 from one run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from affordance_seg_ros.config import NetworkConfig, PipelineConfig
from affordance_seg_ros.evaluation.report import write_json
from affordance_seg_ros.flow.estimator import build_estimator
from affordance_seg_ros.model.checkpoint import load_checkpoint
from affordance_seg_ros.model.variants import table_3 as variants
from affordance_seg_ros.pipeline.streaming import Pipeline
from affordance_seg_ros.training.evaluate import evaluate
from affordance_seg_ros.training.run_config import RunConfig
from affordance_seg_ros.training.run_data import find_sequences, spread
from affordance_seg_ros.training.tables import table_3
from affordance_seg_ros.training.trainer import train
from affordance_seg_ros.training.training_state import STATE_FILE

_MOTION = ("streams.flow", "motion_memory")
"""Parts that only a network with flow has."""


def run_ablation(
    run: RunConfig, out: Path, *, resume: bool = False, progress: bool = True
) -> dict[str, Any]:
    """Train every variant by the same recipe and seed, evaluate it, and write the table.

    Args:
        run: Recipe; its network gives what the variants share.
        out: Folder; each variant has its own in it, and `table_3.md` and `table_3.json` are
            written anew after each.
        resume: Go on where an earlier run was stopped: finished variants are not trained again.
        progress: Whether to show progress bars.

    Returns:
        The evaluation of each variant by its name.

    Raises:
        ConfigError: The folder holds a run already and `resume` is not set.
        SourceError: Data are missing or damaged.
    """
    rows: dict[str, Any] = {}
    for name, network in variants(run.network).items():
        folder = out / name
        variant = row_of_table_3(run, name, network)
        started = (folder / STATE_FILE).exists()
        weights = train(variant, folder, resume=resume and started, progress=progress)
        rows[name] = _evaluate(variant, weights, progress=progress)
        write_json(out / "table_3.json", rows)
        (out / "table_3.md").write_text(table_3(rows, data=run.name), encoding="utf-8")
    return rows


def row_of_table_3(run: RunConfig, name: str, network: NetworkConfig) -> RunConfig:
    """Return the run of one row; a network without flow has nothing that learns motion.

    Args:
        run: Recipe of all rows.
        name: Name of the row.
        network: Its network.
    """
    stages = run.stages
    if network.flow == "none":
        stages = tuple(
            replace(stage, frozen=tuple(part for part in stage.frozen if part not in _MOTION))
            for stage in stages
            if stage.task != "motion"
        )
    return replace(run, name=f"{run.name}-{name}", network=network, stages=stages)


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
