# SPDX-License-Identifier: Apache-2.0
"""The sequences of a run, their flow, and how often each label occurs."""

import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.labels import IGNORE, LabelSet
from affordance_seg_ros.training.datasets.data_source import DataSource
from affordance_seg_ros.training.datasets.flow_cache import FlowCache
from affordance_seg_ros.training.datasets.labelled_sequence import LabelledSequence
from affordance_seg_ros.training.datasets.pictures import Pictures
from affordance_seg_ros.training.run_config import RunConfig
from affordance_seg_ros.training.samples import scaled_input
from affordance_seg_ros.training.stage_config import StageConfig

_SHOWN_PROBLEMS = 5
_COUNTED_SEQUENCES = 300


class StageData(NamedTuple):
    """What a stage learns from, and what it is measured on."""

    train: tuple[LabelledSequence, ...]
    validation: tuple[LabelledSequence, ...]
    labels: LabelSet
    skipped_count: int = 0
    """Number of training sequences left out, as they hold nothing that the stage learns."""


class Found(NamedTuple):
    """What sources hold."""

    sequences: tuple[LabelledSequence, ...]
    problems: tuple[str, ...]
    """What cannot be used, and why."""


def find_sequences(sources: Sequence[DataSource], labels: LabelSet) -> tuple[LabelledSequence, ...]:
    """Return the sequences of all sources; see `scan_sources`."""
    return scan_sources(sources, labels).sequences


def scan_sources(sources: Sequence[DataSource], labels: LabelSet) -> Found:
    """Return what all sources hold; what cannot be used is also named on stderr.

    Raises:
        SourceError: A folder does not exist, or a source has no sequence.
    """
    found: list[LabelledSequence] = []
    problems: list[str] = []
    for source in sources:
        scan = source.scan(labels)
        found.extend(scan.sequences)
        problems.extend(map(str, scan.problems))
        if scan.left_out:
            print(f"left out: {scan.left_out}", file=sys.stderr)
        for problem in scan.problems[:_SHOWN_PROBLEMS]:
            print(f"left out: {problem}", file=sys.stderr)
        if len(scan.problems) > _SHOWN_PROBLEMS:
            rest = len(scan.problems) - _SHOWN_PROBLEMS
            print(f"left out: {rest} more; see --check-data", file=sys.stderr)
        if not scan.sequences:
            splits = sorted(scan.other_splits.items())
            there = ", ".join(f"{count} of split '{name}'" for name, count in splits)
            beside = f", but {there}" if there else ""
            raise SourceError(f"no sequence in {source}{beside}; see --check-data")
    return Found(tuple(found), tuple(problems))


def stage_data(run: RunConfig) -> tuple[StageData, ...]:
    """Return the sequences of each stage of a run.

    Pre-training on actions uses `data.pretraining` alone, whose actions become the label set, and
    is measured on the data that it learns from: it is only a start.

    Raises:
        SourceError: There are none, or none that a stage can learn from or be measured on.
    """
    pretrains = [stage.task == "actions" for stage in run.stages]
    found = {
        pretrain: _pretraining_data(run) if pretrain else _task_data(run)
        for pretrain in dict.fromkeys(pretrains)
    }
    stages = []
    for stage, pretrain in zip(run.stages, pretrains, strict=True):
        train, validation, labels, _ = found[pretrain]
        usable = _usable(stage, train, "training")
        validation = spread(_usable(stage, validation, "validation"), run.data.validation_limit)
        stages.append(StageData(usable, validation, labels, len(train) - len(usable)))
    return tuple(stages)


def _pretraining_data(run: RunConfig) -> StageData:
    found = find_sequences(run.data.pretraining, run.network.labels)
    actions = tuple(sorted({each.action for each in found if each.action}))
    return StageData(found, found, LabelSet(run.network.affordances, actions))


def _task_data(run: RunConfig) -> StageData:
    labels = run.network.labels
    train = find_sequences(run.data.train, labels)
    return StageData(train, find_sequences(run.data.validation, labels), labels)


def _usable(
    stage: StageConfig, sequences: Sequence[LabelledSequence], use: str
) -> tuple[LabelledSequence, ...]:
    """Return the sequences that hold what a stage learns: a mask, or an action.

    Raises:
        SourceError: None holds what the stage is measured by.
    """
    masks = stage.task == "affordances" and stage.segmentation_weight > 0
    actions = stage.task != "affordances" or stage.action_weight > 0
    labelled = [masks and len(each.labelled(stage.target)) > 0 for each in sequences]
    if not any(labelled if masks else (each.action for each in sequences)):
        lesson = f"a label of the kind '{stage.target}'" if masks else "an action that is known"
        raise SourceError(
            f"stage '{stage.name}': none of {len(sequences)} sequences for {use} has {lesson}"
        )
    return tuple(
        each
        for each, has_mask in zip(sequences, labelled, strict=True)
        if has_mask or (actions and each.action)
    )


