# SPDX-License-Identifier: Apache-2.0
"""The subcommands train, evaluate and export, as a user calls them."""

import json
import os
import shutil
from pathlib import Path

import pytest
from tiny_clips import LABELS, write_clips

from affordance_seg_ros.cli import main
from affordance_seg_ros.model.checkpoint import load_checkpoint
from affordance_seg_ros.model.fingerprint import fingerprint
from affordance_seg_ros.training import long_stream

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("AFFORDANCE_SHARED_DATA", ROOT.parent / "shared/data"))
REAL = SHARED / "azure_kinect_mug/recording.mkv"


@pytest.fixture
def acted(tmp_path):
    """A folder of one clip of four frames, which is acted in from the first to the third."""
    root = write_clips(tmp_path / "clips", 1, split="val")
    info = root / "val_000/clip.json"
    info.write_text(json.dumps({**json.loads(info.read_text()), "interaction": [0, 2]}))
    return root


@pytest.fixture
def parts(tmp_path):
    """A folder of one clip that shows what every part affords, and demonstrates nothing."""
    root = write_clips(tmp_path / "clips", 1, split="val")
    shutil.rmtree(root / "val_000/labels")
    (root / "val_000/label.png").unlink()
    return root


def test_training_leaves_its_result_as_json(weights):
    result = json.loads(weights.with_name("result.json").read_text())
    assert result["weights"] == str(weights)
    assert result["card"]["recipe"]["hours"] >= 0


def test_a_sound_data_set_is_counted(clips, tmp_path, capsys):
    result = tmp_path / "data.json"
    assert main(["train", "--check-data", str(clips), "--quiet", "--json", str(result)]) == 0
    assert "clips: 12 sequences, 48 frames, 48 labelled" in capsys.readouterr().out
    assert json.loads(result.read_text())["actions"] == {"lift": 4, "push": 4, "grasp": 4}


def test_data_are_checked_with_the_label_map_that_is_named(clips, tmp_path, capsys):
    label_map = tmp_path / "mine.yaml"
    names = ("cut", "grasp", "hammer", "lift", "paint", "push", "rotate", "squeeze", "type")
    to = {name: "hold" if name == "grasp" else "ignore" for name in names}
    label_map.write_text(f"affordances: {json.dumps(to)}\nactions: {{grasp: hold}}\n")
    run = ["--set", "network.affordances=[hold]", "network.actions=[hold]", "--quiet"]
    words = ["train", "--check-data", str(clips), "--label-map", str(label_map), *run]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "pixels hold" in said
    assert "pixels grasp" not in said
    assert main(["train", "--label-map", "umd"]) == 2
    assert "--label-map umd without --check-data" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["clip.json", "color/00001.jpg", "depth/00002.png", "label.png"])
def test_every_damaged_file_is_named(tmp_path, capsys, name):
    root = write_clips(tmp_path / "clips", 2)
    (root / "train_001" / name).write_bytes(b"damaged")
    # The label of the last frame is only looked at where it has no label among those of all frames.
    shutil.rmtree(root / "train_001/labels")
    assert main(["train", "--check-data", str(root), "--quiet"]) == 2
    assert name in capsys.readouterr().err


