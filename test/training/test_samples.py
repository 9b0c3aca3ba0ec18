# SPDX-License-Identifier: Apache-2.0
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_clips import LABELS
from tiny_samples import INPUT, KEY, NETWORK, samples_of

from affordance_seg_ros.config import FlowConfig, InputConfig
from affordance_seg_ros.flow.colorize import colorize
from affordance_seg_ros.flow.estimator import build_estimator
from affordance_seg_ros.labels import IGNORE
from affordance_seg_ros.pipeline.fit import fit
from affordance_seg_ros.pipeline.preprocess import Preprocessor
from affordance_seg_ros.training.augmentation.augmentation_config import (
    AugmentationConfig,
)
from affordance_seg_ros.training.augmentation.window import cut_window
from affordance_seg_ros.training.datasets.pictures import fit_label
from affordance_seg_ros.training.run_setup import as_measured
from affordance_seg_ros.training.sample import NO_ACTION
from affordance_seg_ros.training.samples import (
    SampleKey,
    scaled_input,
)
from affordance_seg_ros.training.stage_config import StageConfig


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_an_unchanged_sample_is_what_the_pipeline_gives_the_network(sequence, scale):
    device = torch.device("cpu")
    size = scaled_input(INPUT, scale)
    preprocessor = Preprocessor(size, device)
    estimator = build_estimator(FlowConfig(estimator="dis"), device)
    batch = samples_of(sequence, frames=4, input_scale=scale)[KEY]
    for t in range(4):
        prepared = preprocessor.prepare(sequence.frame(t))
        flow = colorize(estimator.step(prepared.flow_input), size, mode="3d")
        torch.testing.assert_close(batch.appearance[t], prepared.appearance[0], atol=1e-5, rtol=0)
        # The cache keeps half precision.
        torch.testing.assert_close(batch.flow[t], flow, atol=1e-3, rtol=0)


def test_only_the_last_frame_has_a_target_where_only_it_is_asked_for(sequence):
    target = samples_of(sequence)[KEY].target
    assert (target[:-1] == IGNORE).all()
    assert (target[-1] == LABELS.label_id("push")).any()


def test_every_frame_has_a_target_where_it_is_asked_for(sequence):
    target = samples_of(sequence, supervision="every")[KEY].target
    assert all((frame == LABELS.label_id("push")).any() for frame in target)


def test_padding_is_ignored(sequence):
    target = samples_of(sequence)[KEY].target[-1]
    assert (target[:, :8] == IGNORE).all()
    assert (target[:, 8:-8] != IGNORE).all()


def test_a_static_sample_is_one_frame_that_does_not_move(sequence):
    batch = samples_of(sequence)[SampleKey(0, 0, True)]
    assert batch.appearance.shape[0] == 1
    assert (batch.flow == 0.5).all()


def test_a_static_sample_whose_action_is_told_is_any_frame_and_a_clip_ends_as_ever(sequence):
    samples = samples_of(sequence, told_share=1.0)
    last = samples_of(sequence)[SampleKey(0, 0, True)].appearance

    def ends(static):
        return [samples[SampleKey(epoch, 0, static)].appearance[-1:] for epoch in range(12)]

    assert 0 < sum(torch.equal(end, last) for end in ends(static=True)) < 12
    assert all(torch.equal(end, last) for end in ends(static=False))


def test_the_action_of_a_share_of_single_pictures_is_told_and_that_of_clips_never(sequence):
    samples = samples_of(sequence, told_share=0.5)
    push = LABELS.action_id("push")
    told = [int(samples[SampleKey(epoch, 0, True)].told_action) for epoch in range(40)]
    assert set(told) == {push, NO_ACTION}
    assert 8 < told.count(push) < 32
    clips = [samples[SampleKey(epoch, 0, False)] for epoch in range(40)]
    assert {int(clip.told_action) for clip in clips} == {NO_ACTION}
    assert {int(clip.action) for clip in clips} == {push}


def test_a_static_sample_whose_action_is_not_told_is_from_the_interaction_on(sequence):
    sequence.interaction = (2, 2)
    samples = samples_of(sequence)
    shown = [samples[SampleKey(epoch, 0, True)].appearance for epoch in range(12)]
    frames = samples_of(sequence, frames=4)[KEY].appearance[:, None]
    found = {next(i for i in range(4) if torch.equal(frames[i], each)) for each in shown}
    assert found == {2, 3}


def test_a_sample_ends_where_there_is_something_to_learn(sequence):
    """As in a recorded clip with one label, or in SOR3D-AFF."""
    sequence.interaction = (0, 3)
    wide = {"end_jitter": 3, "told_share": 0.5}
    everywhere = samples_of(sequence, **wide)
    for number in (0, 1, 3):
        (sequence.clip.path / f"labels/{number:05}.png").unlink()
    (sequence.clip.path / "label.png").unlink()
    assert list(sequence.labelled("demonstrated")) == [2]
    for static in (True, False):
        targets = [
            everywhere[SampleKey(epoch, 0, static)].target[-1].numpy() for epoch in range(12)
        ]
        assert all((target == LABELS.label_id("push")).any() for target in targets)