def warn_of_shared(run: RunConfig, stages: Sequence[StageData]) -> None:
    """Warn on stderr how many sequences a run both learns from and is validated on.

    Args:
        run: The run.
        stages: The sequences of its stages.
    """
    train: set[tuple[str, str]] = set()
    validation: set[tuple[str, str]] = set()
    for stage, data in zip(run.stages, stages, strict=True):
        if stage.task != "actions":  # that one is measured on what it learns from
            train.update(map(_place, data.train))
            validation.update(map(_place, data.validation))
    if shared := train & validation:
        print(
            f"{len(shared)} of {len(validation)} sequences for validation are also trained on, "
            f"such as '{min(shared)[1]}'; expected splits that share nothing: an empty split is "
            "all of the data",
            file=sys.stderr,
        )


def _place(sequence: LabelledSequence) -> tuple[str, str]:
    """Return what distinguishes a sequence from all others of a run."""
    place = sequence.cache_folder or next(iter(sequence.sources()), None)
    return str(place.resolve() if place else type(sequence).__name__), sequence.name


def warn_of_unlabelled(stage: StageConfig, data: StageData) -> None:
    """Warn on stderr how many sequences teach a stage nothing, or no mask if it learns masks."""
    if data.skipped_count:
        count = len(data.train) + data.skipped_count
        print(
            f"stage '{stage.name}': {data.skipped_count} of {count} sequences are left out: they "
            "have neither a label nor an action that it learns",
            file=sys.stderr,
        )
    if stage.task != "affordances" or not stage.segmentation_weight:
        return
    without = sum(not each.labelled(stage.target) for each in data.train)
    if without:
        print(
            f"stage '{stage.name}': {without} of {len(data.train)} sequences have no label of the "
            f"kind '{stage.target}'; from them it learns the action alone",
            file=sys.stderr,
        )


def flow_caches(run: RunConfig, stage: StageConfig) -> tuple[FlowCache, ...]:
    """Return the caches of the run's flow estimators, at a stage's size; none if it sees none.

    Flow of small pictures is not large flow scaled down: it is estimated as on a robot whose
    network has the stage's size.
    """
    if run.network.flow == "none" or stage.task == "actions" or stage.frames == 1:
        return ()
    size = scaled_input(run.input, stage.input_scale)
    return tuple(FlowCache(name, run.data.flow, size) for name in run.data.estimators)


def stage_pictures(run: RunConfig, stage: StageConfig, labels: LabelSet) -> Pictures:
    """Return the reader of a stage's pictures, at its size."""
    names = (*labels.affordances, *labels.actions)
    size = scaled_input(run.input, stage.input_scale)
    return Pictures(size, names, keep=run.data.keep_pictures)


def share(
    sequences: Sequence[LabelledSequence], rank: int, processes: int
) -> tuple[LabelledSequence, ...]:
    """Return the sequences that one of several processes prepares: each goes to one process alone.

    Args:
        sequences: Sequences, some of them twice.
        rank: Number of the process.
        processes: Number of processes.
    """
    different = {_place(each): each for each in sequences}
    return tuple(different.values())[rank::processes]


def spread(sequences: Sequence[LabelledSequence], limit: int) -> tuple[LabelledSequence, ...]:
    """Return at most `limit` sequences, drawn from all of them, in order; 0 for no limit.

    The draw is always the same. Taking every n-th would not do: rendered clips show their objects
    in turn, and every 11th shows the same one.
    """
    if not limit or len(sequences) <= limit:
        return tuple(sequences)
    drawn = np.random.default_rng(0).permutation(len(sequences))[:limit]
    return tuple(sequences[i] for i in sorted(drawn.tolist()))


def count_pixels(sequences: Sequence[LabelledSequence], target: str, classes: int) -> Tensor:
    """Return the (classes,) number of pixels of each label in the sequences' last labelled frames.

    At most 300 of those that have one are read, drawn by `spread`.

    Args:
        sequences: Labelled sequences.
        target: As in `StageConfig.target`.
        classes: Number of classes, background included.

    Raises:
        SourceError: None of them is labelled, or a file is damaged.
    """
    pixels = np.zeros(256, np.int64)
    labelled = [each for each in sequences if each.labelled(target)]
    for sequence in spread(labelled, _COUNTED_SEQUENCES):
        read = sequence.affordances if target == "affordances" else sequence.demonstrated
        for index in sequence.labelled(target)[-1:]:
            label = read(index)
            if label is not None:
                pixels += np.bincount(label.ravel(), minlength=256)
    if not pixels[:IGNORE].sum():
        raise SourceError(f"no sequence has a label of the kind '{target}'")
    return torch.from_numpy(pixels[:classes].copy())
