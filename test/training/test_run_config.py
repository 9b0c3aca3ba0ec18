# SPDX-License-Identifier: Apache-2.0
import shlex
from dataclasses import replace

import pytest

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.training.run_config import CONFIGS, RunConfig, parse_run, read_run


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_run_of_the_package_is_valid_and_survives_yaml(path):
    run = read_run(path.stem)
    assert parse_run(run.to_yaml()) == run


def test_an_empty_run_is_the_default():
    assert parse_run("{}") == RunConfig()


def test_options_are_overridden_by_name():
    run = read_run("default", ["seed=7", "network.width=8", "stages.parts.epochs=3"])
    assert (run.seed, run.network.width) == (7, 8)
    assert [stage.epochs for stage in run.stages if stage.name == "parts"] == [3]


def test_numbers_that_yaml_takes_for_text_are_numbers():
    run = read_run("default", ["stages.parts.learning_rate=1e-3", "augmentation.contrast=2E-1"])
    assert [stage.learning_rate for stage in run.stages if stage.name == "parts"] == [1e-3]
    assert run.augmentation.contrast == 0.2


def test_a_section_that_the_file_lacks_can_be_overridden():
    assert parse_run("{}", ["augmentation.mirror=0.0"]).augmentation.mirror == 0


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("seed", "expected name=value"),
        ("=3", "expected name=value"),
        ("sed=3", "unknown option 'sed'"),
        ("stages.partz.epochs=3", "there is no 'partz'"),
        ("stages.parts.epochs=0", "epochs=0; expected 1 to 100000"),
        ("stages=[]", "expected unique names"),
        ("network.width=wide", "is of type str; expected int"),
        ("precision=8-bit", "expected one of 32-true"),
        ("seed=[", "not valid YAML"),
    ],
)
def test_a_wrong_override_says_what_is_wrong(override, words):
    with pytest.raises(ConfigError) as refused:
        read_run("default", [override])
    where, what = str(refused.value).split(f" with --set {shlex.join([override])}: ")
    assert where.endswith("default.yaml")
    assert words in what


@pytest.mark.parametrize("encoding", ["stretched", "viewer"])
def test_a_centre_of_flow_colours_that_have_none_is_refused(encoding):
    with pytest.raises(ConfigError, match=f"center_flow with flow_encoding={encoding}"):
        read_run("default", [f"input.flow_encoding={encoding}"])
    changes = [f"input.flow_encoding={encoding}", "network.center_flow=false"]
    assert read_run("default", changes).input.flow_encoding == encoding


def test_two_stages_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="unique names"):
        parse_run("stages: [{name: a}, {name: a}]")


def test_a_missing_run_names_those_there_are():
    with pytest.raises(ConfigError, match="ablation, default, fine_tune, paper, quick"):
        read_run("fast")


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("- 1\n")
    with pytest.raises(ConfigError, match=r"run\.yaml: expected a mapping"):
        read_run(path)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"run\.yaml cannot be read: .*expected YAML in UTF-8"):
        read_run(path)


def test_an_option_of_a_stage_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="there is no 'x'"):
        parse_run("stages: [1]", ["stages.x.epochs=3"])


def test_an_option_that_is_given_twice_is_refused():
    with pytest.raises(ConfigError, match="option 'epochs' is given twice"):
        parse_run("stages: [{name: a, epochs: 3, epochs: 70}]")


def test_what_is_merged_may_be_overridden():
    run = parse_run("stages: [&one {name: a, epochs: 3}, {<<: *one, name: b}]")
    assert [(each.name, each.epochs) for each in run.stages] == [("a", 3), ("b", 3)]
    with pytest.raises(ConfigError, match="option 'name' is given twice"):
        parse_run("stages: [&one {name: a}, {<<: *one, name: b, name: c}]")


def test_what_a_section_does_not_name_stays_as_it_is_without_the_section():
    run = parse_run("network: {width: 8}\ninput: {depth_near_m: 0.0}")
    whole = RunConfig()
    assert run.network == replace(whole.network, width=8)
    assert run.input == replace(whole.input, depth_near_m=0.0)
    own = parse_run("data: {validation: [{root: data/own}]}").data
    assert (own.validation[0].split, own.train) == ("val", whole.data.train)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("data: {estimators: []}", "estimators=.*expected at least one"),
        ("data: {train: []}", "train=.*expected at least one"),
        ("data: {validation: []}", "validation=.*expected at least one"),
        ("stages: [{name: a/b}]", "stage 'a/b'; expected letters"),
        ("stages: [{name: a, weight_decay: 0.1}]", "weight_decay=0.1 with optimizer=adam"),
        ("stages: [{name: a, segmentation_weight: 0.0, action_weight: 0.0}]", "learns nothing"),
    ],
)
def test_what_would_do_nothing_is_refused(text, words):
    with pytest.raises(ConfigError, match=words):
        parse_run(text)
