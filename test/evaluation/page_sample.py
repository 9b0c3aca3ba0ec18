# SPDX-License-Identifier: Apache-2.0
"""A report page of made-up predictions, and what browsers would stumble over in it."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.evaluation.metrics import SegmentationMetrics
from affordance_seg_ros.evaluation.page_recorder import PageRecorder
from affordance_seg_ros.frames import Action, DepthImage, Prediction, RgbdFrame, StageTimes
from affordance_seg_ros.labels import LabelSet

VOID = {"meta", "img", "input", "link", "br", "hr"}
STEP_NS = 100_000_000
_SHAPE = (48, 64)


def predictions(labels: LabelSet, count: int) -> Iterator[tuple[RgbdFrame, Prediction]]:
    """Yield frames with random predictions."""
    random = np.random.default_rng(0)
    rows, columns = _SHAPE
    camera = Camera(columns, rows, 60, 60, 32, 24)
    depth = DepthImage(np.full(_SHAPE, 900, np.uint16), 1e-3)
    for index in range(count):
        color = random.integers(0, 256, (*_SHAPE, 3), np.uint8)
        scores = random.dirichlet(np.ones(len(labels.actions))).astype(np.float32)
        best = int(scores.argmax())
        mask = np.zeros(_SHAPE, np.uint8)
        mask[10:30, 5 + index % 20 : 30] = 1 + index % len(labels.affordances)
        yield (
            RgbdFrame(10**18 + index * STEP_NS, "camera", color, depth, camera),
            Prediction(
                stamp_ns=10**18 + index * STEP_NS,
                frame_id="camera",
                mask=mask,
                confidence=random.random(_SHAPE, np.float32),
                action=Action(best, labels.actions[best], float(scores[best]), scores),
                regions=(),
                flow_color=np.zeros((4, 4, 3), np.uint8),
                stages_ms=StageTimes(*random.random(4) * 10),
                reset_reason="",
            ),
        )


def write_sample(
    path: Path,
    *,
    labels: LabelSet | None = None,
    count: int = 40,
    labelled: bool = True,
    trained: bool = False,
    name: str = "sample",
    picture: np.ndarray | None = None,
) -> dict[str, Any]:
    """Write a page of `count` frames; return the summary that it shows."""
    labels = labels or LabelSet()
    page = PageRecorder(labels, labelled=labelled)
    metrics = SegmentationMetrics(labels)
    truth = np.zeros(_SHAPE, np.uint8)
    truth[10:30, 10:30] = 1
    truth[:5] = 255
    for frame, prediction in predictions(labels, count):
        if labelled:
            metrics.add(truth, prediction.mask)
        overlay = frame.color if picture is None else picture
        page.add(frame, prediction, truth if labelled else None, overlay)
    percentiles = {"p50": 1.0, "p95": 2.0, "p99": 3.0, "max": 4.0}
    summary = {
        "source": name,
        "frames_read": count + 1,
        "frames_processed": count,
        "frames_dropped": 1,
        "weights": {"name": name, "trained": trained},
        "stage_ms": {"network": percentiles, "total": percentiles},
        "action": {"predicted": labels.actions[0], "true": labels.actions[-1]},
        "labels_in_recording": count if labelled else 0,
        "metrics": metrics.result().document() if labelled else None,
    }
    page.write(path, summary, {"recording": name, "command": f"affordance-seg replay {name}"})
    return summary


class Outline(HTMLParser):
    """What a page consists of; raises on elements that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data
