# SPDX-License-Identifier: Apache-2.0
"""Networks that differ in one thing, each trained with the same recipe: table 3, open choices."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from affordance_seg_ros.config import InputConfig, NetworkConfig, PipelineConfig
from affordance_seg_ros.errors import ConfigError, TrainingError
from affordance_seg_ros.evaluation.report import write_json
from affordance_seg_ros.flow.estimator import build_estimator
from affordance_seg_ros.model.checkpoint import load_checkpoint
from affordance_seg_ros.model.variants import table_3 as variants
from affordance_seg_ros.pipeline.device import resolve_device
from affordance_seg_ros.pipeline.streaming import Pipeline
from affordance_seg_ros.training.evaluate import CLIP_GAP_S, evaluate, scorable
from affordance_seg_ros.training.objective import MOTION
from affordance_seg_ros.training.run_config import RunConfig, differences, read_run
from affordance_seg_ros.training.run_data import find_sequences, spread
from affordance_seg_ros.training.run_setup import RUN_FILE, build_fabric
from affordance_seg_ros.training.tables import Evaluations, one_by_one, table_3
from affordance_seg_ros.training.trainer import train
from affordance_seg_ros.training.training_state import STATE_FILE, load_state
from affordance_seg_ros.training.weights_output import (
    LAST_WEIGHTS_FILE,
    WEIGHTS_FILE,
    read_origin,
)
from affordance_seg_ros.whole_file import whole_file

_EVALUATION_FILE = "evaluation.json"
"""The result of one row with one seed; next to its weights."""


class Comparison(NamedTuple):
    """What an ablation compares.

    Attributes:
        rows: Makes the run of every row from the run that they share.
        table: Writes the rows' evaluations, one for each seed, as Markdown.
    """

    rows: Callable[[RunConfig], Mapping[str, RunConfig]]
    table: Callable[[Mapping[str, Evaluations], str], str]


def run_ablation(
    run: RunConfig,
    out: Path,
    comparison: str = "table_3",
    *,
    names: Sequence[str] = (),
    seeds: Sequence[int] = (),
    resume: bool = False,
    progress: bool = True,
) -> dict[str, dict[int, Any]]:
    """Train every row of a comparison with the same recipe, evaluate it, and write the table.

    The table holds every row and seed that the folder has, so several runs may fill it, also at the
    same time, each with some of the rows or seeds.

    Args:
        run: Recipe; its network gives what the rows share.
        out: Folder, with a folder for each row, in turn with one for each seed; `<comparison>.md`
            and `<comparison>.json` are rewritten after each.
        comparison: A name of `COMPARISONS`.
        names: The rows to train; empty for all.
        seeds: The seeds to train each of them with; empty for the recipe's own.
        resume: Continue where an earlier run stopped: what is finished is not trained again, even
            if it was for another comparison in the same folder.
        progress: Whether to show progress bars.

    Returns:
        The evaluations of each row that the folder has, by the row's name and the seed; nothing in
        any process of `torchrun` but the first, which alone evaluates and writes.

    Raises:
        ConfigError: The folder holds a row that was trained already and `resume` is not set, or one
            with another recipe or other weights to start from; or a name is not that of a row or a
            comparison; or the run's network is not the whole one.
        CheckpointError: The weights of a row, or those that it starts from, are missing or damaged.
        SourceError: Data are missing or damaged.
    """
    if comparison not in COMPARISONS:
        raise ConfigError(f"ablation '{comparison}'; expected one of {', '.join(COMPARISONS)}")
    compared = COMPARISONS[comparison]
    runs = {
        name: replace(row, name=f"{run.name}-{name}") for name, row in compared.rows(run).items()
    }
    fabric = build_fabric(run.precision)
    chief = fabric.is_global_zero  # other machines have no such folder
    # Rows of another recipe are refused before hours are spent.
    rows = _finished(runs, out) if chief else {}
    wanted = [
        (name, replace(row, seed=seed))
        for seed in dict.fromkeys(seeds or (run.seed,))
        for name, row in chosen(runs, names).items()
    ]
    for name, row in wanted:
        folder = out / name / f"seed_{row.seed}"
        if (folder / STATE_FILE).exists():
            _check_start(row, folder, load_state(folder).starts_from)
    for name, row in wanted:
        folder = out / name / f"seed_{row.seed}"
        if not fabric.broadcast(resume and (folder / _EVALUATION_FILE).exists()):
            started = (folder / STATE_FILE).exists()
            train(row, folder, resume=resume and started, progress=progress)
            if chief:
                # Not the best weights by validation, which uses the same clips.
                found = _evaluate(row, folder / LAST_WEIGHTS_FILE, progress=progress)
                write_json(folder / _EVALUATION_FILE, found)
        if not chief:
            continue
        rows = _finished(runs, out)
        write_json(out / f"{comparison}.json", rows)
        evaluations = {each: list(found.values()) for each, found in rows.items()}
        data = dict.fromkeys(source.title for source in run.data.validation)
        table = compared.table(evaluations, "; ".join(data))
        with whole_file(out / f"{comparison}.md", TrainingError) as file:
            file.write(table.encode())
    return rows


def _check_start(run: RunConfig, folder: Path, origin: Mapping[str, Any]) -> None:
    """Refuse a row that started from other weights than it would now.

    Args:
        run: The row as it would be trained now.
        folder: Where it was trained.
        origin: What it started from; see `read_origin`.

    Raises:
        ConfigError: It did.
    """
    start, now = (each.get("fingerprint") for each in (origin, read_origin(run.initialise.weights)))
    if start != now:
        raise ConfigError(
            f"{folder} started from weights {start}; expected {now}, those "
            f"that '{run.initialise.weights}' names now, or a new folder"
        )


def _finished(runs: Mapping[str, RunConfig], out: Path) -> dict[str, dict[int, Any]]:
    """Return the evaluations of these rows that a folder holds, by name and seed."""
    rows: dict[str, dict[int, Any]] = {}
    for name, run in runs.items():
        for file in sorted(out.glob(f"{name}/seed_*/{_EVALUATION_FILE}")):
            found = read_run(file.with_name(RUN_FILE))
            if different := differences(found, replace(run, seed=found.seed)):
                raise ConfigError(
                    f"{file.parent} was trained with another recipe ({different[0]}); expected "
                    f"that of {run.name}, or a new folder"
                )
            recipe = load_checkpoint(file.with_name(WEIGHTS_FILE), "cpu").card.recipe
            _check_start(run, file.parent, recipe.get("starts_from", {}))
            document = json.loads(file.read_text(encoding="utf-8"))
            rows.setdefault(name, {})[found.seed] = document
    return {name: dict(sorted(found.items())) for name, found in rows.items()}


def chosen(runs: Mapping[str, RunConfig], names: Sequence[str]) -> Mapping[str, RunConfig]:
    """Return the named rows in the comparison's order, or all of them where none is named.

    Raises:
        ConfigError: A name is not a row's.
    """
    for name in names:
        if name not in runs:
            raise ConfigError(f"row '{name}'; expected one of {', '.join(runs)}")
    return {name: run for name, run in runs.items() if not names or name in names}


def rows_of_table_3(run: RunConfig) -> dict[str, RunConfig]:
    """Return the rows of the paper's table 3 by the names of `model.variants`.

    Raises:
        ConfigError: The run's network is not that of the last row.
    """
    _name_of_whole(run)
    return {name: _with_network(run, network) for name, network in variants(run.network).items()}


def rows_of_open_choices(run: RunConfig) -> dict[str, RunConfig]:
    """Return the run as it is, and variants that change one choice that the paper leaves open.

    Raises:
        ConfigError: The run's network is not that of the last row of table 3.
    """
    network = run.network
    rows = {
        _name_of_whole(run): run,  # that row of table 3 need not be trained twice
        **{
            f"flow_{encoding}": replace(
                run,
                input=replace(run.input, flow_encoding=encoding),
                network=replace(network, center_flow=network.center_flow and encoding == "signed"),
            )
            for encoding in InputConfig.infos()["flow_encoding"].choices
        },
        **{
            f"attention_{norm}": _with_network(run, replace(network, attention_norm=norm))
            for norm in NetworkConfig.infos()["attention_norm"].choices
        },
        **{
            f"skips_{skips}": _with_network(run, replace(network, skips=skips))
            for skips in NetworkConfig.infos()["skips"].choices
        },
        **{
            f"sequence_of_{length}": _with_network(run, replace(network, sequence_length=length))
            for length in (5, 10)
        },
    }
    return _different(rows)


def rows_of_attention(run: RunConfig) -> dict[str, RunConfig]:
    """Return the run with and without attention, and both with no action told to the decoder.

    Attention and the action context both tell the decoder where to look: what one is worth shows
    when the other is missing.

    Raises:
        ConfigError: The run's network is not that of the last row of table 3.
    """
    whole = _name_of_whole(run)
    plain = replace(run.network, action_context=False, decided_context=False)
    rows = {
        whole: run,
        "rgbd_flow3d": _with_network(run, replace(run.network, attention=False)),
        f"{whole}_no_context": _with_network(run, plain),
        "rgbd_flow3d_no_context": _with_network(run, replace(plain, attention=False)),
    }
    return _different(rows)


def _name_of_whole(run: RunConfig) -> str:
    """Return the name of the run's own row of table 3: the last one, of which others lack parts.

    Raises:
        ConfigError: It is not that row.
    """
    *_, (name, network) = variants(run.network).items()
    parts = ("appearance", "attention", "flow")
    given, expected = (
        ", ".join(f"{part}={getattr(each, part)}" for part in parts)
        for each in (run.network, network)
    )
    if given != expected:
        raise ConfigError(f"ablation of a network with {given}; expected {expected}")
    return name


def _different(rows: Mapping[str, RunConfig]) -> dict[str, RunConfig]:
    """Return the rows without those that equal an earlier one under another name."""
    found: dict[str, RunConfig] = {}
    for name, row in rows.items():
        if row not in found.values():
            found[name] = row
    return found


def _with_network(run: RunConfig, network: NetworkConfig) -> RunConfig:
    """Return the run with another network; one without flow has no parts that learn motion."""
    stages = run.stages
    if network.flow == "none":
        stages = tuple(
            replace(stage, frozen=tuple(part for part in stage.frozen if part not in MOTION))
            for stage in stages
            if stage.task != "motion"
        )
    return replace(run, network=network, stages=stages)


def _evaluate(run: RunConfig, weights: Path, *, progress: bool) -> dict[str, Any]:
    device = resolve_device("auto")
    config = PipelineConfig(
        min_confidence=0.0,
        max_gap_s=CLIP_GAP_S,
        flow=replace(run.data.flow, estimator=run.data.estimators[0]),
    )
    pipeline = Pipeline(
        load_checkpoint(weights, device), build_estimator(config.flow, device), config, device
    )
    target = run.stages[-1].target
    found = scorable(find_sequences(run.data.validation, run.network.labels), target)
    sequences = spread(found, run.data.validation_limit)
    return evaluate(pipeline, sequences, target=target, progress=progress).document()


COMPARISONS: MappingProxyType[str, Comparison] = MappingProxyType(
    {
        "table_3": Comparison(rows_of_table_3, table_3),
        "open_choices": Comparison(rows_of_open_choices, one_by_one),
        "attention": Comparison(rows_of_attention, one_by_one),
    }
)
"""What can be compared, by name."""
