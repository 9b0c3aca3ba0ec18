# SPDX-License-Identifier: Apache-2.0
import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from affordance_seg_ros.cli import main
from affordance_seg_ros.cli.synth import parse_size
from affordance_seg_ros.errors import ConfigError, DeviceError, SourceError
from affordance_seg_ros.sources.bag import open_recording
from affordance_seg_ros.sources.clip import ClipWriter, is_complete_clip, read_clip
from affordance_seg_ros.training.synthesis import batch as batch_module
from affordance_seg_ros.training.synthesis.batch import make_batch
from affordance_seg_ros.training.synthesis.batch_folder import SETTINGS_JSON, Batch
from affordance_seg_ros.training.synthesis.settings import SynthesisConfig

CONFIG = SynthesisConfig(seed=1, width=64, height=64, frames=4, objects=("can",))


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def clips(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


def leftovers(folder: Path) -> list[str]:
    kept = (SETTINGS_JSON, "sheets", ".lock")
    return sorted(path.name for path in folder.iterdir() if path.name not in kept)


def test_two_workers_make_what_one_makes(tmp_path: Path) -> None:
    for workers in (1, 2):
        batch = Batch(CONFIG, 2, tmp_path / str(workers), workers=workers)
        result = make_batch(batch, progress=False)
        assert (result.made, result.found) == (2, 0)
        assert result.peak_worker_mb > 50
    for one, two in zip(clips(tmp_path / "1"), clips(tmp_path / "2"), strict=True):
        assert one.name == two.name
        for path in one.rglob("*.*"):
            assert path.read_bytes() == (two / path.relative_to(one)).read_bytes()


def test_finished_clips_are_not_made_again(tmp_path: Path) -> None:
    out = tmp_path / "set"
    make_batch(Batch(CONFIG, 2, out), progress=False)
    first, second = clips(out)
    before = (first / "clip.json").stat().st_mtime_ns
    picture = (second / "color/00000.jpg").read_bytes()
    shutil.rmtree(second)
    result = make_batch(Batch(CONFIG, 3, out), progress=False)
    assert (result.made, result.found) == (2, 1)
    assert (first / "clip.json").stat().st_mtime_ns == before
    assert (second / "color/00000.jpg").read_bytes() == picture


def test_clips_that_get_no_sheet_are_told_of(tmp_path: Path) -> None:
    make_batch(Batch(CONFIG, 1, tmp_path), progress=False)
    result = make_batch(Batch(CONFIG, 2, tmp_path, sheets=True), progress=False)
    assert (result.made, result.found, result.without_sheet) == (1, 1, 1)


def test_clips_of_another_rendering_are_not_mixed(tmp_path: Path) -> None:
    make_batch(Batch(CONFIG, 1, tmp_path), progress=False)
    settings = json.loads((tmp_path / SETTINGS_JSON).read_text())
    del settings["rendering"]  # as an older release left it
    (tmp_path / SETTINGS_JSON).write_text(json.dumps(settings))
    with pytest.raises(ConfigError, match=r"rendering=5, but .* holds clips with rendering=1"):
        make_batch(Batch(CONFIG, 2, tmp_path), progress=False)


def test_bags_play_and_carry_their_labels(tmp_path: Path) -> None:
    batch = Batch(CONFIG, 1, tmp_path, storage="mcap", sheets=True)
    make_batch(batch, progress=False)
    (bag,) = (path for path in clips(tmp_path) if path.name != "sheets")
    assert list(bag.glob("*.mcap"))
    assert (bag / "label.png").is_file()
    assert len(list(open_recording(bag).frames())) == 4
    assert list((tmp_path / "sheets").glob("*.jpg"))
    assert make_batch(batch, progress=False).found == 1


def test_a_folder_of_other_settings_is_refused(tmp_path: Path) -> None:
    make_batch(Batch(CONFIG, 1, tmp_path), progress=False)
    with pytest.raises(ConfigError, match=r"seed=2, but .* holds clips with seed=1"):
        make_batch(Batch(replace(CONFIG, seed=2), 1, tmp_path), progress=False)
    with pytest.raises(ConfigError, match="format='mcap'"):
        make_batch(Batch(CONFIG, 1, tmp_path, storage="mcap"), progress=False)


def test_a_folder_older_than_a_setting_goes_on_with_its_default(tmp_path: Path) -> None:
    make_batch(Batch(CONFIG, 1, tmp_path), progress=False)
    settings = json.loads((tmp_path / SETTINGS_JSON).read_text())
    del settings["scenes"]
    (tmp_path / SETTINGS_JSON).write_text(json.dumps(settings))
    assert make_batch(Batch(CONFIG, 1, tmp_path), progress=False).found == 1
    with pytest.raises(ConfigError, match=r"scenes='wide', but .* holds clips with scenes='table'"):
        make_batch(Batch(replace(CONFIG, scenes="wide"), 1, tmp_path), progress=False)


def test_names_in_another_order_go_on_with_the_same_folder(tmp_path: Path) -> None:
    one = replace(CONFIG, objects=("can", "cup"), actions=("push", "lift"))
    other = replace(CONFIG, objects=("cup", "can", "cup"), actions=("lift", "push"))
    assert one == other
    make_batch(Batch(one, 1, tmp_path), progress=False)
    settings = json.loads((tmp_path / SETTINGS_JSON).read_text())
    settings["objects"].reverse()  # as an older release left them
    (tmp_path / SETTINGS_JSON).write_text(json.dumps(settings))
    assert make_batch(Batch(other, 1, tmp_path), progress=False).found == 1
    with pytest.raises(ConfigError, match=r"objects=\['can'\], but .* holds clips with objects="):
        make_batch(Batch(replace(other, objects=("can",)), 1, tmp_path), progress=False)


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("dear diary")
    with pytest.raises(SourceError, match="holds other files"):
        make_batch(Batch(CONFIG, 1, tmp_path), progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_something_in_the_place_of_a_clip_is_refused(tmp_path: Path) -> None:
    make_batch(Batch(CONFIG, 1, tmp_path), progress=False)
    (clip,) = clips(tmp_path)
    (clip / "clip.json").unlink()
    with pytest.raises(SourceError, match="is not a complete clip"):
        make_batch(Batch(CONFIG, 1, tmp_path), progress=False)


def test_damaged_settings_are_named(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_JSON).write_text("{")
    with pytest.raises(SourceError, match=r"synthesis\.json is damaged"):
        make_batch(Batch(CONFIG, 1, tmp_path), progress=False)


def test_an_unwritable_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="cannot write"):
        make_batch(Batch(CONFIG, 1, tmp_path / "file" / "out"), progress=False)


def test_too_little_space_is_said_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100, 99, 1))
    with pytest.raises(SourceError, match="0 MB free; expected about"):
        make_batch(Batch(CONFIG, 10, tmp_path), progress=False)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("storage", ["clip", "mcap"])
