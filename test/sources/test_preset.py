# SPDX-License-Identifier: Apache-2.0
"""A slip in a preset of one's own is one line that names the file."""

from pathlib import Path

import pytest

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.sources import preset
from affordance_seg_ros.sources.preset import preset_names, read_preset

GOOD = "frame: optical\nremappings:\n  color/image: rgb\ndriver: ros2 run x y\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(preset, "_FOLDERS", (tmp_path,))
    return tmp_path


def test_what_may_be_left_out_is_empty(folder: Path) -> None:
    (folder / "mine.yaml").write_text(f"# Mine\n{GOOD}parameters:\n")
    assert preset_names() == ("mine",)
    found = read_preset("mine")
    assert (found.base, dict(found.parameters)) == ("", {})
    assert found.recorded_topics() == {"color/image": "/rgb"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("frame:", "frme:"), "frame=None; expected a str"),
        (f"{GOOD}parameters: 3\n", "parameters=3; expected a dict"),
        (f"{GOOD}base: [\n", "is not YAML: "),
    ],
)
def test_a_slip_names_file_and_key(folder: Path, text: str, words: str) -> None:
    (folder / "mine.yaml").write_text(f"# Mine\n{text}")
    with pytest.raises(ConfigError, match=rf"mine\.yaml.*{words}") as caught:
        read_preset("mine")
    assert "\n" not in str(caught.value)
