# SPDX-License-Identifier: Apache-2.0
from dataclasses import fields, replace

import pytest

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.model.variants import table_3
from affordance_seg_ros.training import ablation
from affordance_seg_ros.training.ablation import (
    chosen,
    rows_of_attention,
    rows_of_open_choices,
    rows_of_table_3,
)
from affordance_seg_ros.training.objective import freeze
from affordance_seg_ros.training.run_config import parse_run, read_run


def test_rows_differ_by_the_network_and_only_those_with_flow_learn_motion():
    run = read_run("ablation")
    for name, row in rows_of_table_3(run).items():
        assert row.network == table_3(run.network)[name]
        freeze(AffordanceNetwork(row.network), row.stages[-1].frozen)  # knows all parts
        learned = [stage.name for stage in row.stages]
        motion = ["motion"] if "flow" in name else []
        assert learned == ["parts", *motion, "last_frame"]


def test_each_open_choice_changes_one_option_of_the_run():
    run = read_run("ablation")
    rows = rows_of_open_choices(run)
    full = rows.pop("rgbd_attention_flow3d")
    assert full == rows_of_table_3(run)["rgbd_attention_flow3d"]
    for name, row in rows.items():
        changed = {
            f"{part}.{each.name}"
            for part in ("network", "input")
            for each in fields(getattr(run, part))
            if getattr(getattr(row, part), each.name) != getattr(getattr(run, part), each.name)
        }
        if name in ("flow_stretched", "flow_viewer"):
            changed -= {"network.center_flow"}
        assert len(changed) == 1, name
        assert row.stages == run.stages


@pytest.mark.parametrize("name", ["ablation", "default", "fine_tune", "paper", "quick"])
@pytest.mark.parametrize("rows_of", [rows_of_table_3, rows_of_open_choices, rows_of_attention])
def test_no_two_rows_are_the_same_and_the_run_s_own_choice_is_one_row(name, rows_of):
    run = read_run(name)
    rows = list(rows_of(run).values())
    assert all(rows.index(row) == index for index, row in enumerate(rows))
    assert run in rows


def test_what_the_paper_says_is_compared_with_what_it_leaves_open():
    assert list(rows_of_open_choices(read_run("paper")))[1:] == [
        "flow_signed", "flow_viewer", "attention_softmax_max", "attention_sigmoid",
        "skips_appearance", "sequence_of_5",
    ]  # fmt: skip


def test_some_rows_are_chosen_by_name_in_the_order_of_the_table():
    rows = rows_of_table_3(read_run("ablation"))
    assert chosen(rows, ()) == rows
    assert list(chosen(rows, ("rgbd", "rgb"))) == ["rgb", "rgbd"]
    with pytest.raises(ConfigError, match="row 'rgbe'; expected one of rgb, rgb_attention, "):
        chosen(rows, ("rgb", "rgbe"))


def test_of_many_processes_the_first_alone_evaluates_and_writes(tmp_path, monkeypatch):
    class Second:
        is_global_zero = False

        def broadcast(self, value):
            return value

    trained = []
    monkeypatch.setattr(ablation, "build_fabric", lambda precision: Second())
    monkeypatch.setattr(ablation, "train", lambda run, *_, **__: trained.append(run.name))
    run = parse_run(read_run("ablation").to_yaml(), ["initialise={}"])
    assert ablation.run_ablation(run, tmp_path, names=["rgb", "rgbd"]) == {}
    assert trained == ["ablation-rendered-rgb", "ablation-rendered-rgbd"]
    assert not any(tmp_path.iterdir())


def test_attention_is_taken_away_with_and_without_the_action_context():
    run = read_run("ablation")
    networks = [row.network for row in rows_of_attention(run).values()]
    assert [(each.attention, each.action_context) for each in networks] == [
        (True, True), (False, True), (True, False), (False, False),
    ]  # fmt: skip
    for each in networks:
        assert replace(each, attention=True, action_context=True) == run.network
