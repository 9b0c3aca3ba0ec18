# SPDX-License-Identifier: Apache-2.0
"""Options: one place for default, range and description, and it is enforced."""

import dataclasses
from dataclasses import dataclass

import pytest

from affordance_seg_ros import config, node_config
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.options import OptionInfo, Options, option

ALL = (config.InputConfig, config.NetworkConfig, config.FlowConfig, config.PipelineConfig)
ALL += (node_config.NodeConfig,)


@dataclass(frozen=True)
class Inner(Options):
    """Options inside options."""

    gain: float = option(1.0, "Gain", minimum=0.0, maximum=2.0)


@dataclass(frozen=True)
class Example(Options):
    """One option of each type."""

    rate_hz: float = option(10.0, "Rate", unit="Hz", minimum=0.0, maximum=100.0, live=True)
    count: int = option(3, "Count", minimum=1)
    limit: float = option(0.5, "Limit", maximum=1.0)
    mode: str = option("fast", "Mode", choices=("fast", "exact"))
    names: tuple[str, ...] = option(("a", "b"), "Names")
    flag: bool = option(False, "Flag")
    inner: Inner = Inner()


def test_defaults_are_valid():
    for kind in (Example, *ALL):
        kind()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rate_hz": 100.1}, "rate_hz=100.1; expected 0 to 100 Hz"),
        ({"rate_hz": -0.1}, "rate_hz=-0.1; expected 0 to 100 Hz"),
        ({"rate_hz": float("nan")}, "rate_hz=nan; expected 0 to 100 Hz"),
        ({"count": 0}, "count=0; expected at least 1"),
        ({"limit": 2.0}, "limit=2.0; expected at most 1"),
        ({"mode": "slow"}, "mode='slow'; expected one of fast, exact"),
    ],
)
def test_values_outside_the_range_are_refused_with_the_range(values, message):
    with pytest.raises(ConfigError, match=message):
        Example(**values)
    with pytest.raises(ConfigError, match=message):
        Example.from_mapping(values)


def test_bounds_themselves_are_accepted():
    assert Example(rate_hz=0.0).rate_hz == 0
    assert Example(rate_hz=100.0).rate_hz == 100


def test_number_without_bounds_must_still_be_a_number():
    with pytest.raises(ConfigError, match="x=nan; expected a number"):
        OptionInfo("X").check("x", float("nan"))


@pytest.mark.parametrize("value", ["inf", "-inf"])
def test_number_without_bounds_must_still_be_finite(value):
    with pytest.raises(ConfigError, match=f"^color_mean={value}; expected a finite number$"):
        config.InputConfig(color_mean=(float(value), 0.0, 0.0))


def test_infinity_is_not_at_least_anything():
    with pytest.raises(ConfigError, match=r"std=inf; expected a finite number, at least 0\.001"):
        OptionInfo("Std", minimum=1e-3).check("std", (1.0, float("inf")))


def test_a_whole_number_too_large_for_a_float_is_a_number():
    OptionInfo("X").check("x", 10**400)


def test_every_item_of_a_list_is_checked():
    with pytest.raises(ConfigError, match=r"std=0\.0; expected at least 0\.1"):
        OptionInfo("Std", minimum=0.1).check("std", (1.0, 0.0))


def test_truth_values_have_no_range():
    OptionInfo("Flag", minimum=5).check("flag", True)


def test_from_mapping_takes_what_json_gives():
    example = Example.from_mapping(
        {"rate_hz": 5, "names": ["x"], "inner": {"gain": 2}, "flag": True}
    )
    assert example == Example(rate_hz=5.0, names=("x",), inner=Inner(gain=2.0), flag=True)
    assert isinstance(example.rate_hz, float)


def test_from_mapping_undoes_asdict():
    for kind in (Example, *ALL):
        assert kind.from_mapping(dataclasses.asdict(kind())) == kind()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"speed": 1}, "unknown option 'speed'; expected one of rate_hz, count"),
        ({"inner": {"gian": 1}}, "unknown option 'gian'; expected one of gain"),
        ({"inner": 3}, "inner=3; expected a mapping"),
        ({"count": 1.5}, "count=1.5 is of type float; expected int"),
        ({"count": True}, "count=True is of type bool; expected int"),
        ({"rate_hz": True}, "rate_hz=True is of type bool; expected float"),
        ({"rate_hz": "10"}, "rate_hz='10' is of type str; expected float"),
        ({"names": "ab"}, "names='ab' is of type str; expected tuple"),
        ({"flag": 1}, "flag=1 is of type int; expected bool"),
    ],
)
def test_wrong_names_and_types_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        Example.from_mapping(values)


def test_infos_list_options_in_order_and_nothing_else():
    assert list(Example.infos()) == ["rate_hz", "count", "limit", "mode", "names", "flag"]
    info = Example.infos()["rate_hz"]
    assert (info.description, info.unit, info.live) == ("Rate", "Hz", True)


@pytest.mark.parametrize("kind", ALL)
def test_every_option_says_what_it_is(kind):
    for field in dataclasses.fields(kind):
        if isinstance(getattr(kind(), field.name), Options):
            continue
        info = field.metadata["option"]
        assert info.description
        assert not info.description.endswith(".")
        value = getattr(kind(), field.name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        assert bool(info.accepted) or not is_number


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (config.InputConfig, {"depth_near_m": 2.0, "depth_far_m": 1.0}, "expected near below far"),
        (config.PipelineConfig, {"rate_hz": 0.5}, "a gap longer than the 2 s between frames"),
        (config.PipelineConfig, {"max_gap_s": 0.1}, "a gap longer than the 0.1 s between frames"),
        (config.InputConfig, {"color_mean": (0.5,)}, r"color_mean=\(0.5,\); expected 3 numbers"),
        (config.InputConfig, {"color_std": (0.5, 0.0, 0.5)}, "color_std=0.0; expected at least"),
        (config.NetworkConfig, {"affordances": ("a", "a")}, "expected unique, non-empty names"),
    ],
)
def test_options_that_contradict_each_other_are_refused(kind, values, message):
    with pytest.raises(ConfigError, match=message):
        kind(**values)
