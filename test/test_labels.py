# SPDX-License-Identifier: Apache-2.0
"""Label ids, names and colours."""

import numpy as np
import pytest

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.labels import BACKGROUND, IGNORE, SOR3D_AFF, LabelSet

LABELS = LabelSet()


def test_the_nine_affordances_have_ids_1_to_9_in_the_order_of_the_data_set():
    assert [LABELS.label_id(name) for name in SOR3D_AFF] == list(range(1, 10))
    assert (LABELS.label_id("cut"), LABELS.label_id("type")) == (1, 9)
    assert LABELS.class_count == 10


def test_actions_have_ids_from_0():
    assert [LABELS.action_id(name) for name in SOR3D_AFF] == list(range(9))


def test_name_undoes_label_id():
    for name in SOR3D_AFF:
        assert LABELS.name(LABELS.label_id(name)) == name
    assert LABELS.name(BACKGROUND) == "background"


@pytest.mark.parametrize("label_id", [-1, 10, IGNORE])
def test_unknown_id_names_the_range(label_id):
    with pytest.raises(ConfigError, match=f"label id {label_id}; expected 0 to 9"):
        LABELS.name(label_id)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ConfigError, match="affordance 'eat'; expected one of cut, grasp"):
        LABELS.label_id("eat")
    with pytest.raises(ConfigError, match="action 'eat'; expected one of cut, grasp"):
        LABELS.action_id("eat")


def test_every_label_has_a_color_of_its_own_and_the_rest_is_black():
    colors = LABELS.colors_rgb
    assert colors.shape == (256, 3)
    assert len(np.unique(colors[1:10], axis=0)) == 9
    assert not colors[0].any()
    assert not colors[10:].any()


def test_an_affordance_keeps_its_color_in_another_label_set():
    other = LabelSet(("type", "scoop", "cut"), ("stir",))
    np.testing.assert_array_equal(other.colors_rgb[1], LABELS.colors_rgb[9])
    np.testing.assert_array_equal(other.colors_rgb[3], LABELS.colors_rgb[1])
    assert other.colors_rgb[2].any()
    assert other.class_count == 4
    assert other.action_id("stir") == 0


def test_colors_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        LABELS.colors_rgb[0] = 1


def test_label_sets_are_equal_by_their_names():
    assert LabelSet() == LABELS
    assert LabelSet(("a",), ("b",)) != LABELS


@pytest.mark.parametrize("names", [(), ("a", "a"), ("a", "")])
@pytest.mark.parametrize("kind", ["affordances", "actions"])
def test_empty_or_repeated_names_are_refused(kind, names):
    with pytest.raises(ConfigError, match=f"{kind} .*expected unique, non-empty names"):
        LabelSet(**{kind: names})


def test_more_labels_than_a_byte_holds_are_refused():
    assert LabelSet(tuple(map(str, range(254)))).class_count == 255
    with pytest.raises(ConfigError, match="255 affordances; expected at most 254"):
        LabelSet(tuple(map(str, range(255))))
