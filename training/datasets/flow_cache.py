# SPDX-License-Identifier: Apache-2.0
"""Flow of whole sequences, computed once and kept beside the data."""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import torch

from affordance_seg_ros.config import FlowConfig, InputConfig
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.flow.estimator import build_estimator
from affordance_seg_ros.pipeline.preprocess import Preprocessor
from affordance_seg_ros.training.datasets.labelled_sequence import LabelledSequence
from affordance_seg_ros.whole_file import whole_file

_VERSION = 2
"""Of what the estimators compute: a higher one leaves files of before unused."""


class SequenceFlow(NamedTuple):
    """Motion into every frame from the one before, on the older frame's grid at network size.

    Attributes:
        flow_px: (T, 2, h, w) float16 [px]; zeros for the first frame.
        motion_m: (T, 3, h, w) float16 [m]; the same.
        valid: (T, h, w) bool; nowhere for the first frame.
    """

    flow_px: npt.NDArray[np.float16]
    motion_m: npt.NDArray[np.float16]
    valid: npt.NDArray[np.bool_]


class FlowCache:
    """Files of flow, named by the estimator, its settings and the size of its pictures.

    Args:
        estimator: A name of `affordance_seg_ros.flow.estimator.ESTIMATORS`.
        config: Settings; its own choice of an estimator is not looked at.
        input_config: How frames become pictures.
    """

    def __init__(self, estimator: str, config: FlowConfig, input_config: InputConfig) -> None:
        self._config = replace(config, estimator=estimator)
        self._input = input_config
        size = {name: getattr(input_config, name) for name in ("height", "width", "fit")}
        settings = json.dumps(
            {"version": _VERSION, "flow": asdict(self._config), "input": size}, sort_keys=True
        )
        digest = hashlib.sha256(settings.encode()).hexdigest()[:8]
        self.key = f"{estimator}-{input_config.width}x{input_config.height}-{digest}"

    @property
    def wants_gpu(self) -> bool:
        """Whether the flow is computed on a GPU: DIS never is."""
        return self._config.estimator != "dis" and torch.cuda.is_available()

    def path(self, sequence: LabelledSequence) -> Path | None:
        """Return where a sequence's flow is kept; None for one that keeps nothing."""
        return sequence.cache_folder and sequence.cache_folder / f"flow-{self.key}.npz"

    def load(self, sequence: LabelledSequence) -> SequenceFlow:
        """Return a sequence's flow, from its file or else computed and kept.

        Raises:
            SourceError: Frames cannot be read, or the file cannot be written.
        """
        path = self.path(sequence)
        if path is not None and path.exists():
            try:
                with np.load(path) as file:
                    return SequenceFlow(file["flow_px"], file["motion_m"], file["valid"])
            except (OSError, ValueError, KeyError, EOFError, BadZipFile):
                path.unlink(missing_ok=True)  # cut off by a full disk: it is only a cache
        flow = self.compute(sequence)
        if path is not None:
            _save(path, flow)
        return flow

    @torch.no_grad()
    def compute(self, sequence: LabelledSequence) -> SequenceFlow:
        """Return a sequence's flow as the pipeline would see it."""
        device = torch.device("cuda" if self.wants_gpu else "cpu")
        preprocessor = Preprocessor(self._input, device)
        estimator = build_estimator(self._config, device)
        flows = [
            estimator.step(preprocessor.prepare(sequence.frame(index)).flow_input)
            for index in range(len(sequence))
        ]
        return SequenceFlow(
            torch.stack([flow.flow_px for flow in flows]).half().cpu().numpy(),
            torch.stack([flow.motion_m for flow in flows]).half().cpu().numpy(),
            torch.stack([flow.valid for flow in flows]).cpu().numpy(),
        )


def fill_caches(
    sequences: Sequence[LabelledSequence],
    caches: Sequence[FlowCache],
    *,
    workers: int,
    progress: bool,
) -> None:
    """Compute all flow that is not there yet.

    Args:
        sequences: Sequences of more than one frame get flow.
        caches: One for each estimator.
        workers: Processes; 0 or 1 computes in this one.
        progress: Whether to show a progress bar.

    Raises:
        SourceError: Frames cannot be read, or a file cannot be written.
    """
    from tqdm import tqdm

    missing = [
        (cache, sequence)
        for sequence in sequences
        for cache in caches
        if (path := cache.path(sequence)) is not None and len(sequence) > 1 and not path.exists()
    ]
    # A GPU serves one process best, and processes that were forked cannot use it.
    here = [item for item in missing if workers < 2 or item[0].wants_gpu]
    elsewhere = [item for item in missing if workers >= 2 and not item[0].wants_gpu]
    bar = partial(tqdm, unit="clip", desc="flow")
    if elsewhere:
        with ProcessPoolExecutor(workers, initializer=partial(torch.set_num_threads, 1)) as pool:
            done = pool.map(_fill, elsewhere)
            for _ in bar(done, total=len(elsewhere), disable=not progress):
                pass
    for cache, sequence in bar(here, disable=not (progress and here)):
        cache.load(sequence)


def _fill(item: tuple[FlowCache, LabelledSequence]) -> None:
    cache, sequence = item
    cache.load(sequence)


def _save(path: Path, flow: SequenceFlow) -> None:
    with whole_file(path, SourceError, make_folder=True) as file:
        np.savez_compressed(file, **flow._asdict())