def test_clips_of_another_rate_than_the_robot_s_are_a_problem(tmp_path, capsys):
    root = write_clips(tmp_path / "clips", 1)
    path = root / "train_000/clip.json"
    clip = json.loads(path.read_text())
    clip["stamps_ns"] = [stamp // 3 for stamp in clip["stamps_ns"]]
    path.write_text(json.dumps(clip))
    assert main(["train", "--check-data", str(root), "--quiet"]) == 2
    assert "train_000: frames are 0.033 s apart; expected 0.1 s" in capsys.readouterr().err


def test_no_data_set_is_one_clear_line(tmp_path, capsys):
    assert main(["train", "--check-data", str(tmp_path)]) == 2
    assert "is not a known data set; expected clips" in capsys.readouterr().err


def test_a_run_that_does_not_exist_is_one_clear_line(capsys):
    assert main(["train", "--config", "fast"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_evaluation_writes_all_its_files(weights, clips, tmp_path, capsys):
    arguments = ["--data", str(clips), "--weights", str(weights), "--out", str(tmp_path), "--quiet"]
    result = tmp_path / "copy.json"
    assert main(["evaluate", *arguments, "--json", str(result)]) == 0
    document = json.loads(result.read_text())
    assert document["clips"] == 3
    assert document["weights"]["fingerprint"] == fingerprint(
        load_checkpoint(weights, "cpu").network
    )
    low, high = document["video"]["interval_95"]["action_top1"]
    assert f"action {document['video']['action_top1']:.3f} ({low:.3f} to {high:.3f})" in (
        capsys.readouterr().out
    )
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {"evaluation.json", "tables.md", "confusion.png", "best_and_worst.png"}


def test_an_evaluation_says_what_decided_its_figures(weights, clips, tmp_path, capsys):
    arguments = ["--data", str(clips), "--weights", str(weights), "--out", str(tmp_path), "--quiet"]
    options = ["--limit", "1", "--flow-estimator", "primal_dual", "--flow-budget", "0.5"]
    assert main(["evaluate", *arguments, *options]) == 0
    document = json.loads((tmp_path / "evaluation.json").read_text())
    assert (document["limit"], document["clips"], document["flow"]["budget"]) == (1, 1, 0.5)
    assert document["network"]
    assert "(no range)" in capsys.readouterr().out  # one clip tells nothing of others


def test_a_negative_number_of_clips_or_frames_is_refused(clips, tmp_path, capsys):
    assert main(["evaluate", "--data", str(clips), "--limit", "-1"]) == 2
    assert "--limit -1; expected" in capsys.readouterr().err
    out = ["--out", str(tmp_path / "step.onnx"), "--check", str(clips / "val_000")]
    assert main(["export", *out, "--frames", "-1"]) == 2
    assert "--frames -1; expected at least 1" in capsys.readouterr().err


def test_clips_without_a_label_are_counted_and_are_none_of_the_limit(weights, tmp_path, capsys):
    root = write_clips(tmp_path / "clips", 4, split="val")
    for name in ("labels", "label.png"):
        broken = root / "val_002" / name
        shutil.rmtree(broken) if broken.is_dir() else broken.unlink()
    words = ["--data", str(root), "--weights", str(weights), "--out", str(tmp_path), "--quiet"]
    assert main(["evaluate", *words, "--limit", "3"]) == 0
    document = json.loads((tmp_path / "evaluation.json").read_text())
    assert (document["clips"], document["unlabelled"]) == (3, 1)
    assert "3 clips (1 without a label left out), with 95 % intervals" in capsys.readouterr().out
    assert "| clips, val, DIS flow |" in (tmp_path / "tables.md").read_text()


def test_clips_that_cannot_be_read_are_named_in_the_result(weights, tmp_path, capsys):
    root = write_clips(tmp_path / "clips", 3, split="val")
    (root / "val_001" / "clip.json").write_text("{")
    words = ["--data", str(root), "--weights", str(weights), "--out", str(tmp_path), "--quiet"]
    assert main(["evaluate", *words]) == 0
    (unreadable,) = json.loads((tmp_path / "evaluation.json").read_text())["unreadable"]
    assert "val_001" in unreadable
    said = capsys.readouterr().out
    assert "2 clips (1 that cannot be read left out), with 95 % intervals" in said


def test_an_evaluation_that_cannot_be_written_is_not_begun(weights, clips, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    words = ["--data", str(clips), "--weights", str(weights), "--quiet"]
    for out in (["--out", str(tmp_path / "file")], ["--json", str(tmp_path / "file/a.json")]):
        assert main(["evaluate", *words, "--out", str(tmp_path), *out]) == 2
        assert "file: cannot be written to" in capsys.readouterr().err
    assert not (tmp_path / "evaluation.json").exists()


def test_a_cut_clip_without_a_label_there_is_told_so(weights, acted, tmp_path, capsys):
    for name in ("labels", "affordances"):
        shutil.rmtree(acted / "val_000" / name)
    words = ["--data", str(acted), "--weights", str(weights), "--out", str(tmp_path), "--quiet"]
    assert main(["evaluate", *words]) == 0
    assert main(["evaluate", *words, "--until", "acting"]) == 2
    assert "at its last frame, or where it is cut" in capsys.readouterr().err


def test_masks_are_scored_as_target_label_map_and_threshold_say(weights, parts, tmp_path):
    label_map = tmp_path / "mine.yaml"
    to = {**{name: name for name in LABELS.affordances}, "lift": "type"}
    label_map.write_text(f"affordances: {json.dumps(to)}\n")
    words = ["--data", str(parts), "--weights", str(weights), "--out", str(tmp_path), "--quiet"]
    words += ["--target", "affordances", "--label-map", str(label_map), "--min-confidence", "0.75"]
    assert main(["evaluate", *words, "--json", str(tmp_path / "copy.json")]) == 0
    document = json.loads((tmp_path / "copy.json").read_text())
    assert (document["target"], document["min_confidence"]) == ("affordances", 0.75)
    assert document["video_by_threshold"][0]["min_confidence"] == 0.75
    assert document["video"]["per_class"]["type"]["iou"] is not None
    name = "| clips, val, DIS flow, every part, min_confidence 0.75 |"
    assert name in (tmp_path / "tables.md").read_text()


def test_a_clip_that_is_cut_while_acting_is_scored_there(weights, acted, tmp_path):
    (acted / "val_000/labels/00003.png").write_bytes(b"never read")
    words = ["--data", str(acted), "--weights", str(weights), "--out", str(tmp_path), "--quiet"]
    assert main(["evaluate", *words, "--until", "acting"]) == 0
    document = json.loads((tmp_path / "evaluation.json").read_text())
    assert (document["until"], document["clips"]) == ("acting", 1)
    assert "| clips, val, DIS flow, cut while acting |" in (tmp_path / "tables.md").read_text()


def test_one_kind_of_long_streams_is_measured_alone(weights, parts, tmp_path):
    words = ["--data", str(parts), "--weights", str(weights), "--out", str(tmp_path), "--quiet"]
    words += ["--target", "affordances", "--long-streams", "succession"]
    assert main(["evaluate", *words]) == 0
    document = json.loads((tmp_path / "evaluation.json").read_text())
    assert document["long_streams"].keys() == {"succession"}
    assert document["long_streams"]["succession"].keys() == {"0 s", "5 s", "15 s"}


def test_long_streams_have_the_lengths_that_are_asked_for(weights, parts, tmp_path, capsys):
    words = ["--data", str(parts), "--weights", str(weights), "--out", str(tmp_path), "--quiet"]
    words += ["--target", "affordances", "--long-streams"]
    assert main(["evaluate", *words[:-1], "--rests", "0"]) == 2
    assert "--pauses without --long-streams, whose lengths" in capsys.readouterr().err
    assert main(["evaluate", *words, "--rests", "0.3", "0", "--pauses", "0.5"]) == 0
    streams = json.loads((tmp_path / "evaluation.json").read_text())["long_streams"]
    assert streams["rest"]["after"]["keep"].keys() == {"0 s", "0.3 s"}
    assert streams["rest"].keys() == {"after", "after 0.3 s before the clip"}
    assert streams["succession"].keys() == {"0.5 s"}
    with pytest.raises(SystemExit):
        main(["evaluate", *words, "--pauses", "-1"])
    assert "--pauses: -1; expected a finite number, 0 or more" in capsys.readouterr().err


def test_what_is_evaluated_is_kept_where_long_streams_are_stopped(
    weights, parts, tmp_path, monkeypatch
):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(long_stream, "measure_rest", stopped)
    words = ["--data", str(parts), "--weights", str(weights), "--out", str(tmp_path), "--quiet"]
    words += ["--target", "affordances", "--long-streams", "rest"]
    assert main(["evaluate", *words]) == 130
    document = json.loads((tmp_path / "evaluation.json").read_text())
    assert document["clips"]
    assert "long_streams" not in document


def test_evaluation_of_a_split_that_is_not_there_is_one_clear_line(weights, clips, capsys):
    arguments = ["--data", str(clips), "--weights", str(weights), "--split", "test"]
    assert main(["evaluate", *arguments]) == 2
    assert "no sequence in" in capsys.readouterr().err


def test_clips_that_do_not_know_their_interaction_are_not_cut_there(weights, clips, capsys):
    arguments = ["--data", str(clips), "--weights", str(weights), "--until", "acting"]
    assert main(["evaluate", *arguments]) == 2
    assert "val_000 does not say when its interaction takes place; " in capsys.readouterr().err


@pytest.mark.parametrize(
    "recording",
    [
        ROOT / "data/demo_clip",
        pytest.param(REAL, marks=pytest.mark.skipif(not REAL.exists(), reason="no shared data")),
    ],
    ids=["rendered", "real"],
)
def test_the_package_s_weights_say_the_same_in_onnxruntime(recording, tmp_path, capsys):
    arguments = ["--out", str(tmp_path / "step.onnx"), "--check", str(recording), "--frames", "3"]
    assert main(["export", *arguments]) == 0
    assert "probabilities of the logits: largest difference" in capsys.readouterr().out


def test_export_compares_the_frames_of_a_recording(weights, clips, tmp_path, capsys):
    result = tmp_path / "export.json"
    arguments = ["--weights", str(weights), "--out", str(tmp_path / "step.onnx")]
    arguments += ["--check", str(clips / "val_000"), "--json", str(result)]
    assert main(["export", *arguments]) == 0
    assert json.loads(result.read_text())["frames"] == 4
    assert "logits: largest difference" in capsys.readouterr().out


def test_options_that_are_given_twice_add_up(capsys):
    """The second is refused for its value, the first for its name: each is read."""
    assert main(["train", "--set", "stages.parts.epochs=3", "--set", "seed=-1"]) == 2
    assert "seed=-1" in capsys.readouterr().err
    assert main(["train", "--set", "sed=1", "--set", "seed=1"]) == 2
    assert "unknown option 'sed'" in capsys.readouterr().err


def test_rows_and_seeds_belong_to_an_ablation(capsys):
    assert main(["train", "--rows", "rgb"]) == 2
    assert "--rows rgb without --ablation" in capsys.readouterr().err
    assert main(["train", "--seeds", "1", "2"]) == 2
    assert "--seeds 1 2 without --ablation" in capsys.readouterr().err


def test_checking_data_trains_nothing(clips, capsys):
    assert main(["train", "--check-data", str(clips), "--ablation"]) == 2
    assert "--check-data with --ablation; expected one of them" in capsys.readouterr().err


def test_a_package_that_is_not_installed_is_named(monkeypatch, tmp_path, capsys):
    from affordance_seg_ros.cli import extras

    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "onnx" else name)
    arguments = ["--out", str(tmp_path / "step.onnx"), "--check", str(tmp_path)]
    assert main(["export", *arguments]) == 2
    assert "missing: onnx; expected those of" in capsys.readouterr().err
