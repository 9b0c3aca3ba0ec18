# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from flow_scenes import plane

from affordance_seg_ros.flow.exposure import common_contrast, measure_brightness


@pytest.mark.parametrize(("gain", "bias"), [(0.5, 0.0), (1.5, 0.0), (1.0, 30.0), (0.7, -10.0)])
def test_relative_brightness_does_not_depend_on_gain_and_offset(gain, bias):
    plain = measure_brightness(plane().gray, normalize=True)
    exposed = measure_brightness(plane(gain=gain, bias=bias).gray, normalize=True)
    torch.testing.assert_close(exposed.relative, plain.relative, atol=1e-3, rtol=0)
    torch.testing.assert_close(exposed.contrast, gain * plain.contrast)


def test_the_common_contrast_brings_differences_back_to_gray_values():
    gray = plane().gray
    brightness = measure_brightness(gray, normalize=True)
    back = brightness.relative * common_contrast(brightness, brightness)
    ratio = back.diff(dim=1).abs().mean() / gray.diff(dim=1).abs().mean()
    assert 0.7 < ratio < 1.4


def test_noise_on_a_flat_wall_is_not_amplified_to_the_contrast_of_texture():
    gray = plane().gray
    gray[:, 80:] = 128 + torch.randn(120, 80, generator=torch.manual_seed(0))
    brightness = measure_brightness(gray, normalize=True)
    wall = (brightness.relative * brightness.contrast)[20:-20, 100:-20]
    assert wall.std() < 1.5


def test_a_black_picture_stays_finite_and_plain_brightness_stays_gray_values():
    black = measure_brightness(torch.zeros(40, 40), normalize=True)
    assert torch.equal(black.relative, torch.zeros(40, 40))
    plain = measure_brightness(plane().gray, normalize=False)
    torch.testing.assert_close(plain.relative.diff(), plane().gray.diff(), atol=1e-4, rtol=0)
    assert plain.contrast == 1
