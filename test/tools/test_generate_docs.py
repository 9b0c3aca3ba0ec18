# SPDX-License-Identifier: Apache-2.0
import importlib.util
from pathlib import Path

import pytest
import yaml

from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.ros.parameter_table import parameter_rows

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("generate_docs", ROOT / "tools/generate_docs.py")
generate_docs = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(generate_docs)


@pytest.mark.parametrize(("path", "text"), generate_docs.generated().items())
def test_the_generated_files_are_current(path, text):
    assert (ROOT / path).read_text() == text, "run: python tools/generate_docs.py"


def test_the_parameter_file_holds_every_default_in_its_own_type():
    parsed = yaml.safe_load((ROOT / "config/affordance.yaml").read_text())
    values = parsed["/**/affordance"]["ros__parameters"]
    pipeline = {key: values.pop(key) for key in list(values) if key in PipelineConfig.infos()}
    pipeline["flow"] = values.pop("flow")
    assert PipelineConfig.from_mapping(pipeline) == PipelineConfig()
    assert NodeConfig.from_mapping(values) == NodeConfig()
    # rcl is strict where `from_mapping` is not: 10 is no double.
    for row in parameter_rows(PipelineConfig()):
        *groups, leaf = row.name.split(".")
        level = pipeline[groups[0]] if groups else pipeline
        assert type(level[leaf]) is type(row.default), row.name


def test_every_field_of_every_message_is_explained():
    for line in generate_docs.messages().splitlines():
        if line.startswith("| `"):
            assert not line.endswith("|  |"), line
