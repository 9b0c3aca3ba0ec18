# SPDX-License-Identifier: Apache-2.0
"""A pipeline without a network: each output is a plain function of the frame."""

import time
from typing import NamedTuple

import numpy as np

from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.errors import CheckpointError, DeviceError, FrameError
from affordance_seg_ros.frames import (
    EVERYTHING,
    Action,
    Box,
    Prediction,
    Region,
    RgbdFrame,
    StageTimes,
    Wanted,
)
from affordance_seg_ros.labels import LabelSet

GAP = "gap of 1.200 s, longer than max_gap_s=1"


class Card(NamedTuple):
    name: str
    trained: bool
    description: str = ""
    license: str = ""


def label_of(color: np.ndarray) -> np.ndarray:
    """The mask: red modulo 10."""
    return color[..., 0] % 10


class DoublePipeline:
    """Counts the frames since the last reset in `action.id`, and is as slow as told.

    The network takes `step_s`, or less with `max_regions` below its default; a step that takes time
    says when it begins.
    """

    labels = LabelSet()
    network = "none"
    flow_estimator = "none"

    def __init__(self, name: str, config: PipelineConfig, step_s: float) -> None:
        self.device = "gpu" if name == "gpu" else "cpu"
        if name != "nameless":
            self.card = Card(name, trained=name == "trained")
        self.config = config
        self.step_s = step_s
        self.steps = 0

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        pass

    def reset(self) -> None:
        if self.card.name == "unready":
            raise ZeroDivisionError("a defect of the double")
        self.steps = 0

    def configure(self, config: PipelineConfig) -> None:
        self.config = config

    def step(self, frame: RgbdFrame, wanted: Wanted = EVERYTHING) -> Prediction:
        if np.isnan(frame.depth.to_metres()).all():
            raise FrameError("no valid depth in the frame; expected at least one pixel")
        if self.step_s:
            print(f"step {self.steps + 1} begins", flush=True)
        if self.card.name == "defect":
            time.sleep(self.step_s)
            raise ZeroDivisionError("a defect of the double")
        network_s = self.step_s * min(1.0, self.config.max_regions / 32)
        time.sleep(network_s)
        count, self.steps = self.steps, self.steps + 1
        confidence = np.full(frame.color.shape[:2], self.config.min_confidence, np.float32)
        if self.card.name == "depth":
            confidence = frame.depth.to_metres()
        scores = np.full(9, 0.1, np.float32)
        region = Region(
            label_id=2, name="grasp", score=0.5, area_px=12, box=Box(1, 2, 3, 4),
            depth_fraction=0.25, centroid_m=np.array([0.1, 0.2, 0.3]),
            normal=np.array([-1.0, 0, 0]), axes=np.array([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]]),
            extents_m=np.array([3.0, 2, 1]), center_m=np.array([0.4, 0.5, 0.6]), area_m2=0.01,
            track_id=7, track_frames=count + 1,
        )  # fmt: skip
        return Prediction(
            stamp_ns=frame.stamp_ns,
            frame_id=frame.frame_id,
            mask=label_of(frame.color),
            confidence=confidence,
            action=Action(min(count, 8), self.labels.actions[min(count, 8)], 0.1, scores),
            regions=(region,) if wanted.regions else (),
            flow_color=np.zeros((4, 4, 3) if wanted.flow_color else (0, 0, 3), np.uint8),
            stages_ms=StageTimes(0.0, 0.0, 1e3 * network_s, 0.0),
            reset_reason=GAP if self.card.name == "forgetful" else "",
        )


def build_double(weights: str, device: str, config: PipelineConfig) -> DoublePipeline:
    """Build the double; the name of its weights says how it behaves.

    `depth` gives depth [m] for confidence, `slow 1.5` sleeps that long in each step, `gpu 1.5` does
    so too but not on a CPU, `loading` never finishes loading, `forgetful` says before every frame
    that it forgot the past; `missing` and device `cuda` are refused; `broken`, `unready` and
    `defect` raise an unexpected error when they are built, activated, and given a frame
    (`defect 4`: four seconds later); `nameless` has no card.
    """
    if weights == "missing":
        raise CheckpointError("weight file 'missing' is not there; expected a .safetensors file")
    if weights == "broken":
        raise ZeroDivisionError("a defect of the double")
    if device.startswith("cuda"):
        raise DeviceError(f"device '{device}', but there are 0 CUDA devices; expected auto or cpu")
    name, _, step_s = weights.partition(" ")
    if name == "loading":
        print("loading weights", flush=True)
        time.sleep(60)
    return DoublePipeline(name, config, float(step_s or 0))
