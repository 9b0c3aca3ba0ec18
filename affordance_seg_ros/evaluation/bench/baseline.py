# SPDX-License-Identifier: Apache-2.0
"""The plain pipeline against which a fast one is measured."""

from dataclasses import replace
from typing import NamedTuple

import torch

from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.flow.colorize import colorize
from affordance_seg_ros.flow.incremental import PrimalDualFlow
from affordance_seg_ros.frames import Action, RgbdFrame, StageTimes
from affordance_seg_ros.model.checkpoint import Checkpoint
from affordance_seg_ros.model.network_state import Memory
from affordance_seg_ros.pipeline.postprocess import LabelMap, choose_action, label_map
from affordance_seg_ros.pipeline.preprocess import Preprocessor
from affordance_seg_ros.pipeline.regions import find_regions
from affordance_seg_ros.pipeline.stage_clock import StageClock


class PlainPrediction(NamedTuple):
    """The plain pipeline's prediction for a frame, and the time of each stage [ms]."""

    labelled: LabelMap
    action: Action
    stages_ms: StageTimes


class EagerPipeline:
    """The same method with nothing done to speed it up; baseline ``eager``.

    - Network: `AffordanceNetwork.step` in PyTorch's eager mode, float32, default memory format, one
      operation after another.
    - Scene flow: the reference `PrimalDualFlow` in plain PyTorch, from coarse to fine in every
      frame, with the configured iterations; never starting from the last motion.
    - Preparation of frames and postprocessing: the pipeline's own.
    - PyTorch's default settings: as many threads as the pipeline has; on a GPU, TF32 in
      convolutions, as `torch.backends.cudnn.allow_tf32` says.

    Args:
        checkpoint: Network with the description of its input.
        config: Options; those that choose an estimator or a back end are ignored.
        device: Where everything runs.
    """

    def __init__(
        self, checkpoint: Checkpoint, config: PipelineConfig, device: torch.device
    ) -> None:
        self._network = checkpoint.network.to(device, torch.float32).eval()
        self._architecture = checkpoint.network_config
        self._input = checkpoint.input_config
        self._preprocessor = Preprocessor(checkpoint.input_config, device)
        self._flow = PrimalDualFlow(replace(config.flow, warm_iterations=0), device)
        self._config = config
        self._clock = StageClock(device, marks=1 + len(StageTimes._fields))
        self._state: Memory | None = None

    @torch.inference_mode()
    def step(self, frame: RgbdFrame) -> PlainPrediction:
        """Process the next frame."""
        clock, architecture = self._clock, self._architecture
        labels = architecture.labels
        clock.start()
        prepared = self._preprocessor.prepare(frame)
        clock.mark()
        flow = self._flow.step(prepared.flow_input)
        clock.mark()
        encoded = None
        if architecture.flow != "none":
            encoded = colorize(flow, self._input, mode=architecture.flow)[None]
        appearance = prepared.appearance[:, : self._network.appearance_channels]
        output, self._state = self._network.step(appearance, encoded, self._state)
        clock.mark()
        height, width = frame.color.shape[:2]
        action = choose_action(output.action_logits[0], labels)
        labelled = label_map(
            output.logits[0],
            prepared.fit,
            width,
            height,
            min_confidence=self._config.min_confidence,
            certainty=action.score if architecture.decided_context else 1.0,
        )
        find_regions(
            labelled,
            frame.depth,
            frame.camera,
            labels,
            min_area_px=self._config.min_region_area_px,
            limit=self._config.max_regions,
        )
        picture = colorize(flow, self._input, mode="3d") * flow.valid
        picture.permute(1, 2, 0).mul(255).round().to(torch.uint8).cpu()
        clock.mark()
        return PlainPrediction(labelled, action, StageTimes(*clock.durations_ms()))


BASELINES = {"eager": EagerPipeline}
"""Baselines by name."""
