# SPDX-License-Identifier: Apache-2.0
"""What somebody gets who knows all of a last frame but the action."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import still_limit

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.evaluation.metrics import SegmentationMetrics
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.sources.clip import Clip, ClipInfo, ClipWriter, read_clip

LABELS = LabelSet()
GRASP, LIFT = (LABELS.label_id(name) for name in ("grasp", "lift"))


@pytest.fixture
def cups(tmp_path: Path) -> list[Clip]:
    """Three cups of a handle and a body of twice its size: one is grasped, two are lifted."""
    return [
        cup(tmp_path / f"cup_{index}", action)
        for index, action in enumerate(("grasp", "lift", "lift"))
    ]


def cup(folder: Path, action: str, name: str = "cup") -> Clip:
    camera = Camera(32, 24, 30.0, 30.0, 15.5, 11.5)
    parts = np.zeros((24, 32), np.uint8)
    parts[4:8, 4:6], parts[4:8, 6:10] = GRASP, LIFT
    parts[12:20, 20:28] = LIFT  # another cup, which nobody touches
    roles = np.where(parts > 0, 2, 0).astype(np.uint8)
    roles[4:8, 4:10] = 1
    label = np.where((roles == 1) & (parts == LABELS.label_id(action)), parts, 0).astype(np.uint8)
    with ClipWriter(folder, ClipInfo(name, action, "rendered", camera)) as writer:
        color, depth = np.zeros((24, 32, 3), np.uint8), np.full((24, 32), 1000, np.uint16)
        writer.add_frame(0, color, depth, labels=label, affordances=parts, roles=roles)
        writer.set_label(label)
        writer.set_affordances(parts)
    return read_clip(folder)


def test_the_commonest_action_with_the_object_is_guessed_and_drawn(cups: list[Clip]) -> None:
    found = still_limit.measure(cups)["commonest"]
    assert found["action_top1"] == pytest.approx(2 / 3)
    lifted = 32 / (32 + 16)  # two bodies right, a third where a handle was grasped
    assert found["iou_mean"] == pytest.approx((lifted + 0) / 2)


def test_the_best_guess_is_the_best_of_all_of_one_action_for_each_object(tmp_path: Path) -> None:
    shown = ["grasp", "lift", "lift", "push", "grasp"]
    clips = [cup(tmp_path / f"{i}", action, f"cup {i % 2}") for i, action in enumerate(shown)]
    found = still_limit.measure(clips)
    every = []
    for rule in itertools.product(("grasp", "lift"), ("lift", "push")):
        masks = SegmentationMetrics(LABELS)
        for index, clip in enumerate(clips):
            masks.add(clip.label(), still_limit.guessed_mask(clip, rule[index % 2]))
        every.append(masks.result().iou.mean)
    assert found["best"]["iou_mean"] == pytest.approx(max(every))
    assert found["best"]["iou_mean"] > min(every)


def test_a_guess_marks_the_used_object_alone(cups: list[Clip]) -> None:
    grasped, lifted, _ = cups
    assert (still_limit.guessed_mask(lifted, "lift") == lifted.label()).all()
    assert (still_limit.guessed_mask(grasped, "lift") == lifted.label()).all()
    pushed = still_limit.guessed_mask(grasped, "push")
    assert ((pushed > 0) == (lifted.label() > 0)).all()


def test_a_folder_without_clips_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert still_limit.main([str(tmp_path / "none")]) == 2
    assert f"no clip in {tmp_path / 'none'}" in capsys.readouterr().err