def test_a_disk_that_fills_up_leaves_no_half_written_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage: str
) -> None:
    def full(*_: Any, **__: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if storage == "clip":
        writes = []
        write = Path.write_bytes

        def fill_up(path: Path, data: bytes) -> int:
            writes.append(path)
            return full() if len(writes) > 9 else write(path, data)

        monkeypatch.setattr(Path, "write_bytes", fill_up)
    else:
        monkeypatch.setattr(batch_module, "write_clip_bag", full)
    with pytest.raises(SourceError, match=r"cannot write .*_can_.*No space left"):
        make_batch(Batch(CONFIG, 1, tmp_path, storage=storage), progress=False)
    assert leftovers(tmp_path) == []


def test_an_interrupted_clip_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ClipWriter, "set_label", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make_batch(Batch(CONFIG, 1, tmp_path), progress=False)
    assert leftovers(tmp_path) == []


def test_without_opengl_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise DeviceError("no OpenGL through EGL; install the packages libegl1")

    monkeypatch.setattr(batch_module, "open_context", missing)
    with pytest.raises(DeviceError, match="libegl1"):
        make_batch(Batch(CONFIG, 1, tmp_path / "out"), progress=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"clips": 0}, "clips=0; expected at least 1"),
        ({"workers": 0}, "workers=0; expected 1 to 256"),
        ({"storage": "zip"}, "format 'zip'; expected one of clip, mcap"),
    ],
)
def test_batches_that_cannot_be_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Batch(CONFIG, **{"clips": 1, "out": Path(), **values})


@pytest.mark.parametrize("text", ["320", "320x", "axb", "320x240x3", "-3x4", "320 x 240"])
def test_sizes_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="expected WIDTHxHEIGHT"):
        parse_size(text)


def test_sizes_are_width_by_height() -> None:
    assert parse_size("400x300") == (400, 300)


def test_the_command_makes_clips_and_tells_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "clips", tmp_path / "report.json"
    words = ["synth", "--out", str(out), "--clips", "1", "--size", "64x64", "--frames", "4",
             "--objects", "ball", "--actions", "push", "--sensor", "azure_kinect", "--quiet",
             "--json", str(report)]  # fmt: skip
    assert main(words) == 0
    (clip,) = clips(out)
    assert is_complete_clip(clip)
    assert read_clip(clip).info.extra["sensor"] == "azure_kinect"
    assert json.loads(report.read_text())["made"] == 1
    assert "1 clips made" in capsys.readouterr().out


def test_the_command_makes_what_its_flags_say(tmp_path: Path) -> None:
    flags = {"clips": 1, "size": "64x64", "seed": 7, "split": "val", "scenes": "wide", "frames": 5}
    words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    words += ["--moving-camera", "--black-holes", "--true-depth", "--no-true-flow", "--sheets"]
    out = tmp_path / "bags"
    assert main(["synth", "--out", str(out), "--format", "mcap", "--quiet", *words]) == 0
    settings = json.loads((out / SETTINGS_JSON).read_text())
    assert {name: settings[name] for name in ("seed", "split", "scenes", "frames", "format")} == {
        "seed": 7, "split": "val", "scenes": "wide", "frames": 5, "format": "mcap",
    }  # fmt: skip
    switches = ("moving_camera", "black_holes", "true_depth", "true_flow")
    assert [settings[name] for name in switches] == [True, True, True, False]
    assert len(list(out.glob("*/*.mcap"))) == len(list(out.glob("sheets/*.jpg"))) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--objects", "axe"], "object 'axe'; expected one of hammer"),
        (["--size", "big"], "size 'big'"),
        (["--size", "8x8"], "width=8; expected 64 to 1920 px"),
    ],
)
def test_the_command_refuses_bad_input_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["synth", "--out", str(tmp_path / "out"), *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
