# SPDX-License-Identifier: Apache-2.0
"""Scenes in which nothing but the sensors' noise goes on, as the pipeline's rest sees them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from affordance_seg_ros.config import FlowConfig, InputConfig
from affordance_seg_ros.flow.estimator import build_estimator
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.pipeline.preprocess import Preprocessor
from affordance_seg_ros.pipeline.rest import moves
from affordance_seg_ros.training.synthesis.filming import film
from affordance_seg_ros.training.synthesis.gl_renderer import GlRenderer
from affordance_seg_ros.training.synthesis.production import draw_clip
from affordance_seg_ros.training.synthesis.settings import SynthesisConfig

INPUT = InputConfig(height=120, width=160, fit="letterbox")
CONFIG = SynthesisConfig(seed=100, split="val")
FRAMES = 6


@pytest.fixture(scope="module")
def renderer() -> Iterator[GlRenderer]:
    made = GlRenderer(CONFIG.width, CONFIG.height)
    yield made
    made.close()


def count_moving(renderer: GlRenderer, index: int, estimator: str, *, frozen: bool) -> int:
    """Return how many frames move of a clip that acts, or holds still amid it."""
    scenario, filming, rng = draw_clip(CONFIG, index)
    stage = scenario.stage
    if frozen:
        held = stage.shape(0.5)
        stage.shape = lambda time: held  # type: ignore[method-assign]  # time stands still
        filming = replace(filming, frames=FRAMES)
    preprocessor = Preprocessor(INPUT, torch.device("cpu"))
    flow = build_estimator(FlowConfig(estimator=estimator), torch.device("cpu"))
    count = 0
    for number, frame in enumerate(film(scenario, renderer, filming, rng)):
        shown = RgbdFrame(
            number, "", frame.color, DepthImage(frame.depth_mm, 1e-3), scenario.viewpoint.camera
        )
        count += bool(moves(flow.step(preprocessor.prepare(shown).flow_input)))
    return count


@pytest.mark.parametrize("estimator", ["dis", "primal_dual"])
@pytest.mark.parametrize("index", [0, 3])
def test_the_sensors_noise_alone_is_no_motion(
    renderer: GlRenderer, index: int, estimator: str
) -> None:
    assert count_moving(renderer, index, estimator, frozen=True) == 0


def test_a_clip_that_acts_moves(renderer: GlRenderer) -> None:
    assert count_moving(renderer, 0, "dis", frozen=False) >= 5
