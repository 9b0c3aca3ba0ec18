# SPDX-License-Identifier: Apache-2.0
import pytest

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.labels import IGNORE, LabelSet
from affordance_seg_ros.training.datasets.label_map import LABEL_MAPS, LabelMap, read_label_map

LABELS = LabelSet()


def test_umd_pounding_becomes_hammering():
    table = read_label_map("umd_to_sor3d").table(LABELS)
    assert table[5] == LABELS.label_id("hammer")


def test_umd_grasp_and_wrap_grasp_become_the_same():
    table = read_label_map("umd_to_sor3d").table(LABELS)
    assert table[1] == table[7] == LABELS.label_id("grasp")


def test_what_has_no_counterpart_is_ignored():
    assert read_label_map("umd_to_sor3d").table(LABELS)[4] == IGNORE


def test_ids_that_no_name_belongs_to_are_ignored():
    assert read_label_map("umd_to_sor3d").table(LABELS)[8] == IGNORE


def test_background_stays_background():
    assert read_label_map("iit_aff_to_sor3d").table(LABELS)[0] == 0


@pytest.mark.parametrize("path", sorted(LABEL_MAPS.glob("*_to_sor3d.yaml")), ids=lambda p: p.stem)
def test_every_map_to_sor3d_names_affordances_of_it(path):
    read_label_map(path).table(LABELS)


@pytest.mark.parametrize("name", ["umd", "iit_aff"])
def test_own_names_keep_their_ids(name):
    label_map = read_label_map(name)
    table = label_map.table(LabelSet(affordances=label_map.affordances))
    assert list(table[: len(label_map.affordances) + 1]) == list(
        range(len(label_map.affordances) + 1)
    )


def test_same_names_change_nothing():
    table = LabelMap.same_names(LABELS).table(LABELS)
    assert list(table[:10]) == list(range(10))


@pytest.mark.parametrize("reverse", [False, True])
def test_the_order_of_a_map_s_names_says_nothing(reverse):
    pairs = [("chop", "cut"), ("hold", "grasp"), ("contain", "ignore")]
    names = dict(reversed(pairs) if reverse else pairs)
    table = LabelMap(tuple(names), names, {}).of(("chop", "contain", "hold"), (), LABELS)
    assert list(table.table(LABELS)[:4]) == [0, 1, IGNORE, LABELS.label_id("grasp")]


def test_a_name_that_a_map_forgets_is_named():
    names = {"chop": "cut", "hold": "grasp"}
    with pytest.raises(ConfigError, match="has no entry for 'contain'"):
        LabelMap(tuple(names), names, {}).of(("chop", "contain"), (), LABELS).table(LABELS)


def test_actions_that_a_map_does_not_speak_of_keep_their_names():
    silent = LabelMap((), {}, {}).of((), ("cut", "stir"), LABELS)
    assert (silent.action("cut", LABELS), silent.action("stir", LABELS)) == ("cut", "")
    spoken = LabelMap((), {}, {"stir": "rotate"}).of((), ("cut", "stir"), LABELS)
    assert (spoken.action("cut", LABELS), spoken.action("stir", LABELS)) == ("", "rotate")


def test_a_target_that_the_run_does_not_know_is_named():
    with pytest.raises(ConfigError, match="'stir'; expected one of cut"):
        LabelMap(("scoop",), {"scoop": "stir"}, {}).table(LABELS)


def test_a_label_without_a_target_is_named():
    with pytest.raises(ConfigError, match="has no entry for 'scoop'"):
        LabelMap(("scoop",), {}, {}).table(LABELS)


def test_an_action_to_an_unknown_name_is_refused():
    with pytest.raises(ConfigError, match="'stir'"):
        LabelMap((), {}, {"mix": "stir"}).action("mix", LABELS)


def test_an_action_that_is_not_mapped_is_unknown():
    assert LabelMap((), {}, {}).action("mix", LABELS) == ""


def test_a_missing_map_names_those_there_are():
    with pytest.raises(ConfigError, match="umd_to_sor3d"):
        read_label_map("sor4d")


def test_a_file_without_affordances_is_refused(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text("actions: {}")
    with pytest.raises(ConfigError, match="expected a mapping 'affordances'"):
        read_label_map(path)


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text("affordances: {")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_label_map(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "cannot be read"),
        (b"affordances: [cut]\n", "expected a mapping 'affordances'"),
        (b"affordances: {chop: cut}\nactions: [cut]\n", "one 'actions' if it maps these too"),
    ],
)
def test_a_file_that_is_no_map_is_refused(tmp_path, content, words):
    path = tmp_path / "map.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        read_label_map(path)
