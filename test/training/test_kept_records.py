# SPDX-License-Identifier: Apache-2.0
"""Flow and pictures that are computed once and kept beside the clips."""

import os
import signal
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from tiny_clips import LABELS
from tiny_samples import INPUT, samples_of

from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.errors import TrainingError
from affordance_seg_ros.labels import IGNORE
from affordance_seg_ros.training.augmentation.augmentation_config import (
    AugmentationConfig,
)
from affordance_seg_ros.training.datasets.clips import scan_clips
from affordance_seg_ros.training.datasets.flow_cache import FlowCache
from affordance_seg_ros.training.datasets.kept_records import keep_all
from affordance_seg_ros.training.datasets.label_map import LabelMap
from affordance_seg_ros.training.datasets.pictures import Pictures
from affordance_seg_ros.training.samples import (
    SampleKey,
)


def test_flow_is_computed_once_and_kept_beside_the_clip(sequence):
    cache = FlowCache("dis", FlowConfig(), INPUT)
    first = cache.load(sequence)
    path = cache.path(sequence)
    assert path.parent.parent == sequence.clip.path
    written = path.stat().st_mtime_ns
    again = cache.load(sequence)
    assert path.stat().st_mtime_ns == written
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_flow_of_other_settings_is_another_file(sequence):
    base = FlowCache("dis", FlowConfig(), INPUT)
    keys = {
        base.key,
        FlowCache("primal_dual", FlowConfig(), INPUT).key,
        FlowCache("dis", FlowConfig(normalize_exposure=False), INPUT).key,
        FlowCache("dis", FlowConfig(), replace(INPUT, width=96)).key,
    }
    assert len(keys) == 4
    assert FlowCache("dis", FlowConfig(estimator="primal_dual"), INPUT).key == base.key


def test_a_cut_off_cache_is_computed_again(sequence):
    cache = FlowCache("dis", FlowConfig(), INPUT)
    expected = cache.load(sequence)
    path = cache.path(sequence)
    path.write_bytes(path.read_bytes()[:100])
    np.testing.assert_array_equal(cache.load(sequence).motion_m, expected.motion_m)


def test_all_caches_are_filled_by_processes(sequence):
    cache = FlowCache("dis", FlowConfig(), INPUT)
    keep_all([sequence], [cache], workers=2, progress=False)
    np.testing.assert_array_equal(
        cache.load(sequence).motion_m, cache.compute_records(sequence)["motion_m"]
    )


class Deadly(FlowCache):
    """Flow that nobody lives to compute."""

    def compute_records(self, sequence):
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_dies_is_one_line(sequence):
    cache = Deadly("dis", FlowConfig(), INPUT)
    with pytest.raises(TrainingError, match=r"^a process that computes .*flow.* died, .*workers"):
        keep_all([sequence], [cache], workers=2, progress=False)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_kept_pictures_give_the_same_samples(sequence, scale):
    stage = {"frames": 3, "supervision": "every", "input_scale": scale, "end_jitter": 3}
    augmentation = AugmentationConfig()
    read = samples_of(sequence, augmentation=augmentation, **stage)
    kept = samples_of(sequence, augmentation=augmentation, keep=True, **stage)
    for epoch in range(3):
        key = SampleKey(epoch, 0, False)
        for a, b in zip(read[key], kept[key], strict=True):
            assert torch.equal(a, b)
    assert kept.pictures.path(sequence).is_file()
    assert not read.pictures.keep


def test_a_label_that_was_corrected_replaces_the_one_that_is_kept(sequence):
    pictures = Pictures(INPUT, LABELS.affordances, keep=True)
    keep_all([sequence], [pictures], workers=0, progress=False)
    before = pictures.path(sequence).stat().st_mtime_ns
    keep_all([sequence], [pictures], workers=0, progress=False)
    assert pictures.path(sequence).stat().st_mtime_ns == before
    lift = LABELS.label_id("lift")
    path = sequence.clip.path / "labels/00003.png"
    label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(path), np.where(label > 0, lift, 0).astype(np.uint8))
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))
    keep_all([sequence], [pictures], workers=0, progress=False)
    assert lift in pictures.read(sequence, 3, "demonstrated").target
    assert lift not in pictures.read(sequence, 2, "demonstrated").target


def test_labels_that_are_mapped_otherwise_are_kept_in_another_file(sequence):
    pictures = Pictures(INPUT, LABELS.affordances, keep=True)
    names = {name: name for name in LABELS.affordances}
    table = LabelMap(LABELS.affordances, {**names, "push": "cut"}, {})
    (mapped,) = scan_clips(sequence.clip.path, "", table, LABELS).sequences
    shown = [pictures.read(each, 3, "demonstrated").target for each in (sequence, mapped)]
    assert pictures.path(mapped) != pictures.path(sequence)
    assert pictures.path(sequence).stem == pictures.key
    assert [set(np.unique(each)) for each in shown] == [
        {0, LABELS.label_id("push"), IGNORE},
        {0, LABELS.label_id("cut"), IGNORE},
    ]


def test_pictures_of_another_label_set_are_other_files():
    keys = {
        Pictures(INPUT, ("grasp",), keep=True).key,
        Pictures(INPUT, ("cut",), keep=True).key,
        Pictures(replace(INPUT, width=96), ("grasp",), keep=True).key,
        Pictures(replace(INPUT, color_mean=(0.5, 0.5, 0.5)), ("grasp",), keep=True).key,
    }
    assert len(keys) == 4
