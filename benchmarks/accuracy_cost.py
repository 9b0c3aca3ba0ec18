# SPDX-License-Identifier: Apache-2.0
"""What speed costs in accuracy: masks and flow of the fast path compared with the plain one's.

Plain means PyTorch's eager mode in float32 and the plain primal-dual flow. Masks are compared on
the clip in `data/` and on rendered clips: with each other at every frame, and with the labels at
the last frame, when a clip has shown what it demonstrates. Flow is compared on rendered clips,
whose true motion is known.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    from affordance_seg_ros.threads import share_processor

    share_processor()

import numpy as np
import numpy.typing as npt
import torch
from clip_flow import RegionSums, load_clip
from posed_sequence import halve
from tqdm import tqdm

from affordance_seg_ros.config import FlowConfig, PipelineConfig
from affordance_seg_ros.errors import AffordanceError, SourceError
from affordance_seg_ros.evaluation.bench.markdown import table
from affordance_seg_ros.evaluation.report import write_json
from affordance_seg_ros.flow.estimator import build_estimator, estimator_name
from affordance_seg_ros.frames import SceneFlow
from affordance_seg_ros.labels import IGNORE
from affordance_seg_ros.pipeline.device import resolve_device
from affordance_seg_ros.pipeline.streaming import build_pipeline
from affordance_seg_ros.sources.clip import Clip, read_clip

_ROOT = Path(__file__).resolve().parent.parent
_DEMO = _ROOT / "data/demo_clip"
PLAIN_FLOW = FlowConfig(estimator="primal_dual")
FAST = PipelineConfig(min_confidence=0.0)
SAME_FLOW = replace(FAST, flow=PLAIN_FLOW)
PLAIN = replace(SAME_FLOW, network_backend="eager", network_precision="float32")

Mask = npt.NDArray[np.uint8]


class Overlap:
    """Intersection and union of each class, over the pixels of all pictures.

    Args:
        classes: Number of classes, background included.
    """

    def __init__(self, classes: int) -> None:
        self._table = np.zeros((classes, classes), np.int64)

    def add(self, truth: Mask, mask: Mask) -> None:
        """Add one picture; pixels with 255 in the truth do not count."""
        classes, counted = len(self._table), truth != IGNORE
        pairs = classes * truth[counted].astype(np.int64) + mask[counted]
        self._table += np.bincount(pairs, minlength=classes**2).reshape(classes, classes)

    @property
    def same(self) -> float:
        """Share of pixels with equal classes."""
        return float(np.trace(self._table) / self._table.sum())

    @property
    def iou(self) -> float:
        """Mean over the affordances that occur in truth or mask."""
        union = (self._table.sum(0) + self._table.sum(1) - np.diag(self._table))[1:]
        return float((np.diag(self._table)[1:][union > 0] / union[union > 0]).mean())


class MaskCost(NamedTuple):
    """How the fast masks differ from the plain ones.

    Attributes:
        same_flow: Fast network, plain flow, against the plain pipeline.
        all: Fast network and flow, against the same.
        fast_truth: The fast pipeline against the labels of last frames; None if untrained.
        plain_truth: The plain pipeline against those labels.
        clips: Number of clips.
    """

    same_flow: Overlap
    all: Overlap
    fast_truth: Overlap | None
    plain_truth: Overlap | None
    clips: int


def compare_masks(clips: Sequence[Clip], weights: str, device: str) -> MaskCost:
    """Run the fast pipeline, the fast network on plain flow, and the plain pipeline on clips."""
    fast, same_flow, plain = (
        build_pipeline(weights, device, config) for config in (FAST, SAME_FLOW, PLAIN)
    )
    trained, classes = plain.card.trained, plain.labels.class_count
    cost = MaskCost(
        Overlap(classes),
        Overlap(classes),
        Overlap(classes) if trained else None,
        Overlap(classes) if trained else None,
        len(clips),
    )
    for clip in tqdm(clips, desc="masks", unit="clip"):
        for pipeline in (fast, same_flow, plain):
            pipeline.reset()
        for frame in clip.frames():
            expected, ours = plain.step(frame).mask, fast.step(frame).mask
            cost.same_flow.add(expected, same_flow.step(frame).mask)
            cost.all.add(expected, ours)
        truth = clip.labels(-1)
        if cost.fast_truth and cost.plain_truth and truth is not None:
            truth = plain.labels.ids_from(clip.info.labels)[truth]
            cost.fast_truth.add(truth, ours)
            cost.plain_truth.add(truth, expected)
    return cost


def compare_flow(folders: Sequence[Path], device: torch.device) -> dict[str, dict[str, float]]:
    """Return the mean 3D errors of fast and plain flow [mm], at half the size of the pictures.

    Args:
        folders: Rendered clips with true depth.
        device: Where both run.

    Returns:
        By ``fast`` and ``plain``, then by the part of the picture.
    """
    configs = {"fast": FlowConfig(), "plain": PLAIN_FLOW}
    sums = {name: RegionSums() for name in configs}
    for folder in tqdm(folders, desc="flow", unit="clip"):
        clip = load_clip(folder, "noisy")
        for name, config in configs.items():
            estimator = build_estimator(config, device)
            for k, frame in enumerate(clip.frames):
                flow = SceneFlow(*(part.cpu() for part in estimator.step(halve(frame, 1))))
                if k:
                    parts = {x: mask[::2, ::2] for x, mask in clip.regions[k - 1].items()}
                    parts["seen"] = parts["moving"] | parts["static"]
                    sums[name].add(flow, halved(clip.truths[k - 1]), parts)
    parts = ("seen", "static", "moving", "hand", "object")
    found = {name: each.summary() for name, each in sums.items()}
    return {
        name: {part: each[part]["epe3d_mm"] for part in parts if part in each}
        for name, each in found.items()
    }


def halved(truth: SceneFlow) -> SceneFlow:
    """Return true flow on the pixels that `halve` keeps: every second one."""
    return SceneFlow(
        truth.flow_px[:, ::2, ::2] / 2,
        truth.depth_change_m[::2, ::2],
        truth.motion_m[:, ::2, ::2],
        truth.valid[::2, ::2],
    )


def render(folder: Path, count: int) -> None:
    """Render clips of hands and objects with true motion.

    Raises:
        SourceError: Clips cannot be rendered here.
    """
    command = [sys.executable, "-m", "affordance_seg_ros.cli", "synth", "--out", str(folder)]
    command += ["--clips", str(count), "--seed", "100", "--split", "val", "--true-depth"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "".join(done.stderr.strip().splitlines()[-1:])
        raise SourceError(f"no clips could be rendered: {last}; expected OpenGL through EGL")


def document(masks: MaskCost, flow: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Return the figures as JSON values; None means not measured."""
    trained = masks.fast_truth is not None and masks.plain_truth is not None
    return {
        "clips": masks.clips,
        "same_flow": {"same_label": masks.same_flow.same, "iou": masks.same_flow.iou},
        "all": {"same_label": masks.all.same, "iou": masks.all.iou},
        "iou_with_truth": {
            "fast": masks.fast_truth.iou if masks.fast_truth else None,
            "plain": masks.plain_truth.iou if masks.plain_truth else None,
        },
        "iou_lost_percent": 100 * (masks.plain_truth.iou - masks.fast_truth.iou)
        if trained and masks.fast_truth and masks.plain_truth
        else None,
        "iou_lost_same_flow_percent": 100 * (1 - masks.same_flow.iou),
        "flow_mm": flow,
        "flow_worse_percent": 100 * (flow["fast"]["seen"] / flow["plain"]["seen"] - 1),
    }


