# SPDX-License-Identifier: Apache-2.0
"""The tutorial and the README do what they say."""

import json
import re
import shlex
from pathlib import Path

import cv2
import pytest

from affordance_seg_ros.cli import main
from affordance_seg_ros.labels import SOR3D_AFF

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs/tutorials/bag_to_report.md").read_text()
README = (ROOT / "README.md").read_text()


def test_its_commands_and_its_code_lead_from_a_recording_to_a_mask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = re.search(r"^affordance-seg (replay my_bag .*)$", PAGE, re.M)
    code = re.search(r"```python\n(.*?)```", PAGE, re.S)
    assert command is not None
    assert code is not None
    (tmp_path / "my_bag").symlink_to(ROOT / "data/demo_clip")
    monkeypatch.chdir(tmp_path)
    # Two frames a second suffice.
    assert main([*shlex.split(command[1]), "--quiet", "--rate-hz", "2"]) == 0
    named = re.findall(r"`([\w./]+)`", PAGE.partition("| in `results/` |")[2].partition("\n\n")[0])
    assert len(named) == 6
    for name in named:
        assert list((tmp_path / "results").glob(name.replace("STAMP", "*")))
    found: dict = {}
    exec(code[1], found)
    assert found["mask"].shape == found["where_to_grasp"].shape == (240, 320)


@pytest.mark.parametrize("page", [PAGE, README], ids=["tutorial", "README"])
def test_labels_are_named_by_their_ids(page: str) -> None:
    ids = ", ".join(f"{index} {name}" for index, name in enumerate(("background", *SOR3D_AFF)))
    assert ids in " ".join(page.split())


def test_the_readme_s_two_lines_lead_to_masks_that_show_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = re.search(r"^affordance-seg (replay my_bag .*)$", README, re.M)
    assert command is not None
    (tmp_path / "my_bag").symlink_to(ROOT / "data/demo_clip")
    monkeypatch.chdir(tmp_path)
    assert main([*shlex.split(command[1]), "--quiet", "--rate-hz", "2"]) == 0
    masks = [cv2.imread(str(path), -1) for path in (tmp_path / "results/masks").glob("*.png")]
    assert masks
    assert max(mask.max() for mask in masks) > 0
    assert (tmp_path / "results/report.html").exists()


def test_the_weights_say_of_the_demo_s_clip_what_the_readme_tells(tmp_path: Path) -> None:
    page = " ".join(README.split())
    told = re.search(r"hammer's IoU is ([\d.]+) there. The mean of ([\d.]+) is over", page)
    assert told is not None
    assert "eight frames show grasp" in page
    clip = str(ROOT / "data/demo_clip")
    assert main(["replay", clip, "--out", str(tmp_path), "--quiet"]) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["action"] == {"predicted": "hammer", "true": "hammer"}
    found = summary["metrics"]["iou"]
    # Other arithmetic, another CPU's say, moves borders.
    assert found["by_class"]["hammer"] == pytest.approx(float(told[1]), abs=0.03)
    assert found["mean"] == pytest.approx(float(told[2]), abs=0.03)
    predictions = (tmp_path / "predictions.jsonl").read_text().splitlines()
    assert 5 <= sum("grasp" in json.loads(line)["labels"] for line in predictions) <= 9
