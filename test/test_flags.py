# SPDX-License-Identifier: Apache-2.0
import argparse
from dataclasses import dataclass

import pytest

from affordance_seg_ros.flags import HelpFormatter, add_options, as_help
from affordance_seg_ros.options import Options, option


@dataclass(frozen=True)
class Oven(Options):
    heat: str = option("low", "Heat of the oven", choices=("low", "high"))
    time_s: float = option(2.5, "Time in the oven", unit="s", minimum=0.0, maximum=3600.0)
    cakes: int = option(1, "DIY cakes", minimum=1, maximum=1_000_000)
    recipe: str = option("", "Recipe; empty improvises")
    light: bool = option(False, "Light the inside")


@pytest.fixture
def help_text() -> str:
    parser = argparse.ArgumentParser(formatter_class=HelpFormatter)
    parser.add_argument("--quiet", action="store_true", help="bake silently")
    parser.add_argument("--out", help="shelf")
    parser.add_argument("--guests", type=int, default=0, help="guests")
    parser.add_argument("--friends", nargs="+", default=[], help="friends")
    add_options(parser.add_argument_group("oven"), Oven)
    return " ".join(parser.format_help().split())


@pytest.mark.parametrize(
    "words",
    [
        "--guests GUESTS guests (default: 0)",
        "oven: --heat {low,high} heat of the oven (default: low)",
        "--time-s FLOAT time in the oven [0 to 3600 s] (default: 2.5)",
        "--cakes INT DIY cakes [1 to 1000000] (default: 1)",
        "--light, --no-light light the inside (default: False)",
    ],
)
def test_a_flag_is_told_with_what_it_accepts_and_its_default(help_text: str, words: str) -> None:
    assert words in help_text


@pytest.mark.parametrize("words", ["bake silently", "shelf", "friends", "recipe; empty improvises"])
def test_of_a_flag_that_is_off_or_empty_no_default_is_told(help_text: str, words: str) -> None:
    assert words in help_text
    assert f"{words} (default" not in help_text


def test_a_description_loses_its_capital_and_an_acronym_does_not() -> None:
    assert as_help("Rate of frames") == "rate of frames"
    assert as_help("DIS optical flow") == "DIS optical flow"
    assert as_help("") == ""
