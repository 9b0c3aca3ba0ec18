# SPDX-License-Identifier: Apache-2.0
"""What a run logs: TensorBoard with pictures, and JSON lines of steps and validations."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from affordance_seg_ros.errors import TrainingError
from affordance_seg_ros.training.objective import Losses
from affordance_seg_ros.training.validation import Validation
from affordance_seg_ros.whole_file import whole_file

LOG_FILE = "log.jsonl"
_EVERY_STEPS = 10


class Logbook:
    """Logs of a run; a context manager.

    Args:
        out: Folder of the run.
        first_step: Step from which the run continues; what a killed run wrote after it is dropped.
        active: Whether anything is written: one process of many does so.
    """

    def __init__(self, out: Path, first_step: int, *, active: bool) -> None:
        self._out = out
        self._first_step = first_step
        self._active = active
        self._writer: Any = None

    def __enter__(self) -> "Logbook":
        if self._active:
            from torch.utils.tensorboard import SummaryWriter

            folder = self._out / "tensorboard"
            with _writing(folder):
                # This is the first step that is dropped, not the last one that stays.
                self._writer = SummaryWriter(str(folder), purge_step=self._first_step + 1)
            self._drop_later_lines()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def step(self, step: int, losses: Losses, rate: float) -> None:
        """Write the losses of every tenth step, and of the first."""
        if self._writer is None or (step % _EVERY_STEPS and step > 1):
            return
        values = {name: value.item() for name, value in losses._asdict().items()}
        for name, value in values.items():
            self._writer.add_scalar(f"loss/{name}", value, step)
        self._writer.add_scalar("learning_rate", rate, step)
        self._line({"step": step, "learning_rate": rate, **values})

    def validation(self, step: int, stage: str, seen: Validation) -> None:
        """Write the metrics of a validation, and its picture if it has one."""
        if self._writer is None:
            return
        document = seen.document()
        for name in ("iou", "f1", "action_accuracy"):
            if document[name] is not None:
                self._writer.add_scalar(f"validation/{stage}/{name}", document[name], step)
        for name, value in document["iou_by_class"].items():
            if value is not None:
                self._writer.add_scalar(f"validation/{stage}/iou/{name}", value, step)
        if seen.picture is not None:
            self._writer.add_image(f"predictions/{stage}", seen.picture, step, dataformats="HWC")
        self._writer.flush()
        self._line({"step": step, "stage": stage, "validation": document})

    def _drop_later_lines(self) -> None:
        """Cut an older log where the run continues, or from the first damaged line on."""
        path = self._out / LOG_FILE
        if not path.exists():
            return
        kept = []
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
            if not line.endswith("\n") or _step_of(line) > self._first_step:
                break
            kept.append(line)
        with whole_file(path, TrainingError) as file:
            file.write("".join(kept).encode())

    def _line(self, document: dict[str, Any]) -> None:
        path = self._out / LOG_FILE
        with _writing(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(document) + "\n")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TrainingError(
            f"{path} cannot be written: {error.strerror}; expected free space and write permission"
        ) from None


def _step_of(line: str) -> float:
    """Return the step that a line of the log belongs to; infinity if it states none."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, TypeError, KeyError):
        return math.inf
