# SPDX-License-Identifier: Apache-2.0
"""The pipeline: one frame in, one prediction out, with the memory of the frames before."""

import gc
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.errors import FrameError
from affordance_seg_ros.flow.colorize import colorize
from affordance_seg_ros.flow.estimator import FlowEstimator, build_estimator, estimator_name
from affordance_seg_ros.frames import (
    EVERYTHING,
    DepthImage,
    Prediction,
    Region,
    RgbdFrame,
    SceneFlow,
    StageTimes,
    Wanted,
)
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.model.backends import build_runner
from affordance_seg_ros.model.checkpoint import Checkpoint, WeightsCard, load_weights
from affordance_seg_ros.model.network import StepOutput
from affordance_seg_ros.model.runner import NetworkRunner
from affordance_seg_ros.pipeline.device import resolve_device
from affordance_seg_ros.pipeline.preprocess import Prepared, Preprocessor
from affordance_seg_ros.pipeline.readout import NO_CONFIDENCE, build_readout
from affordance_seg_ros.pipeline.regions import find_regions
from affordance_seg_ros.pipeline.rest import Rest
from affordance_seg_ros.pipeline.stage_clock import StageClock
from affordance_seg_ros.pipeline.stream_watch import StreamWatch
from affordance_seg_ros.pipeline.tracking import RegionTracker


def build_pipeline(weights: str, device: str, config: PipelineConfig) -> "Pipeline":
    """Load weights onto a device and build the pipeline around them.

    Args:
        weights: Weight file, or a name known to `load_weights`; empty takes the package's own.
        device: auto, cpu, cuda or cuda:N.
        config: Options of the pipeline.

    Raises:
        DeviceError: The device is not available.
        CheckpointError: The weights cannot be loaded.
    """
    target = resolve_device(device)
    checkpoint = load_weights(weights, target)
    return Pipeline(checkpoint, build_estimator(config.flow, target), config, target)


def _run_options(config: PipelineConfig) -> tuple[str, str]:
    """Return the options that a network runner is built from."""
    return config.network_backend, config.network_precision