def test_a_sample_of_a_clip_without_labels_ends_anywhere_and_teaches_the_action(sequence):
    shutil.rmtree(sequence.clip.path / "labels")
    (sequence.clip.path / "label.png").unlink()
    samples = samples_of(sequence, end_jitter=3)
    seen = [samples[SampleKey(epoch, 0, False)] for epoch in range(12)]
    assert len({each.appearance[-1].sum().item() for each in seen}) > 1
    assert all((each.target == IGNORE).all() for each in seen)
    assert {int(each.action) for each in seen} == {LABELS.action_id("push")}


def test_a_told_stage_is_measured_told_and_a_partly_told_one_is_not():
    for share, measured in ((0.0, 0.0), (0.4, 0.0), (1.0, 1.0)):
        assert as_measured(StageConfig(told_share=share)).told_share == measured


def test_the_network_decides_which_channels_a_sample_has(sequence):
    network = replace(NETWORK, appearance="rgb", flow="none")
    batch = samples_of(sequence, network=network)[KEY]
    assert batch.appearance.shape[1] == 3
    assert batch.flow.shape[1] == 0


def test_an_action_that_the_network_does_not_know_has_no_id(sequence):
    network = replace(NETWORK, actions=("cut", "paint"))
    assert samples_of(sequence, network=network)[KEY].action.item() == NO_ACTION


def test_the_same_key_is_the_same_sample(sequence):
    samples = samples_of(sequence, augmentation=AugmentationConfig())
    again = samples_of(sequence, augmentation=AugmentationConfig())
    other = SampleKey(1, 0, False)
    for a, b in zip(samples[KEY], again[KEY], strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(samples[KEY].appearance, samples[other].appearance)


def test_worker_processes_change_nothing(sequence):
    samples = samples_of(sequence, augmentation=AugmentationConfig())
    keys = [[SampleKey(epoch, 0, False)] for epoch in range(3)]
    here, there = (
        [batch.appearance for batch in torch.utils.data.DataLoader(
            samples, batch_sampler=keys, num_workers=workers)]
        for workers in (0, 2)
    )  # fmt: skip
    for a, b in zip(here, there, strict=True):
        assert torch.equal(a, b)


def test_a_smaller_input_has_pictures_and_motion_of_its_size(sequence):
    half = samples_of(sequence, input_scale=0.5, frames=4).sample(KEY)
    for planes in (half.rgb, half.flow_px, half.motion_m, half.valid, half.target):
        assert planes.shape[-2:] == (32, 40)
    assert half.valid[1:].any()


def test_a_scaled_input_divides_by_eight():
    scaled = scaled_input(InputConfig(height=120, width=160), 0.4)
    assert (scaled.height, scaled.width) == (48, 64)


def test_the_same_sequence_in_another_turn_is_another_sample(sequence):
    samples = samples_of(sequence, augmentation=AugmentationConfig())
    first, again, second = (samples.sample(KEY._replace(turn=turn)).rgb for turn in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)


def test_a_label_keeps_its_ids_when_it_is_fitted():
    label = np.zeros((30, 40), np.uint8)
    label[10:20, 10:20] = 9
    fitted = fit_label(label, fit(40, 30, INPUT))
    assert set(np.unique(fitted)) == {0, 9, IGNORE}


def test_a_fitted_label_lies_where_it_was():
    label = np.zeros((96, 160), np.uint8)
    label[21:61, 31:91] = 4
    (rows, columns) = np.nonzero(fit_label(label, fit(160, 96, INPUT)) == 4)
    assert ((rows.mean() + 0.5) * 2, (columns.mean() + 0.5) * 2) == (41, 61)


def test_a_thin_part_is_not_lost_when_a_label_is_fitted():
    label = np.zeros((96, 160), np.uint8)
    label[31] = 1
    fitted = fit_label(label, fit(160, 96, INPUT))
    assert (fitted == 1).sum() == 80


def test_a_window_is_cut_from_all_pictures_alike(sequence):
    whole = samples_of(sequence, supervision="every").sample(KEY)
    cut = samples_of(sequence, supervision="every", window=0.5).sample(KEY)
    assert cut.inside.shape == (32, 40)
    corners = [
        (y, x)
        for y in range(48 - 32 + 1)
        for x in range(80 - 40 + 1)
        if np.array_equal(whole.target[:, y : y + 32, x : x + 40], cut.target)
        and np.allclose(whole.rgb[..., y : y + 32, x : x + 40], cut.rgb, atol=1e-5)
    ]
    ((y, x),) = corners
    for name in ("depth_m", "flow_px", "motion_m", "valid", "inside"):
        expected = getattr(whole, name)[..., y : y + 32, x : x + 40]
        np.testing.assert_array_equal(getattr(cut, name), expected)


def test_most_windows_show_a_label_that_the_picture_has(sequence):
    random = np.random.default_rng(0)
    sample = samples_of(sequence).sample(KEY)
    target = np.zeros((3, 96, 160), np.uint8)
    target[-1, 40, 70] = 5  # a window anywhere shows it one time in seven
    planes = {
        name: np.zeros((*getattr(sample, name).shape[:-2], 96, 160))
        for name in ("rgb", "depth_m", "flow_px", "motion_m", "valid", "inside")
    }
    sample = replace(sample, target=target, **planes)
    shown = [bool(cut_window(sample, 0.35, random).target.any()) for _ in range(200)]
    assert 0.7 <= np.mean(shown) <= 0.9
