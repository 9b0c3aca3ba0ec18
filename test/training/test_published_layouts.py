# SPDX-License-Identifier: Apache-2.0
"""What the published data sets have in common: each is recognised, and held out by its groups."""

from dataclasses import replace

import pytest
from tiny_clips import write_clips

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.training.datasets.check import check_data
from affordance_seg_ros.training.datasets.data_source import DataSource, detect_kind

LABELS = LabelSet()


@pytest.mark.parametrize("kind", ["sor3d", "umd", "iit", "utkinect"])
def test_a_layout_is_recognised_and_without_problems(kind, request):
    root = request.getfixturevalue(kind)
    report = check_data(root, LABELS, progress=False)
    assert report.kind.startswith(kind)
    assert report.problems == ()
    assert report.sequences > 0


@pytest.mark.parametrize(
    ("kind", "split", "group"),
    [("sor3d_aff", "train", "S01"), ("umd", "train", "mug_01"), ("utkinect", "", "s01")],
)
def test_what_is_held_out_is_a_subject_or_a_tool(request, kind, split, group):
    root = request.getfixturevalue(kind.removesuffix("_aff"))
    source = DataSource(kind=kind, root=str(root), split=split)
    sequences = source.scan(LABELS).sequences
    assert sequences[0].group == group
    held_out = [replace(source, part=part).scan(LABELS) for part in ("held_out", "kept")]
    groups = [{each.group for each in scan.sequences} for scan in held_out]
    assert groups[0] == {group}
    assert group not in groups[1]


def test_clips_in_a_folder_of_tools_are_clips(tmp_path, umd):
    assert detect_kind(umd) == "umd"
    write_clips(tmp_path / "own/tools", 1)
    assert detect_kind(tmp_path / "own") == "clips"


def test_a_folder_of_no_known_layout_is_refused(tmp_path):
    with pytest.raises(SourceError, match="is not a known data set; expected clips"):
        detect_kind(tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(SourceError, match="expected a folder"):
        DataSource("umd", str(tmp_path / "none")).scan(LABELS)
