# SPDX-License-Identifier: Apache-2.0
"""The paper's tables with our figures next to the paper's, as Markdown."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

Evaluations: TypeAlias = Sequence[Mapping[str, Any]]
"""Documents of `training.evaluate.Evaluation`, one for each seed."""


class PaperRow(NamedTuple):
    """A row of the paper's tables 1 and 3 on SOR3D-AFF; None where it gives no figure."""

    iou: float
    f1: float
    weighted_f: float | None


PAPER_VIDEO = PaperRow(0.72, 0.80, 0.81)
PAPER_STATIC = PaperRow(0.54, 0.58, 0.59)
AFFORDANCENET_STATIC = PaperRow(0.56, 0.62, 0.62)
PAPER_IOU_VIDEO = MappingProxyType(
    {
        "cut": 0.45, "grasp": 0.87, "hammer": 0.74, "lift": 0.91, "paint": 0.69, "push": 0.78,
        "rotate": 0.73, "squeeze": 0.67, "type": 0.62,
    }
)  # fmt: skip
PAPER_IOU_STATIC = MappingProxyType(
    {
        "cut": 0.34, "grasp": 0.65, "hammer": 0.58, "lift": 0.69, "paint": 0.51, "push": 0.61,
        "rotate": 0.56, "squeeze": 0.51, "type": 0.39,
    }
)  # fmt: skip
PAPER_TABLE_3 = MappingProxyType(
    {
        "rgb": PaperRow(0.62, 0.73, None),
        "rgb_attention": PaperRow(0.65, 0.77, None),
        "rgb_attention_flow2d": PaperRow(0.66, 0.78, None),
        "rgbd": PaperRow(0.64, 0.77, None),
        "rgbd_attention": PaperRow(0.70, 0.79, None),
        "rgbd_attention_flow3d": PaperRow(0.72, 0.80, None),
    }
)
"""Rows of table 3 by the names of `affordance_seg_ros.model.variants`."""


def table_1(evaluation: Mapping[str, Any], *, data: str) -> str:
    """Return table 1: the whole method on video and on static images.

    Args:
        evaluation: Document of `training.evaluate.Evaluation`.
        data: Name of the data that were evaluated.
    """
    rows = [
        ("AffordanceNet, static image (paper)", "SOR3D-AFF", *AFFORDANCENET_STATIC),
        ("RGB-D + attention + 3D flow, static image (paper)", "SOR3D-AFF", *PAPER_STATIC),
        ("RGB-D + attention + 3D flow, video (paper)", "SOR3D-AFF", *PAPER_VIDEO),
    ]
    for name, key in (("static image", "static"), ("video", "video")):
        scores = evaluation[key]
        rows.append(
            (f"these weights, {name}", data, scores["iou_mean"], scores["f1_mean"],
             scores["fw_margolin"])
        )  # fmt: skip
    text = _table(("", "data", "IoU", "F1", "weighted F"), rows)
    return (
        f"{text}\n\nThe paper's last column cannot be reproduced from the class weights that it "
        "states; ours is Margolin's measure with β² = 1.\n"
    )


def table_2(evaluation: Mapping[str, Any]) -> str:
    """Return table 2: the IoU of every affordance.

    Args:
        evaluation: Document of `training.evaluate.Evaluation`.
    """
    names = list(evaluation["video"]["per_class"])
    rows: list[tuple[Any, ...]] = []
    for title, paper in (("video", PAPER_IOU_VIDEO), ("static", PAPER_IOU_STATIC)):
        rows.append((f"paper, {title}", *(paper.get(name) for name in names), None))
        scores = evaluation[title]
        rows.append(
            (
                f"these weights, {title}",
                *(scores["per_class"][name]["iou"] for name in names),
                scores["action_top1"],
            )
        )
    return _table(("IoU", *names, "action top-1"), rows) + "\n"


def threshold_table(evaluation: Mapping[str, Any]) -> str:
    """Return what `min_confidence` gains and loses, on video.

    Args:
        evaluation: Document of `training.evaluate.Evaluation`.
    """
    names = ("iou", "f1", "precision", "recall", "unmarked")
    header = ("`min_confidence`", "IoU", "F1", "precision", "recall", "clips without a mark")
    rows = [
        (f"{each['min_confidence']:g}", *(each[name] for name in names))
        for each in evaluation["video_by_threshold"]
    ]
    return _table(header, rows) + "\n"


def table_3(rows: Mapping[str, Evaluations], data: str) -> str:
    """Return table 3: what each part of the method is worth, on video.

    Args:
        rows: Evaluations, one for each seed, by the names of `model.variants`; a row without any
            is left blank.
        data: Name of the data that were evaluated.
    """
    lines = [
        (name, paper.iou, paper.f1, *_over_seeds(rows.get(name, ())))
        for name, paper in PAPER_TABLE_3.items()
    ]
    header = ("video", "IoU, paper", "F1, paper", *_measured(data))
    return _table(header, lines) + "\n"


def one_by_one(rows: Mapping[str, Evaluations], data: str) -> str:
    """Return the table of networks that differ from the first in one thing, on video.

    Args:
        rows: Evaluations, one for each seed, by the names of the rows.
        data: Name of the data that were evaluated.
    """
    lines = [(name, *_over_seeds(evaluations)) for name, evaluations in rows.items()]
    return _table(("video", *_measured(data)), lines) + "\n"


def _measured(data: str) -> tuple[str, ...]:
    return (f"IoU, {data}", f"F1, {data}", "action top-1", "seeds")


def _over_seeds(evaluations: Evaluations) -> tuple[Any, ...]:
    """Return what `_measured` names: means, with the standard deviation where there are several."""
    scores = [each["video"] for each in evaluations]
    names = ("iou_mean", "f1_mean", "action_top1")
    return (*(_spread([each[name] for each in scores]) for name in names), len(scores))


def _spread(values: Sequence[float | None]) -> Any:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return known[0] if known else None
    return f"{mean(known):.3f} ± {stdev(known):.3f}"


def _table(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
