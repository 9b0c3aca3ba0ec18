# SPDX-License-Identifier: Apache-2.0
"""Each option of the augmentation changes what it is for, and nothing else."""

from dataclasses import fields, replace

import numpy as np
import pytest
from tiny_samples import KEY, samples_of

from affordance_seg_ros.training.augmentation.augment import augment
from affordance_seg_ros.training.augmentation.augmentation_config import (
    NO_AUGMENTATION,
    AugmentationConfig,
)
from affordance_seg_ros.training.augmentation.geometry import mirror
from affordance_seg_ros.training.augmentation.time import motion_between
from affordance_seg_ros.training.sample import Sample

PLANES = {"rgb", "depth_m", "flow_px", "motion_m", "valid", "target", "inside"}
CHANGED = {
    "mirror": (1.0, PLANES),
    "zoom": (2.0, PLANES),
    "shift": (0.5, PLANES),
    "world_scale": (2.0, {"depth_m", "motion_m"}),
    "brightness": (0.9, {"rgb"}),
    "contrast": (0.9, {"rgb"}),
    "saturation": (1.0, {"rgb"}),
    "white_balance": (0.9, {"rgb"}),
    "color_noise": (0.5, {"rgb"}),
    "depth_noise": (0.5, {"depth_m"}),
    "depth_holes": (100, {"depth_m", "valid"}),
    "depth_missing": (1.0, {"depth_m", "motion_m", "valid"}),
}
SHOWN = {"fast": (1.0, (0, 1, 3)), "drop": (0.9, (0, 1, 3)), "linger": (1.0, (2, 3, 3))}


@pytest.fixture
def sample(sequence):
    """A sample of which no plane is its own mirror image."""
    whole = samples_of(sequence, supervision="every").sample(KEY)
    left_out = np.arange(whole.inside.shape[1]) < 20
    return replace(whole, inside=whole.inside & ~left_out, valid=whole.valid & ~left_out)


def differences(one, other):
    return {
        field.name
        for field in fields(Sample)
        if not np.allclose(getattr(one, field.name), getattr(other, field.name), atol=1e-6)
    }


def frames_shown(sample, whole):
    """Return which frames of a whole clip those of a sample are."""
    return tuple(
        next(i for i, each in enumerate(whole.rgb) if np.allclose(each, frame, atol=1e-5))
        for frame in sample.rgb
    )


def test_every_option_has_its_test():
    assert {field.name for field in fields(AugmentationConfig)} == {*CHANGED, *SHOWN}


@pytest.mark.parametrize("option", CHANGED)
def test_an_option_changes_its_planes_and_no_other(sample, option):
    strength, planes = CHANGED[option]
    config = replace(NO_AUGMENTATION, **{option: strength})
    assert differences(augment(sample, config, np.random.default_rng(1)), sample) == planes


@pytest.mark.parametrize("option", SHOWN)
def test_an_option_of_time_decides_the_frames_and_the_motion_between_them(sequence, option):
    strength, frames = SHOWN[option]
    samples = samples_of(sequence, augmentation=replace(NO_AUGMENTATION, **{option: strength}))
    whole = samples_of(sequence, frames=4).sample(KEY)
    drawn = (samples.sample(KEY._replace(epoch=epoch)) for epoch in range(12))
    found = {frames_shown(each, whole): each for each in drawn}
    assert frames in found
    flow = samples.caches[0].load(sequence)
    for t in (1, 2):
        motion = motion_between(flow, frames[t - 1], frames[t])
        np.testing.assert_array_equal(found[frames].flow_px[t], motion.flow_px)


def test_a_mirrored_sample_is_the_mirror_image(sample):
    config = replace(NO_AUGMENTATION, mirror=1.0)
    mirrored = augment(sample, config, np.random.default_rng(1))
    assert differences(mirrored, mirror(sample)) == set()


def test_so_many_samples_are_mirrored(sample):
    config = replace(NO_AUGMENTATION, mirror=0.25)
    random = np.random.default_rng(7)
    mirrored = [differences(augment(sample, config, random), sample) != set() for _ in range(200)]
    assert 0.15 < np.mean(mirrored) < 0.35
