# SPDX-License-Identifier: Apache-2.0
"""What cannot be measured is said, not left out."""

import json
from pathlib import Path

import all_tables
import targets


def test_a_section_that_fails_says_why_in_place_of_its_table(tmp_path: Path) -> None:
    section = all_tables.Section("broken", "", ("affordance-seg", "bench", "--network", "huge"))
    text = all_tables.measure(section, tmp_path)
    assert text.startswith("not measured: affordance-seg bench: network 'huge'")


def test_a_section_that_succeeds_is_what_its_command_prints(tmp_path: Path) -> None:
    program = "import pathlib, sys; print('| table |'); pathlib.Path(sys.argv[-1]).write_text('1')"
    section = all_tables.Section("whole", "", ("python", "-c", program))
    assert all_tables.measure(section, tmp_path) == "| table |"
    assert json.loads((tmp_path / "whole.json").read_text()) == 1


def test_the_table_of_contents_covers_both_networks_the_node_and_the_estimate() -> None:
    names = [section.name for section in all_tables.sections("cpu", 60, 8.0)]
    assert names == ["compact", "paper", "node", "accuracy", "jetson"]
    names = [section.name for section in all_tables.sections("cuda", 60, 8.0)]
    assert names == ["compact_gpu", "paper_gpu", "node_gpu", "accuracy_gpu", "jetson"]


def test_targets_are_met_missed_or_not_measured(tmp_path: Path) -> None:
    compact = {
        "frames_per_s_at_p95": 12.0,
        "baseline_ratio": 2.9,
    }
    (tmp_path / "compact.json").write_text(json.dumps(compact))
    accuracy = {
        "iou_lost_same_flow_percent": 0.1,
        "iou_lost_percent": None,
        "flow_worse_percent": 7.0,
    }
    (tmp_path / "accuracy.json").write_text(json.dumps(accuracy))
    rows = {(each.where, each.figure): each for each in targets.targets(tmp_path)}
    verdicts = [each.verdict for each in rows.values() if "compact" in each.where]
    assert verdicts == ["met", "missed"]
    verdicts = [each.verdict for each in rows.values() if each.where.endswith("plain on a CPU")]
    assert verdicts == ["met", "", "missed"]
    assert all(each.measured is None for each in rows.values() if "GPU" in each.where)
    assert "not measured" in targets.targets_table(tmp_path)
