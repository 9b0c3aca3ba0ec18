# SPDX-License-Identifier: Apache-2.0
"""Compare the depth of rendered clips with real sensors: holes, edges, flatness of planes.

python benchmarks/depth_realism.py --clips DIR --samples DIR --json out.json
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import AffordanceError, SourceError
from affordance_seg_ros.sources.clip import read_clip

Depth = npt.NDArray[np.float32]

WINDOW_RAD = 0.03
"""Windows in which planes are fitted: 3 cm wide at 1 m, whatever the resolution."""
JUMP_M = 0.05
NEAR_M, FAR_M = 0.4, 2.0


class DepthPicture(NamedTuple):
    """Depth [m] with 0 for none, focal length [px], and where it comes from."""

    source: str
    depth_m: Depth
    focal_px: float


class Realism(NamedTuple):
    """Figures of one picture.

    Attributes:
        invalid: Share of pixels without depth.
        edge_gap_mrad: Median width of the hole between front and back of a depth jump [mrad];
            0 where they touch.
        edge_gap_90_mrad: 90th percentile of the same.
        flatness_mm: Median residual of planes, for windows between 0.4 and 2 m.
        flatness_at_1m_mm: Median of residual / z², as noise grows with z².
    """

    invalid: float
    edge_gap_mrad: float
    edge_gap_90_mrad: float
    flatness_mm: float
    flatness_at_1m_mm: float


def measure(picture: DepthPicture) -> Realism:
    """Return the figures of a depth picture."""
    gaps = edge_gaps(picture.depth_m) / picture.focal_px * 1000
    depth_m, residual_mm = plane_residuals(picture)
    median, high = np.percentile(gaps, [50, 90]) if len(gaps) else (np.nan, np.nan)
    return Realism(
        float((picture.depth_m <= 0).mean()),
        float(median),
        float(high),
        float(np.median(residual_mm)),
        float(np.median(residual_mm / depth_m**2)),
    )


def edge_gaps(depth_m: Depth) -> npt.NDArray[np.int64]:
    """Return how many pixels without depth lie in each depth jump along the rows [px]."""
    gaps = []
    for row in depth_m:
        seen = np.flatnonzero(row > 0)
        jump = np.abs(np.diff(row[seen])) > JUMP_M
        gaps.append(np.diff(seen)[jump] - 1)
    return np.concatenate(gaps)


def plane_residuals(picture: DepthPicture) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return mean depth [m] and RMS distance from the best plane [mm] of windows on surfaces."""
    depth_m, focal = picture.depth_m.astype(np.float64), picture.focal_px
    size = max(5, round(WINDOW_RAD * focal)) | 1
    column, row = np.meshgrid(np.arange(size) - size // 2, np.arange(size) - size // 2)
    # On a plane, inverse depth is linear in the pixel coordinates.
    basis = np.stack([column.ravel(), row.ravel(), np.ones(size * size)], 1)
    away = np.eye(size * size) - basis @ np.linalg.pinv(basis)
    means, residuals = [], []
    height, width = depth_m.shape
    for top in range(0, height - size, size):
        for left in range(0, width - size, size):
            window = depth_m[top : top + size, left : left + size].ravel()
            mean = window.mean()
            if (window <= 0).any() or np.ptp(window) > JUMP_M or not NEAR_M < mean < FAR_M:
                continue
            off = away @ (1 / window) * mean**2
            means.append(mean)
            residuals.append(1000 * np.sqrt((off**2).sum() / (size * size - 3)))
    if not means:
        raise SourceError(f"{picture.source}: no surface between {NEAR_M} and {FAR_M} m")
    # The lower half: windows on one plane, not on curved objects.
    order = np.argsort(residuals)[: max(1, len(residuals) // 2)]
    return np.array(means)[order], np.array(residuals)[order]


def clip_pictures(folder: Path) -> Iterator[DepthPicture]:
    """Yield the middle frame of each clip, named by its sensor model."""
    for path in sorted(p.parent for p in folder.glob("*/clip.json")):
        clip = read_clip(path)
        frame = clip.frame(len(clip) // 2)
        name = f"rendered, {clip.info.extra.get('sensor', 'unknown')}"
        yield DepthPicture(name, np.nan_to_num(frame.depth.to_metres()), frame.camera.fx)


def sample_pictures(folder: Path) -> Iterator[DepthPicture]:
    """Yield those of the real pictures that the samples folder holds."""
    for path in sorted(folder.glob("posecnn_tabletop_stills/*-depth.png")):
        yield DepthPicture("real, PoseCNN stills (Kinect-like)", _png(path, 1e4), 1066.8)
    for path in sorted(folder.glob("pcl_openni_3frames/*_depth.tiff")):
        yield DepthPicture("real, PCL (OpenNI, structured light)", _png(path, 1e3), 525.0)
    for path in sorted(folder.glob("open3d_redwood_5frames/TUM_depth.png")):
        yield DepthPicture("real, TUM (Kinect v1)", _png(path, 5e3), 525.0)
    for path in sorted(folder.glob("azure_kinect_mug/*.mkv")):
        from pyk4a import PyK4APlayback

        playback = PyK4APlayback(path)
        playback.open()
        depth = playback.get_next_capture().depth
        playback.close()
        yield DepthPicture("real, Azure Kinect", depth.astype(np.float32) / 1000, 504.6)


def _png(path: Path, units_per_m: float) -> Depth:
    raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if raw is None:
        raise SourceError(f"{path} cannot be read as a picture")
    return raw.astype(np.float32) / np.float32(units_per_m)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=Path, required=True, help="folder of rendered clips")
    parser.add_argument("--samples", type=Path, required=True, help="folder of real samples")
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args(argv)
    found: dict[str, list[Realism]] = {}
    try:
        for pictures in (clip_pictures(arguments.clips), sample_pictures(arguments.samples)):
            for picture in pictures:
                found.setdefault(picture.source, []).append(measure(picture))
    except AffordanceError as error:
        print(f"depth_realism: {error}", file=sys.stderr)
        return 2
    report = {}
    for source, figures in sorted(found.items()):
        mean = Realism(*np.nanmean(np.array(figures), 0).tolist())
        report[source] = {"pictures": len(figures), **mean._asdict()}
        print(f"{source}: {json.dumps(report[source])}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
