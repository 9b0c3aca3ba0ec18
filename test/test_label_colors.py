# SPDX-License-Identifier: Apache-2.0
"""Colours of the labels, as people with and without colour blindness see them."""

import numpy as np
import pytest

from affordance_seg_ros.labels import LabelSet

color = pytest.importorskip("skimage.color")

# Linear RGB as dichromats see it: Machado, Oliveira and Fernandes, A Physiologically-based Model
# for Simulation of Color Vision Deficiency, IEEE TVCG 15 (2009), severity 1.0.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
OKABE_ITO_RGB = [
    (213, 94, 0), (0, 158, 115), (230, 159, 0), (0, 114, 178), (240, 228, 66), (204, 121, 167),
    (86, 180, 233),
]  # fmt: skip


def least_difference(colors_rgb: np.ndarray, vision: str) -> float:
    """Least CIEDE2000 difference of any two colours."""
    srgb = np.asarray(colors_rgb) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(VISIONS[vision]), 0, 1)
    encoded = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = color.rgb2lab(encoded)
    first, second = np.triu_indices(len(lab), 1)
    return float(color.deltaE_ciede2000(lab[first], lab[second]).min())


@pytest.mark.parametrize("vision", VISIONS)
def test_any_two_labels_are_told_apart(vision: str) -> None:
    assert least_difference(LabelSet().colors_rgb[1:10], vision) > 19


@pytest.mark.parametrize("vision", VISIONS)
def test_labels_are_told_apart_from_background_drawn_black(vision: str) -> None:
    assert least_difference(LabelSet().colors_rgb[:10], vision) > 15


@pytest.mark.parametrize("vision", VISIONS)
def test_the_measure_knows_a_palette_made_for_this(vision: str) -> None:
    assert least_difference(np.array(OKABE_ITO_RGB), vision) > 9


def test_the_simulation_confuses_red_and_green_where_it_should() -> None:
    red_green = np.array([(170, 90, 40), (110, 120, 40)])
    assert least_difference(red_green, "normal") > 30
    assert least_difference(red_green, "deuteranopia") < 10


@pytest.mark.parametrize("vision", ["protanopia", "deuteranopia", "tritanopia"])
def test_grey_looks_grey_to_everybody(vision: str) -> None:
    np.testing.assert_allclose(np.sum(VISIONS[vision], axis=1), 1, atol=1e-3)
