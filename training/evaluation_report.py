# SPDX-License-Identifier: Apache-2.0
"""Everything that an evaluation writes to a folder."""

from pathlib import Path
from typing import Any

import cv2

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.evaluation.report import write_json
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.training.evaluate import Evaluation
from affordance_seg_ros.training.evaluation_pictures import draw_confusion, draw_examples
from affordance_seg_ros.training.tables import table_1, table_2, threshold_table


def write_report(
    out: Path, evaluation: Evaluation, labels: LabelSet, about: dict[str, Any], *, data: str
) -> dict[str, Any]:
    """Write `evaluation.json`, `tables.md`, `confusion.png` and `best_and_worst.png`.

    Args:
        out: Folder, created if missing.
        evaluation: The result.
        labels: Names and colours.
        about: What was evaluated on what; put in front of the JSON document.
        data: Name of the data for the tables.

    Returns:
        The document of `evaluation.json`.

    Raises:
        SourceError: The folder cannot be written to.
    """
    document = {**about, **evaluation.document()}
    pictures = {
        "confusion.png": draw_confusion(evaluation.video.actions.confusion, labels),
        "best_and_worst.png": draw_examples(evaluation.best, evaluation.worst, labels),
    }
    tables = (
        f"Table 1\n\n{table_1(document, data=data)}\n"
        f"Table 2\n\n{table_2(document)}\n"
        f"Video by threshold\n\n{threshold_table(document)}"
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "evaluation.json", document)
        (out / "tables.md").write_text(tables, encoding="utf-8")
        for name, picture in pictures.items():
            encoded = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
            (out / name).write_bytes(encoded.tobytes())
    except OSError as error:
        raise SourceError(f"{out}: cannot be written to ({error.strerror})") from None
    return document