def tables(found: dict[str, Any], weights: str, flow_name: str) -> str:
    """Return the figures as Markdown."""
    rows = [
        ("fast network, plain flow", *(100 * found["same_flow"][x] for x in ("same_label", "iou"))),
        (f"fast network, {flow_name}", *(100 * found["all"][x] for x in ("same_label", "iou"))),
    ]
    compared = f"masks of {weights} against the plain pipeline, {found['clips']} clips"
    headers = (compared, "same label [%]", "mean IoU [%]")
    truth = found["iou_with_truth"]
    with_truth = [
        (name, None if truth[name] is None else 100 * truth[name]) for name in ("plain", "fast")
    ]
    flow = found["flow_mm"]
    errors = [
        (part, flow["plain"][part], flow["fast"][part],
         100 * (flow["fast"][part] / flow["plain"][part] - 1))
        for part in flow["plain"]
    ]  # fmt: skip
    names = ("3D error of the flow [mm]", "primal_dual", flow_name, "worse by [%]")
    return "\n\n".join(
        (
            table(headers, rows),
            table(("masks of the last frames against the labels", "mean IoU [%]"), with_truth),
            table(names, errors),
        )
    )


def main(argv: list[str] | None = None) -> int:
    """Compare and print; return 0, or 2 if it cannot be measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--weights", default="", help="weight file; empty for the package's own")
    parser.add_argument("--clips", type=Path, help="folder of rendered clips; default: render some")
    parser.add_argument("--count", type=int, default=8, help="number of clips to render")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args(argv)
    try:
        device = resolve_device(arguments.device)
        with tempfile.TemporaryDirectory() as made:
            folder = arguments.clips or Path(made)
            if arguments.clips is None:
                render(folder, arguments.count)
            folders = sorted(path.parent for path in folder.glob("*/clip.json"))
            if not folders:
                raise SourceError(f"{folder} holds no clip; expected folders with clip.json")
            flow = compare_flow(folders, device)
            clips = [read_clip(path) for path in (_DEMO, *folders)]
            masks = compare_masks(clips, arguments.weights, str(device))
    except AffordanceError as error:
        print(f"accuracy_cost: {error}", file=sys.stderr)
        return 2
    found = document(masks, flow)
    if arguments.json:
        write_json(arguments.json, found)
    weights = arguments.weights or "the package's weights"
    print(tables(found, weights, estimator_name(FlowConfig(), device)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
