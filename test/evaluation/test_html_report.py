# SPDX-License-Identifier: Apache-2.0
import json
import re
from pathlib import Path

import numpy as np
import pytest
from page_sample import Outline, write_sample

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.labels import LabelSet

HOSTILE = "</title></script><script>fetch('//evil')</script><img src=x onerror=alert(1)>\"'&$title"
_MIB = 1 << 20


@pytest.fixture
def page(tmp_path: Path) -> str:
    write_sample(tmp_path / "report.html")
    return (tmp_path / "report.html").read_text()


def embedded(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found is not None
    return json.loads(found[1])


@pytest.mark.parametrize("labelled", [True, False])
def test_the_page_is_well_formed_and_its_ids_are_unique(tmp_path: Path, labelled: bool) -> None:
    write_sample(tmp_path / "report.html", labelled=labelled)
    outline = Outline((tmp_path / "report.html").read_text())
    assert len(outline.ids) == len(set(outline.ids))
    images = [name for tag, name, _ in outline.attributes if tag == "img"]
    assert images.count("alt") == images.count("src") > 0


def test_the_page_asks_nobody_for_anything(page: str) -> None:
    outline = Outline(page)
    for tag, name, value in outline.attributes:
        assert name not in ("href", "srcset", "action", "formaction", "data", "poster"), tag
        if name == "src":
            assert value.startswith("data:image/jpeg;base64,")
    assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttp|WebSocket", page)
    assert "default-src 'none'" in page


def test_every_frame_of_a_short_run_is_in_the_film(page: str) -> None:
    data = embedded(page)
    assert [still["frame"] for still in data["stills"]] == list(range(40))
    assert data["frames"] == 40
    assert data["stills"][10]["seconds"] == 1.0


def test_the_page_shows_the_scores_of_the_summary(tmp_path: Path) -> None:
    summary = write_sample(tmp_path / "report.html")
    text = Outline((tmp_path / "report.html").read_text()).text
    for scores in summary["metrics"].values():
        if isinstance(scores, dict):
            assert f"{scores['mean']:.3f}" in text
    assert "Lowest IoU" in text
    assert "type (true)" in text


def test_without_labels_the_page_says_so_and_shows_slow_and_doubtful_frames(tmp_path: Path) -> None:
    write_sample(tmp_path / "report.html", labelled=False)
    text = Outline((tmp_path / "report.html").read_text()).text
    assert "The recording has no labels" in text
    assert "Slowest" in text
    assert "Least confident" in text


@pytest.mark.parametrize("trained", [True, False])
def test_untrained_weights_are_announced_above_all_else(tmp_path: Path, trained: bool) -> None:
    write_sample(tmp_path / "report.html", trained=trained)
    text = Outline((tmp_path / "report.html").read_text()).text
    assert ("UNTRAINED WEIGHTS" in text.partition("Overlay")[0]) is not trained


def test_names_from_outside_stay_text(tmp_path: Path) -> None:
    labels = LabelSet((HOSTILE, "grasp"), (HOSTILE, "lift"))
    write_sample(tmp_path / "report.html", name=HOSTILE, labels=labels)
    text = (tmp_path / "report.html").read_text()
    outline = Outline(text)
    assert outline.text.count(HOSTILE) >= 5
    assert not any(name.startswith("on") for _, name, _ in outline.attributes)
    assert text.count("<script") == 2
    assert any(HOSTILE in still["caption"] for still in embedded(text)["stills"])


def test_a_long_run_of_noisy_pictures_stays_within_four_mebibytes(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    write_sample(tmp_path / "report.html", count=700, labelled=False, picture=picture)
    text = (tmp_path / "report.html").read_text()
    assert len(text) < 4 * _MIB
    assert f"{len(embedded(text)['stills'])} of 700 frames" in text


def test_one_frame_is_a_page_too(tmp_path: Path) -> None:
    write_sample(tmp_path / "report.html", count=1)
    assert len(embedded((tmp_path / "report.html").read_text())["stills"]) == 1


def test_a_page_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(SourceError, match=r"report.html: cannot be written"):
        write_sample(tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
