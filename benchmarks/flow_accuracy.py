# SPDX-License-Identifier: Apache-2.0
"""Measure scene flow: end-point errors against camera poses, time, and a still scene.

python benchmarks/flow_accuracy.py --sequence DIR --json out.json
python benchmarks/flow_accuracy.py --clips DIR --json out.json
"""

import argparse
import json
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from clip_flow import DEPTHS, RegionSums, load_clip
from endpoint_error import EndpointError, endpoint_error, mean_error
from posed_sequence import Sequence, halve, load_sequence
from tqdm import tqdm

from affordance_seg_ros.config import FlowConfig, InputConfig
from affordance_seg_ros.errors import AffordanceError, SourceError
from affordance_seg_ros.flags import HelpFormatter
from affordance_seg_ros.flow.colorize import colorize
from affordance_seg_ros.flow.estimator import FlowInput, build_estimator
from affordance_seg_ros.flow.incremental import PrimalDualFlow
from affordance_seg_ros.frames import SceneFlow

SETTINGS = {
    "primal_dual": FlowConfig(estimator="primal_dual", warm_iterations=0),
    "dis": FlowConfig(estimator="dis"),
    "primal_dual_warm": FlowConfig(estimator="primal_dual"),
}
CLIP_SETTINGS = {name: SETTINGS[name] for name in ("dis", "primal_dual_warm")}
"""What the node may run; cold starts at every pair take three times as long."""

GRAY_NOISE = 2.0
"""Standard deviation of the still scene's brightness noise, in grey levels of 255."""


class PairResult(NamedTuple):
    """One pair: its flow, how long it took, and how it was solved (None for DIS)."""

    flow: SceneFlow
    ms: float
    pixel_iterations: int | None
    warm: bool | None


def run_stream(
    frames: list[FlowInput], config: FlowConfig, device: torch.device
) -> list[PairResult]:
    """Estimate the flow of consecutive frames as on a live stream."""
    estimator = build_estimator(config, device)
    estimator.step(frames[0])
    results = []
    for frame in frames[1:]:
        _wait_for(device)
        start = time.perf_counter()
        flow = estimator.step(frame)
        _wait_for(device)
        ms = 1000 * (time.perf_counter() - start)
        work = estimator.work if isinstance(estimator, PrimalDualFlow) else None
        flow = SceneFlow(*(part.cpu() for part in flow))
        results.append(PairResult(flow, ms, work and work.pixel_iterations, work and work.warm))
    return results


def measure(
    sequence: Sequence, config: FlowConfig, device: torch.device, repeats: int
) -> dict[str, Any]:
    """Return errors and times of one setting; for a warm one, without its cold pairs."""
    runs = [run_stream(sequence.frames, config, device) for _ in range(1 + repeats)]
    timed = runs[1:] or runs  # the first run warms up caches and allocators
    pairs: list[dict[str, Any]] = []
    errors: list[EndpointError] = []
    for k, result in enumerate(runs[0]):
        detail: dict[str, Any] = {"pair": [k, k + 1]}
        if sequence.truths is not None:
            errors.append(endpoint_error(result.flow, sequence.truths[k]))
            detail |= errors[-1]._asdict()
        if result.warm is not None:
            detail |= {"warm": result.warm, "pixel_iterations": result.pixel_iterations}
        detail["ms"] = statistics.median(run[k].ms for run in timed)
        pairs.append(detail)
    only_warm = config.estimator == "primal_dual" and config.warm_iterations > 0
    chosen = [k for k, pair in enumerate(pairs) if pair.get("warm") or not only_warm]
    times = [run[k].ms for run in timed for k in chosen]
    summary: dict[str, Any] = {}
    if errors and chosen:
        summary |= mean_error(errors[k] for k in chosen)._asdict()
    if times:
        summary |= {"ms_per_pair": statistics.median(times), "ms_range": [min(times), max(times)]}
    return summary | {"pairs": pairs}


def measure_still(
    frame: FlowInput, halvings: int, config: FlowConfig, device: torch.device
) -> dict[str, float]:
    """Return the mean motion found between two noisy pictures of one frame.

    Source of the depth noise:
        Nguyen, Izadi, Lovell, "Modeling Kinect sensor noise for improved 3D reconstruction and
        tracking", 3DIMPVT 2012: σ = 1.2 mm + 1.9 mm (Z/m - 0.4)², here with steps of 1 mm.
    """
    random = np.random.default_rng(0)
    frames = [halve(_with_noise(frame, random), halvings) for _ in range(2)]
    flow = run_stream(frames, config, device)[0].flow
    return {
        "mean_flow_px": float(flow.flow_px.norm(dim=0).mean()),
        "mean_motion_mm": 1000 * float(flow.motion_m.norm(dim=0)[flow.valid].mean()),
    }


def _with_noise(frame: FlowInput, random: np.random.Generator) -> FlowInput:
    gray, depth_m = frame.gray.numpy(), frame.depth_m.numpy()
    gray = (gray + GRAY_NOISE * random.standard_normal(gray.shape)).round().clip(0, 255)
    sigma_m = 0.0012 + 0.0019 * (depth_m - 0.4) ** 2
    noisy_m = (depth_m + sigma_m * random.standard_normal(gray.shape)).round(3)
    return frame._replace(
        gray=torch.from_numpy(gray.astype(np.float32)),
        depth_m=torch.from_numpy(np.where(depth_m > 0, noisy_m, 0).astype(np.float32)),
    )


