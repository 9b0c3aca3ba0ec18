# SPDX-License-Identifier: Apache-2.0
"""What weights mark on single real pictures: a sheet to look at, as nobody has labelled them.

Each column is a picture: the still pictures of PoseCNN's demo (``NNNNNN-color.png``,
``NNNNNN-depth.png``), and the first frame of each recording. Each row is a minimum confidence.
Every picture starts a new stream, as nothing moves in it.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.errors import AffordanceError, SourceError
from affordance_seg_ros.evaluation.bench.markdown import table
from affordance_seg_ros.frames import DepthImage, Prediction, RgbdFrame
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.pipeline.overlay import draw_overlay
from affordance_seg_ros.pipeline.streaming import build_pipeline
from affordance_seg_ros.sources.bag import open_recording
from affordance_seg_ros.training.datasets.picture_file import read_color, read_depth_mm

Picture = npt.NDArray[np.uint8]

POSECNN_CAMERA = Camera(640, 480, 1066.778, 1067.487, 312.9869, 241.3109)
POSECNN_METRES_PER_UNIT = 1e-4
_TILE_HEIGHT = 240
_QUALITY = (cv2.IMWRITE_JPEG_QUALITY, 88)


def stills(folder: Path) -> Iterator[tuple[str, RgbdFrame]]:
    """Yield name and frame of each still picture.

    Raises:
        SourceError: There is none, or one is missing or damaged.
    """
    colors = sorted(folder.glob("*-color.png"))
    if not colors:
        raise SourceError(f"{folder} holds no still picture; expected NNNNNN-color.png")
    for number, path in enumerate(colors):
        name = path.name.removesuffix("-color.png")
        depth = DepthImage(
            read_depth_mm(path.with_name(f"{name}-depth.png")), POSECNN_METRES_PER_UNIT
        )
        yield name, RgbdFrame(number, "camera", read_color(path), depth, POSECNN_CAMERA)


def first_frame(path: Path) -> tuple[str, RgbdFrame]:
    """Return name and first frame of a recording.

    Raises:
        SourceError: It cannot be read, or holds no frame.
    """
    for frame in open_recording(path).frames():
        return path.stem, frame
    raise SourceError(f"{path} holds no frame")


def shares(prediction: Prediction, labels: LabelSet) -> str:
    """Return the affordances of a mask with their shares of the picture, the largest first."""
    pixels = np.bincount(prediction.mask.ravel(), minlength=labels.class_count)[1:]
    marked = sorted(zip(pixels / prediction.mask.size, labels.affordances, strict=True))[::-1]
    return ", ".join(f"{name} {share:.1%}" for share, name in marked if share) or "nothing"


def sheet(
    weights: str, frames: Sequence[tuple[str, RgbdFrame]], confidences: Sequence[float]
) -> tuple[Picture, list[list[object]]]:
    """Return the (H, W, 3) RGB sheet, and a row of its table for each of its pictures.

    Raises:
        CheckpointError: The weights cannot be loaded.
    """
    lines: list[Picture] = []
    rows: list[list[object]] = []
    for confidence in confidences:
        pipeline = build_pipeline(weights, "auto", PipelineConfig(min_confidence=confidence))
        tiles = []
        for name, frame in frames:
            pipeline.reset()
            prediction = pipeline.step(frame)
            drawn = draw_overlay(
                frame.color, prediction, pipeline.labels, trained=pipeline.card.trained
            )
            width = round(_TILE_HEIGHT * drawn.shape[1] / drawn.shape[0])
            tiles.append(cv2.resize(drawn, (width, _TILE_HEIGHT), interpolation=cv2.INTER_AREA))
            action = f"{prediction.action.name} {prediction.action.score:.2f}"
            rows.append([name, confidence, shares(prediction, pipeline.labels), action])
        lines.append(np.hstack(tiles))
    return np.vstack(lines), rows


def main(argv: Sequence[str] | None = None) -> int:
    """Draw; return the exit code: 2 if something cannot be read or written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stills", type=Path, nargs="*", default=[], help="folders of pictures")
    parser.add_argument("--recordings", type=Path, nargs="*", default=[], help="recordings")
    parser.add_argument("--weights", default="parts", help="weight file, or the package's by name")
    parser.add_argument("--min-confidence", type=float, nargs="+", default=[0.75, 0.0])
    parser.add_argument("--out", type=Path, required=True, help="picture to write")
    arguments = parser.parse_args(argv)
    try:
        frames = [each for folder in arguments.stills for each in stills(folder)]
        frames += [first_frame(path) for path in arguments.recordings]
        if not frames:
            parser.error("no pictures; expected --stills or --recordings")
        drawn, rows = sheet(arguments.weights, frames, arguments.min_confidence)
    except AffordanceError as error:
        print(error, file=sys.stderr)
        return 2
    if not cv2.imwrite(str(arguments.out), cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR), _QUALITY):
        print(f"{arguments.out} cannot be written", file=sys.stderr)
        return 2
    print(table(("picture", "--min-confidence", "marked", "action"), rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
