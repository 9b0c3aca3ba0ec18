# SPDX-License-Identifier: Apache-2.0
import weakref
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.sources.clip import ROLES, read_clip
from affordance_seg_ros.training.synthesis.catalogue import demonstrations
from affordance_seg_ros.training.synthesis.filming import film
from affordance_seg_ros.training.synthesis.gl_renderer import GlRenderer
from affordance_seg_ros.training.synthesis.production import make_clip
from affordance_seg_ros.training.synthesis.settings import SynthesisConfig, clip_name
from affordance_seg_ros.training.synthesis.sheet import draw_sheet, moments

CONFIG = SynthesisConfig(seed=4, width=96, height=72, frames=6, objects=("cup",), actions=("lift",))


@pytest.fixture(scope="module")
def renderer() -> Iterator[GlRenderer]:
    made = GlRenderer(96, 72)
    yield made
    made.close()


@pytest.fixture(scope="module")
def clip_folder(renderer: GlRenderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips") / "cup"
    make_clip(CONFIG, 0, folder, renderer)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_same_seed_makes_the_same_clip(
    renderer: GlRenderer, clip_folder: Path, tmp_path: Path
) -> None:
    make_clip(CONFIG, 0, tmp_path / "again", renderer)
    assert contents(tmp_path / "again") == contents(clip_folder)


def test_another_number_or_seed_makes_another_clip(
    renderer: GlRenderer, clip_folder: Path, tmp_path: Path
) -> None:
    make_clip(CONFIG, 1, tmp_path / "next", renderer)
    make_clip(replace(CONFIG, seed=5), 0, tmp_path / "seed", renderer)
    pictures = [contents(folder)["color/00000.jpg"] for folder in
                (clip_folder, tmp_path / "next", tmp_path / "seed")]  # fmt: skip
    assert len(set(pictures)) == 3


def test_a_clip_says_what_it_shows(clip_folder: Path) -> None:
    clip = read_clip(clip_folder)
    assert len(clip) == 6
    assert (clip.info.object_name, clip.info.action) == ("cup", "lift")
    assert (clip.info.source, clip.info.seed, clip.info.split) == ("rendered", 4, "train")
    assert np.allclose(np.diff(clip.stamps_ns), 1e8)


def test_labels_are_those_of_the_demonstration(clip_folder: Path) -> None:
    clip = read_clip(clip_folder)
    lift, grasp = clip.info.labels.label_id("lift"), clip.info.labels.label_id("grasp")
    assert set(np.unique(clip.label())) == {0, lift}
    assert np.array_equal(clip.labels(len(clip) - 1), clip.label())
    for index in range(len(clip)):
        labels, affordances, roles = (
            read(index) for read in (clip.labels, clip.affordances, clip.roles)
        )
        on_object = roles == ROLES.index("object")
        assert set(np.unique(affordances[on_object])) <= {lift, grasp}
        assert np.array_equal(labels > 0, on_object & (affordances == lift))
        assert np.array_equal(labels[labels > 0], affordances[labels > 0])


def test_every_frame_but_the_last_has_true_flow(clip_folder: Path) -> None:
    clip = read_clip(clip_folder)
    flows = [clip.flow(index) for index in range(len(clip))]
    assert all(flow is not None for flow in flows[:-1])
    assert flows[-1] is None
    moved = max(np.abs(flow.motion_m).max() for flow in flows[:-1] if flow is not None)
    assert moved > 0.02


def test_motion_leads_to_the_next_true_depth_unless_it_is_hidden_there(
    renderer: GlRenderer, tmp_path: Path
) -> None:
    config = replace(CONFIG, frames=5, moving_camera=True, true_depth=True)
    make_clip(config, 0, tmp_path / "clip", renderer)
    clip = read_clip(tmp_path / "clip")
    camera = clip.info.camera
    pixels = np.stack(np.meshgrid(np.arange(96), np.arange(72)), -1)
    depths_m = [clip.true_depth_m(index) for index in range(len(clip))]
    for index, (depth_m, next_m) in enumerate(pairwise(depths_m)):
        flow = clip.flow(index)
        there = camera.unproject(pixels, depth_m) + np.moveaxis(flow.motion_m, 0, 2)
        at = camera.project(there).astype(np.float32)
        inside = ((at >= 0) & (at <= (95, 71))).all(2)
        # Between pixels of a plane the inverse of its depth is even.
        taken = cv2.remap(1 / next_m, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        behind_mm = 1000 * (there[..., 2] - 1 / taken)
        visible, hidden = inside & ~flow.occluded, inside & flow.occluded
        assert visible.mean() > 0.8
        assert np.median(np.abs(behind_mm[visible])) < 0.2
        assert (behind_mm[visible] > 10).mean() < 0.05
        assert hidden.sum() > 100
        assert (behind_mm[hidden] > 1).mean() > 0.6


def test_no_more_than_a_few_frames_are_held(
    renderer: GlRenderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from affordance_seg_ros.training.synthesis import production

    seen: list[weakref.ref[np.ndarray]] = []
    most = 0

    def watched(*arguments: Any) -> Iterator[Any]:
        nonlocal most
        for frame in film(*arguments):
            seen.append(weakref.ref(frame.labels))
            most = max(most, sum(each() is not None for each in seen))
            yield frame

    monkeypatch.setattr(production, "film", watched)
    config = SynthesisConfig(width=96, height=72, frames=24)
    assert make_clip(config, 0, tmp_path / "clip", renderer) == []
    assert most <= 4


def test_without_flow_none_is_stored(renderer: GlRenderer, tmp_path: Path) -> None:
    config = SynthesisConfig(width=96, height=72, frames=4, true_flow=False, true_depth=True)
    make_clip(config, 0, tmp_path / "clip", renderer)
    clip = read_clip(tmp_path / "clip")
    assert clip.flow(0) is None
    assert clip.true_depth_m(0) is not None


def test_colour_can_be_black_where_there_is_no_depth(renderer: GlRenderer, tmp_path: Path) -> None:
    config = SynthesisConfig(width=96, height=72, frames=4, black_holes=True)
    make_clip(config, 0, tmp_path / "clip", renderer)
    frame = read_clip(tmp_path / "clip").frame(1)
    hole = frame.depth.raw == 0
    assert hole.any()
    assert frame.color[hole].mean() < 0.5 * frame.color[~hole].mean()


def test_a_sheet_shows_seven_moments(renderer: GlRenderer, tmp_path: Path) -> None:
    config = SynthesisConfig(width=96, height=72, frames=8)
    frames = make_clip(config, 2, tmp_path / "clip", renderer, moments(config.frames))
    sheet = draw_sheet(frames, read_clip(tmp_path / "clip").info.labels, "a clip")
    assert sheet.shape == (26 + 5 * 180, 7 * 240, 3)
    assert sheet.std() > 20


def test_objects_and_actions_are_shown_in_turn() -> None:
    config = SynthesisConfig(seed=3)
    shown = Counter(config.demonstration(index) for index in range(11 * 12))
    assert set(shown) == set(demonstrations())
    by_object = Counter(pair.object_name for pair in shown.elements())
    assert set(by_object.values()) == {12}
    assert clip_name(config, 7) != clip_name(config, 8)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"objects": ("axe",)}, "object 'axe'"),
        ({"actions": ("throw",)}, "action 'throw'"),
        ({"width": 321}, "even numbers"),
        ({"height": 4}, "height=4; expected 64 to 1440 px"),
        ({"frames": 1}, "frames=1"),
        ({"split": "dev"}, "split='dev'"),
        ({"sensor": "lidar"}, "sensor='lidar'"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_settings_that_cannot_be_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SynthesisConfig(**values)  # type: ignore[arg-type]
