# SPDX-License-Identifier: Apache-2.0
"""Flow of whole sequences, computed once and kept next to the data."""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from affordance_seg_ros.config import FlowConfig, InputConfig
from affordance_seg_ros.flow.estimator import build_estimator
from affordance_seg_ros.pipeline.device import resolve_device
from affordance_seg_ros.pipeline.preprocess import Preprocessor
from affordance_seg_ros.training.datasets.kept_records import KeptRecords, Records
from affordance_seg_ros.training.datasets.labelled_sequence import LabelledSequence, naming_frame

_VERSION = 3
"""Version of what the estimators compute; a higher one leaves older files unused."""


class SequenceFlow(NamedTuple):
    """Motion into every frame from the previous one, on the older frame's grid at network size.

    Attributes:
        flow_px: (T, 2, h, w) float16 [px]; zeros for the first frame.
        motion_m: (T, 3, h, w) float16 [m]; likewise.
        valid: (T, h, w) bool; false everywhere for the first frame.
    """

    flow_px: npt.NDArray[np.float16]
    motion_m: npt.NDArray[np.float16]
    valid: npt.NDArray[np.bool_]


class FlowCache(KeptRecords):
    """Files of flow, named after the estimator, its settings and the size of its pictures.

    Args:
        estimator: A name of `affordance_seg_ros.flow.estimator.ESTIMATORS`.
        config: Settings; their own choice of an estimator is ignored.
        input_config: How frames become pictures.
    """

    kind = "flow"

    def __init__(self, estimator: str, config: FlowConfig, input_config: InputConfig) -> None:
        self._config = replace(config, estimator=estimator)
        self._input = input_config
        self._device = resolve_device("cpu" if estimator == "dis" else "auto")
        size = {name: getattr(input_config, name) for name in ("height", "width", "fit")}
        settings = json.dumps(
            {"version": _VERSION, "flow": asdict(self._config), "input": size}, sort_keys=True
        )
        digest = hashlib.sha256(settings.encode()).hexdigest()[:8]
        self.key = f"flow-{estimator}-{input_config.width}x{input_config.height}-{digest}"

    @property
    def wants_gpu(self) -> bool:
        """Whether the flow is computed on a GPU: DIS never is."""
        return self._device.type == "cuda"

    def path(self, sequence: LabelledSequence) -> Path | None:
        """Return where a sequence's flow is kept; None if none is kept, or for a single frame."""
        return super().path(sequence) if len(sequence) > 1 else None

    def load(self, sequence: LabelledSequence) -> SequenceFlow:
        """Return a sequence's flow, from its file or, failing that, computed and kept.

        Raises:
            SourceError: Frames cannot be read, or the file cannot be written.
        """
        records = self.records(sequence)
        return SequenceFlow(*(records[name] for name in SequenceFlow._fields))

    @torch.no_grad()
    def compute_records(self, sequence: LabelledSequence) -> Records:
        """Return a sequence's flow as the pipeline would see it."""
        preprocessor = Preprocessor(self._input, self._device)
        estimator = build_estimator(self._config, self._device)
        size = (self._input.height, self._input.width)
        layout = [("flow_px", np.float16, (2, *size)), ("motion_m", np.float16, (3, *size))]
        records = np.zeros(len(sequence), [*layout, ("valid", np.bool_, size)])
        for index in range(len(sequence)):
            with naming_frame(sequence, index):
                prepared = preprocessor.prepare(sequence.frame(index))
            flow = estimator.step(prepared.flow_input)
            for name in SequenceFlow._fields:
                records[name][index] = getattr(flow, name).cpu().numpy()
        return records
