# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass

import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter

from affordance_seg_ros.config import FlowConfig, PipelineConfig
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.node_config import KinectConfig, NodeConfig
from affordance_seg_ros.options import Options, option
from affordance_seg_ros.ros.parameter_table import nest, node_rows, parameter_rows
from affordance_seg_ros.ros.parameters import NodeParameters


@pytest.fixture
def make():
    nodes = []

    def _make(**overrides):
        given = [Parameter(name.replace("__", "."), value=v) for name, v in overrides.items()]
        nodes.append(Node("parameters", parameter_overrides=given))
        return nodes[-1], NodeParameters(nodes[-1], NodeConfig, PipelineConfig)

    yield _make
    for node in nodes:
        node.destroy_node()


def test_what_is_declared_reads_back_as_the_defaults(make):
    _, parameters = make()
    assert parameters.read(NodeConfig) == NodeConfig()
    assert parameters.read(PipelineConfig) == PipelineConfig()


def test_every_option_is_a_parameter_with_its_description_and_range(make):
    node, _ = make()
    rows = list(node_rows("affordance_node"))
    assert "flow.estimator" in [row.name for row in rows]
    for row in rows:
        found = node.describe_parameter(row.name)
        assert found.description.startswith(row.info.description)
        assert found.additional_constraints == row.info.accepted
        assert found.read_only is not row.info.live
        ranges = [*found.floating_point_range, *found.integer_range]
        limits = [(span.from_value, span.to_value) for span in ranges]
        assert limits == (
            [] if row.info.minimum is None else [(row.info.minimum, row.info.maximum)]
        )


def test_given_values_win_and_integers_serve_as_floats(make):
    _, parameters = make(flow__estimator="dis", rate_hz=5, weights="w")
    assert parameters.read(PipelineConfig) == PipelineConfig(5.0, flow=FlowConfig(estimator="dis"))
    assert parameters.read(NodeConfig).weights == "w"


def test_a_name_that_looks_like_a_number_may_be_given_as_one():
    assert KinectConfig.from_mapping({"frame_rate": 15}).frame_rate == "15"
    with pytest.raises(ConfigError, match="frame_rate=16 is of type int; expected str"):
        KinectConfig.from_mapping({"frame_rate": 16})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("rate_hz", 500.0, "rate_hz=500.0; expected 0 to 120 Hz"),
        ("rate_hz", float("nan"), "rate_hz=nan; expected 0 to 120 Hz"),
        ("rate_hz", "fast", "rate_hz='fast' is of type str; expected float"),
        ("queue_depth", 0, "queue_depth=0; expected 1 to 100"),
        ("reliability", "maybe", "expected one of best_effort, reliable"),
        ("flow__iterations", 0, "iterations=0; expected 1 to 1000"),
        ("rate_h", 5.0, "unknown parameter 'rate_h'; did you mean 'rate_hz'?"),
        (
            "qos_overrides./color/image.subscription.reliability",
            "reliable",
            "has no effect; expected reliability, queue_depth",
        ),
        ("xyz", 5.0, "unknown parameter 'xyz'; expected one of weights, device"),
    ],
)
def test_a_bad_value_at_the_start_is_refused_with_what_is_accepted(make, name, value, message):
    with pytest.raises(ConfigError) as error:
        make(**{name: value})
    assert message in str(error.value)


def test_a_live_change_is_taken_and_others_are_refused(make):
    node, parameters = make()
    (good,) = node.set_parameters([Parameter("rate_hz", value=5.0)])
    assert good.successful
    assert parameters.read(PipelineConfig).rate_hz == 5
    (high,) = node.set_parameters([Parameter("rate_hz", value=500.0)])
    assert not high.successful
    assert "0.0" in high.reason
    assert "120.0" in high.reason
    (fixed,) = node.set_parameters([Parameter("device", value="cpu")])
    assert not fixed.successful
    assert "read-only" in fixed.reason
    assert parameters.read(PipelineConfig).rate_hz == 5


@dataclass(frozen=True)
class Ordered(Options):
    low: float = option(1.0, "Low", live=True)
    high: float = option(2.0, "High", live=True)

    def __post_init__(self):
        super().__post_init__()
        if self.low > self.high:
            raise ConfigError(f"low={self.low} with high={self.high}; expected low below high")


def test_a_change_that_the_dataclass_refuses_is_refused_with_its_reason():
    node = Node("ordered")
    parameters = NodeParameters(node, Ordered)
    (result,) = node.set_parameters([Parameter("low", value=3.0)])
    assert not result.successful
    assert result.reason == "low=3.0 with high=2.0; expected low below high"
    assert parameters.read(Ordered) == Ordered()
    node.destroy_node()


def test_nesting_undoes_the_flat_names():
    rows = {row.name: row.default for row in parameter_rows(PipelineConfig())}
    assert PipelineConfig.from_mapping(nest(rows)) == PipelineConfig()
