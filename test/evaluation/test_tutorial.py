# SPDX-License-Identifier: Apache-2.0
"""The tutorial does what it says."""

import re
import shlex
from pathlib import Path

import pytest

from affordance_seg_ros.cli import main
from affordance_seg_ros.labels import SOR3D_AFF

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs/tutorials/bag_to_report.md").read_text()


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


def test_it_names_the_labels_by_their_ids() -> None:
    ids = ", ".join(f"{index} {name}" for index, name in enumerate(("background", *SOR3D_AFF)))
    assert ids in PAGE


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)", PAGE))
def test_its_links_lead_somewhere(link: str) -> None:
    assert (ROOT / "docs/tutorials" / link).exists()