class Pipeline:
    """Turns the frames of one stream into predictions, in order.

    Each stage keeps its own state: the flow estimator the last frame, the network its memory. The
    pipeline forgets both automatically when time jumps back, after a gap longer than `max_gap_s`,
    and when the size or the frame_id changes. At the first motion after a rest of `rest_s` it
    forgets only the network's memory, one frame late. `Prediction.reset_reason` says so.

    Args:
        checkpoint: Network with the description of its input.
        estimator: Flow estimator on the same device.
        config: Options.
        device: Where everything runs.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        estimator: FlowEstimator,
        config: PipelineConfig,
        device: torch.device,
    ) -> None:
        self._network = checkpoint.network.to(device).eval()
        self._architecture = checkpoint.network_config
        self._input = checkpoint.input_config
        self._card = checkpoint.card
        self._runner = self._build_runner(config)
        self._preprocessor = Preprocessor(checkpoint.input_config, device)
        self._estimator = estimator
        self._config = config
        self._device = device
        self._clock = StageClock(device, marks=1 + len(StageTimes._fields))
        self._labels = checkpoint.network_config.labels
        self._tracker = RegionTracker()
        self._rest = Rest()
        self._readout = build_readout(self._architecture, device)
        self._watch = StreamWatch()

    @property
    def labels(self) -> LabelSet:
        """Affordances and actions of the weights."""
        return self._labels

    @property
    def card(self) -> WeightsCard:
        """Name and origin of the weights."""
        return self._card

    @property
    def device(self) -> torch.device:
        """Where the pipeline runs."""
        return self._device

    @property
    def network(self) -> str:
        """What runs the network and in what precision, human-readable."""
        return self._runner.description

    @property
    def flow_estimator(self) -> str:
        """Name of the flow estimator, 'auto' resolved."""
        return estimator_name(self._config.flow, self._device)

    @property
    def config(self) -> PipelineConfig:
        """The options in force."""
        return self._config

    def configure(self, config: PipelineConfig) -> None:
        """Replace the options; changing those of the flow or the network also forgets the past.

        Changing only the flow's budget forgets and rebuilds nothing: it takes effect from the next
        pair of frames on, and may change with every frame.

        Raises:
            ConfigError, DeviceError: Network or flow cannot run with them; nothing has changed.
        """
        before, runner, estimator = self._config, self._runner, self._estimator
        if _run_options(config) != _run_options(before):
            runner = self._build_runner(config)
        if replace(config.flow, budget=before.flow.budget) != before.flow:
            estimator = build_estimator(config.flow, self._device)
        elif config.flow.budget != before.flow.budget:
            estimator.set_budget(config.flow.budget)
        is_new = runner is not self._runner or estimator is not self._estimator
        self._config, self._runner, self._estimator = config, runner, estimator
        if is_new:
            self.reset()

    def reset(self) -> None:
        """Forget the past: the next frame is the first one."""
        self._watch.reset()
        self._forget()

    def close(self) -> None:
        """Free the device's memory for other processes; the pipeline cannot be used afterwards."""
        del self._network, self._runner, self._estimator, self._preprocessor, self._readout
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _forget(self) -> None:
        self._estimator.reset()
        self._tracker.reset()
        self._rest.reset()
        self._runner.reset()

    def warm_up(self, width: int = 640, height: int = 480) -> None:
        """Run two random frames and forget them, so that the first real one is not late.

        Args:
            width: Width of the colour pictures to come [px].
            height: Height of the pictures [px].
        """
        random = np.random.default_rng(0)
        camera = Camera(width, height, width, width, width / 2, height / 2)
        for index in range(2):
            color = random.integers(0, 256, (height, width, 3), np.uint8)
            depth = random.integers(500, 2000, (height, width), np.uint16)
            frame = RgbdFrame(index, "warm_up", color, DepthImage(depth, 1e-3), camera)
            self.step(frame)
        self.reset()

    @torch.inference_mode()
    def step(self, frame: RgbdFrame, wanted: Wanted = EVERYTHING) -> Prediction:
        """Process the next frame of the stream.

        Args:
            frame: Colour picture with aligned depth.
            wanted: Which parts of the prediction to make.

        Returns:
            Mask and confidence at the frame's size, action, 3D regions, and the time of each stage.

        Raises:
            FrameError: The frame has no valid depth; the pipeline's state is as before the call. Or
                the network's output is not finite; the pipeline has forgotten the past.
            CalibrationError: The camera's lens model cannot be inverted; state as before the call.
        """
        clock = self._clock
        clock.start()
        prepared = self._preprocessor.prepare(frame)
        reason = self._follow(frame)
        clock.mark()
        flow = self._estimator.step(prepared.flow_input)
        moved = self._rest.judge(flow, frame.stamp_ns) if self._config.rest_s else None
        rested = self._begin_anew()
        clock.mark()
        mode = self._architecture.flow
        encoded = None if mode == "none" else colorize(flow, self._input, mode=mode)
        output = self._infer(prepared, encoded)
        clock.mark()

        config = self._config
        height, width = frame.color.shape[:2]
        reading = self._readout(
            output,
            self._flow_picture(flow, encoded) if wanted.flow_color else None,
            prepared.fit,
            width,
            height,
            min_confidence=config.min_confidence,
            with_confidence=wanted.confidence or wanted.regions,
        )
        if self._config.rest_s:  # not earlier: by now a GPU has answered, and nothing waits for it
            self._rest.note(None if moved is None else bool(moved), frame.stamp_ns)
        else:
            self._rest.reset()
        if not reading.finite:
            self.reset()  # the memory would keep it for ever
            raise FrameError(
                f"the network's output is not finite (weights {self._card.name}, {self.network}); "
                "memory cleared. Expected a network_precision with more range, or other weights"
            )
        regions: tuple[Region, ...] = ()
        if wanted.regions:
            regions = find_regions(
                reading.labelled,
                frame.depth,
                frame.camera,
                self._labels,
                min_area_px=config.min_region_area_px,
                limit=config.max_regions,
            )
        # Even without any regions: tracks that nothing continues must age.
        regions = self._tracker.update(regions, frame.stamp_ns)
        clock.mark()
        return Prediction(
            stamp_ns=frame.stamp_ns,
            frame_id=frame.frame_id,
            mask=reading.labelled.mask,
            confidence=reading.labelled.confidence if wanted.confidence else NO_CONFIDENCE,
            action=reading.action,
            regions=regions,
            flow_color=reading.flow_color,
            stages_ms=StageTimes(*clock.durations_ms()),
            reset_reason=reason or rested,
        )

    def _follow(self, frame: RgbdFrame) -> str:
        """Forget the past if the frame does not continue it; return why, or an empty string."""
        reason = self._watch.follow(frame, self._config.max_gap_s)
        if reason:
            self._forget()
        return reason

    def _begin_anew(self) -> str:
        """Empty the memory if the previous frame ended a rest; return why, or an empty string.

        What was shown before the rest stays in the mask as long as nothing moves.
        """
        least_s = self._config.rest_s
        rested_s = self._rest.ended_s
        if not 0 < least_s <= rested_s:
            return ""
        self._runner.reset()
        return f"motion after a rest of {rested_s:.3f} s, at least rest_s={least_s:g}"

    def _build_runner(self, config: PipelineConfig) -> NetworkRunner:
        return build_runner(
            self._network,
            self._input,
            backend=config.network_backend,
            precision=config.network_precision,
        )

    def _infer(self, prepared: Prepared, encoded: Tensor | None) -> StepOutput:
        """Run the network on the channels that its variant takes."""
        channels = self._network.appearance_channels
        flow = None if encoded is None else encoded[None]
        return self._runner.step(prepared.appearance[:, :channels], flow)

    def _flow_picture(self, flow: SceneFlow, encoded: Tensor | None) -> Tensor:
        """Return the coloured 3D flow (h, w, 3) uint8, black where it is not valid."""
        color = encoded if encoded is not None and self._architecture.flow == "3d" else None
        if color is None:
            color = colorize(flow, self._input, mode="3d")
        return (color * flow.valid).permute(1, 2, 0).mul(255).round().to(torch.uint8)
