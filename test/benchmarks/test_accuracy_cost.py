# SPDX-License-Identifier: Apache-2.0
"""How far fast masks and flow are from the plain ones."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import accuracy_cost
import numpy as np
import pytest
import torch
from posed_sequence import halve, rigid_flow

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.flow.flow_input import FlowInput


def test_a_mask_overlaps_itself_wholly_and_another_in_part() -> None:
    truth = np.uint8([[0, 0, 1, 1], [0, 0, 1, 255]])
    overlap = accuracy_cost.Overlap(4)
    overlap.add(truth, np.where(truth == 255, 3, truth).astype(np.uint8))
    assert overlap.same == overlap.iou == 1  # 255 does not count, absent classes neither
    overlap = accuracy_cost.Overlap(4)
    overlap.add(truth, np.uint8([[0, 0, 1, 2], [0, 0, 1, 0]]))
    assert overlap.same == pytest.approx(6 / 7)
    assert overlap.iou == pytest.approx((2 / 3 + 0) / 2)  # of the affordances alone


def test_halved_truth_lies_on_the_pixels_of_halved_frames() -> None:
    """A wall that moves towards the camera: its flow is linear in the pixel."""
    camera = Camera(64, 48, 60.0, 60.0, 31.0, 22.0)
    frame = FlowInput(torch.zeros(48, 64), torch.full((48, 64), 1.5), camera)
    closer = np.eye(4)
    closer[:3, 3] = (0.01, 0.0, -0.05)
    fine = accuracy_cost.halved(rigid_flow(frame, closer))
    coarse = rigid_flow(halve(frame, 1), closer)
    both = fine.valid & coarse.valid
    assert both.float().mean() > 0.8
    torch.testing.assert_close(fine.flow_px[:, both], coarse.flow_px[:, both])
    torch.testing.assert_close(fine.motion_m[:, both], coarse.motion_m[:, both])


def test_masks_meet_each_other_at_every_frame_and_the_labels_at_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of two clips of three frames; the fast pipeline errs in the first, the plain in the last."""
    truth = np.uint8([[0, 1]])
    masks = {
        accuracy_cost.FAST: [1 - truth, truth, truth],
        accuracy_cost.SAME_FLOW: [truth, truth, 1 - truth],
        accuracy_cost.PLAIN: [truth, truth, 1 - truth],
    }

    class ScriptedPipeline:
        card = SimpleNamespace(trained=True)
        labels = SimpleNamespace(class_count=2, ids_from=lambda _: np.arange(256, dtype=np.uint8))

        def __init__(self, script: Any) -> None:
            self.script, self.frame = script, 0

        def reset(self) -> None:
            self.frame = 0

        def step(self, _: Any) -> Any:
            self.frame += 1
            return SimpleNamespace(mask=self.script[self.frame - 1])

    monkeypatch.setattr(
        accuracy_cost, "build_pipeline", lambda _, __, config: ScriptedPipeline(masks[config])
    )
    info = SimpleNamespace(labels=None)
    clip = SimpleNamespace(frames=lambda: [None] * 3, labels={-1: truth}.get, info=info)
    cost = accuracy_cost.compare_masks([clip, clip], "", "cpu")
    assert cost.clips == 2
    assert cost.same_flow.same == 1
    assert cost.all.same == pytest.approx(1 / 3)
    assert (cost.fast_truth.iou, cost.plain_truth.iou) == (1, 0)


def test_clips_that_are_not_there_are_named(tmp_path: Path, capsys) -> None:
    assert accuracy_cost.main(["--device", "cpu", "--clips", str(tmp_path)]) == 2
    assert "holds no clip; expected folders with clip.json" in capsys.readouterr().err
