# SPDX-License-Identifier: Apache-2.0
import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from affordance_seg_ros.cli import COMMANDS, live, main
from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.model.checkpoint import load_weights
from affordance_seg_ros.model.fingerprint import fingerprint


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert f"affordance-seg {command}" in capsys.readouterr().out


def test_an_unknown_command_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["sing"])
    assert stopped.value.code == 2
    assert "replay" in capsys.readouterr().err


def test_help_of_all_commands_imports_neither_torch_nor_ros() -> None:
    code = (
        "import sys; from affordance_seg_ros.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'torch', 'rclpy', 'cv2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["replay", "/nowhere/bag", "--out", "OUT"], "/nowhere/bag"),
        (["replay", "/nowhere/bag", "--out", "OUT", "--min-confidence", "7"], "0 to 1"),
        (["replay", "/nowhere/bag", "--out", "OUT", "--flow-estimator", "magic"], "primal_dual"),
        (["info", "--weights", "/nowhere/weights"], "/nowhere/weights"),
        (["info", "--weights", "untrained:huge"], "expected one of paper, compact"),
        (["info", "--weights", "untrained:compact", "--json", "/dev/null/x.json"], "/dev/null/x"),
        (["replay", "/nowhere/bag", "--out", "OUT", "--max-skew-s", "7"], "0 to 1 s"),
        (["replay", "/nowhere/bag", "--out", "OUT", "--picture-rate-hz", "nan"], "picture-rate"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]


@pytest.mark.parametrize(
    "words",
    [
        ["synth", "--out", ""],
        ["train", "--out", "OUT", "--check-data", ""],
        ["evaluate", "--data", ""],
        ["replay", "/nowhere/bag", "--out", "OUT", "--json="],
    ],
)
def test_an_empty_path_is_not_taken_for_the_present_folder(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "'' is not a path" in capsys.readouterr().err


def test_where_no_result_can_be_written_nothing_is_begun(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["info", "--json", "/proc/nowhere/result.json"]) == 2
    said = capsys.readouterr()
    assert "/proc/nowhere: cannot be written to" in said.err
    assert said.out == ""
    for words in (["info", "--json", "/tmp"], ["export", "--out", "/tmp", "--check", "x"]):
        assert main(words) == 2
        said = capsys.readouterr()
        assert f"{words[1]} /tmp: is a folder; expected a file" in said.err
        assert said.out == ""


def test_info_says_that_the_weights_are_untrained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--weights", "untrained:compact"]) == 0
    assert "trained: false" in capsys.readouterr().out


def test_info_prints_and_writes_the_same_and_which_weights_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "info.json"
    assert main(["info", "--json", str(file)]) == 0
    document = json.loads(file.read_text())
    assert yaml.safe_load(capsys.readouterr().out) == document
    network = load_weights("", "cpu").network
    assert document["fingerprint"] == fingerprint(network)
    assert document["parameters"] == sum(each.numel() for each in network.parameters())


def test_a_flag_at_its_default_counts_before_the_file_of_a_live_run() -> None:
    parser = argparse.ArgumentParser()
    live.add_arguments(parser)
    words = ["bag", "--out", "out", "--min-confidence", "0.75", "--flow-budget", "1.0"]
    given = live._parameters(parser.parse_args(words))
    assert given == {"min_confidence": 0.75, "flow.budget": 1.0}
    assert PipelineConfig().min_confidence == 0.75
    assert not live._parameters(parser.parse_args(["bag", "--out", "out"]))


def test_ctrl_c_while_a_command_is_imported_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("affordance_seg_ros.cli.import_module", interrupted)
    assert main(["info"]) == 130
    assert capsys.readouterr().err == "affordance-seg info: interrupted\n"