def with_exposure_jumps(frames: list[FlowInput], gain: float) -> list[FlowInput]:
    """Multiply the brightness of every second frame, rounded and saturated as in a camera."""
    gains = [gain if k % 2 else 1.0 for k in range(len(frames))]
    return [
        frame._replace(
            gray=(frame.gray * factor).round().clamp(0, 255) if factor != 1 else frame.gray
        )
        for frame, factor in zip(frames, gains, strict=True)
    ]


def write_pictures(
    sequence: Sequence, settings: dict[str, FlowConfig], folder: Path, device: torch.device
) -> None:
    """Write each pair's brightness and its flow in the three encodings, for every setting."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, config in settings.items():
        for k, result in enumerate(run_stream(sequence.frames, config, device)):
            tiles = [(sequence.frames[k].gray / 255).expand(3, -1, -1)]
            for encoding in ("signed", "stretched", "viewer"):
                tiles.append(colorize(result.flow, InputConfig(flow_encoding=encoding), mode="3d"))
            rgb = torch.cat(tiles, 2).mul(255).byte().permute(1, 2, 0).numpy()
            cv2.imwrite(str(folder / f"{sequence.name}_{name}_{k}.png"), rgb[..., ::-1])


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--sequence", type=Path, help="RGB-D recording with poses")
    what.add_argument("--clips", type=Path, help="folder of rendered clips with true depth")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of the coloured flow")
    parser.add_argument("--halvings", type=int, default=1, help="how often to halve the pictures")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs, after a first one")
    parser.add_argument("--threads", type=int, default=2, help="threads of PyTorch and OpenCV")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--still", action="store_true", help="also measure a noisy still scene")
    parser.add_argument(
        "--gain", type=float, default=1.0, help="exposure factor of every second frame"
    )
    parser.add_argument(
        "--plain-brightness", action="store_true", help="do not normalise the exposure"
    )
    parser.add_argument("--without-truth", action="store_true", help="measure time only")
    return parser.parse_args(argv)


def measure_clips(
    folders: list[Path], depth: str, settings: dict[str, FlowConfig], device: torch.device
) -> dict[str, Any]:
    """Return errors over moving and static pixels, hand, object and occlusions, by setting."""
    sums = {name: RegionSums() for name in settings}
    for folder in tqdm(folders, desc=depth, unit="clip", disable=None):
        clip = load_clip(folder, depth)
        for name, config in settings.items():
            results = run_stream(clip.frames, config, device)
            for result, truth, regions in zip(results, clip.truths, clip.regions, strict=True):
                sums[name].add(result.flow, truth, regions)
    return {name: region_sums.summary() for name, region_sums in sums.items()}


def run_clips(arguments: argparse.Namespace, device: torch.device) -> int:
    """Measure all clips of a folder with noisy and clean depth; return the exit code."""
    folders = sorted(path.parent for path in arguments.clips.glob("*/clip.json"))
    try:
        if not folders:
            raise SourceError(f"{arguments.clips} holds no clip; expected folders with clip.json")
        report: dict[str, Any] = {
            depth: measure_clips(folders, depth, CLIP_SETTINGS, device) for depth in DEPTHS
        }
    except AffordanceError as error:
        print(f"flow_accuracy: {error}", file=sys.stderr)
        return 2
    report["clips"] = len(folders)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    for depth in DEPTHS:
        for name, regions in report[depth].items():
            print(f"{depth} {name}: {json.dumps(regions)}")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    arguments = _arguments(argv)
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    device = torch.device(arguments.device)
    if arguments.clips:
        return run_clips(arguments, device)
    try:
        sequence = load_sequence(
            arguments.sequence,
            halvings=arguments.halvings,
            with_truth=not arguments.without_truth,
        )
        original = load_sequence(arguments.sequence, halvings=0, with_truth=False).frames[0]
    except AffordanceError as error:
        print(f"flow_accuracy: {error}", file=sys.stderr)
        return 2
    sequence = sequence._replace(frames=with_exposure_jumps(sequence.frames, arguments.gain))
    settings = {
        name: replace(config, normalize_exposure=not arguments.plain_brightness)
        for name, config in SETTINGS.items()
    }
    report: dict[str, Any] = {}
    for name, config in tqdm(settings.items(), desc=sequence.name, unit="setting", disable=None):
        report[name] = measure(sequence, config, device, arguments.repeats)
        if arguments.still:
            report[name]["still"] = measure_still(original, arguments.halvings, config, device)
    camera = sequence.frames[0].camera
    report["setting"] = {
        "sequence": sequence.name,
        "size": [camera.width, camera.height],
        "device": str(device),
        "threads": arguments.threads,
        "gain": arguments.gain,
        "normalize_exposure": not arguments.plain_brightness,
        "torch": torch.__version__,
        "opencv": cv2.__version__,
    }
    if arguments.pictures:
        write_pictures(sequence, settings, arguments.pictures, device)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    for name in settings:
        figures = {key: value for key, value in report[name].items() if key != "pairs"}
        print(f"{name}: {json.dumps(figures)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
