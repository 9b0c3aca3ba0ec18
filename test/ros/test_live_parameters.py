# SPDX-License-Identifier: Apache-2.0
"""Parameters of the running node, over its real parameter services."""

import pytest
from camera_double import TestCamera
from harness import set_parameter
from rcl_interfaces.srv import GetParameters, SetParametersAtomically
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image

from affordance_seg_ros.msg import AffordanceRegionArray
from affordance_seg_ros.ros.parameter_table import node_rows

ROWS = list(node_rows("affordance_node"))


def get(client, name):
    request = GetParameters.Request(names=[name])
    return client.call(GetParameters, "/affordance/get_parameters", request).values[0]


def bad_value(row):
    if isinstance(row.default, bool | str):
        return 12.5
    return type(row.default)(10 * row.info.maximum + 1)


def test_what_is_live_is_validated_and_the_rest_says_how_to_set_it(client, start):
    start().wait_for("active: colour on")
    for row in ROWS:
        before = get(client, row.name)
        if row.info.live:
            assert set_parameter(client, row.name, row.default).successful
            result = set_parameter(client, row.name, bad_value(row))
            option = row.name.rpartition(".")[2]
            assert result.reason.startswith(f"{option}={bad_value(row)}")
            assert "expected " in result.reason
        else:
            result = set_parameter(client, row.name, row.default)
            assert result.reason == (
                f"'{row.name}' is read-only while the node runs; set it at the start, with "
                f"--ros-args -p {row.name}:=VALUE or in a parameter file"
            )
        assert not result.successful
        assert get(client, row.name) == before


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("min_confidence", 1.5, "min_confidence=1.5; expected 0 to 1"),
        ("min_confidence", float("nan"), "min_confidence=nan; expected 0 to 1"),
        ("rate_hz", 0.9, "rate_hz=0.9 with max_gap_s=1; expected a gap longer than the 1.11111 s"),
        ("max_gap_s", 0.05, "rate_hz=10 with max_gap_s=0.05; expected a gap longer than the 0.1 s"),
        ("publish_regions", 1, "publish_regions=1 is of type int; expected bool"),
        ("rate_h", 5.0, "unknown parameter 'rate_h'; did you mean 'rate_hz'?"),
    ],
)
def test_a_refusal_says_what_is_accepted(client, start, name, value, reason):
    start().wait_for("active: colour on")
    result = set_parameter(client, name, value)
    assert not result.successful
    assert result.reason.startswith(reason)


def test_an_integer_serves_as_a_float(client, start):
    start().wait_for("active: colour on")
    assert set_parameter(client, "rate_hz", 5).successful
    assert get(client, "rate_hz").double_value == 5


def test_changes_that_only_fit_together_are_set_together_or_not_at_all(client, start):
    start().wait_for("active: colour on")

    def set_together(**values):
        parameters = [Parameter(n, value=v).to_parameter_msg() for n, v in values.items()]
        request = SetParametersAtomically.Request(parameters=parameters)
        name = "/affordance/set_parameters_atomically"
        return client.call(SetParametersAtomically, name, request).result

    assert not set_together(rate_hz=5.0, device="cpu").successful
    assert get(client, "rate_hz").double_value == 10
    assert set_together(rate_hz=0.5, max_gap_s=3.0).successful
    assert get(client, "rate_hz").double_value == 0.5


@pytest.mark.parametrize(
    ("switch", "kind", "topic"),
    [
        ("publish_overlay", Image, "overlay"),
        ("publish_regions", AffordanceRegionArray, "regions"),
    ],
)
def test_a_publishing_switch_holds_from_the_next_frame_on(client, start, switch, kind, topic):
    start(rate_hz=0)
    camera = TestCamera(client)
    masks = client.collect(Image, "/affordance/mask")
    found = client.collect(kind, f"/affordance/{topic}")
    camera.wait_for_subscriber()

    def frame():
        count = len(masks)
        camera.publish(camera.now_ns())
        client.wait(lambda: len(masks) > count)

    def published():
        frame()
        client.spin(0.1)
        return found

    client.wait(published)
    assert set_parameter(client, switch, False).successful
    frame()  # one that may have been on its way
    client.spin(0.2)
    found.clear()
    for _ in range(3):
        frame()
    client.spin(0.2)
    assert not found
    assert set_parameter(client, switch, True).successful
    client.wait(published)
