# SPDX-License-Identifier: Apache-2.0
"""The latency budget of the real node, around a pipeline that is as slow as it is told."""

from camera_double import TestCamera
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from harness import set_parameter


def budget_of(diagnostics):
    found = [s for m in diagnostics for s in m.status if s.name == "/affordance: budget"]
    return found[-1] if found else DiagnosticStatus()


def test_a_slow_node_lowers_its_effort_says_so_and_comes_back(client, start):
    process = start(rate_hz=0, weights="gpu 0.1", latency_budget_ms=50.0)
    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    camera = TestCamera(client)
    camera.wait_for_subscriber()

    def until(text):
        camera.publish_until(lambda: text in process.output, text, period_s=0.05)

    until("latency_budget_ms=50: from now on 25% of the flow's work")
    client.wait(lambda: budget_of(diagnostics).level == DiagnosticStatus.WARN)
    values = {pair.key: pair.value for pair in budget_of(diagnostics).values}
    assert values["flow share"] == "0.25"
    assert values["budget [ms]"] == "50.00"
    assert set_parameter(client, "max_regions", 0).successful
    until("fast enough again: full effort")
    client.wait(lambda: budget_of(diagnostics).message == "full effort")
    assert process.output.count("from now on") == 1


def test_the_budget_changes_live_and_zero_turns_it_off(client, start):
    start()
    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    client.wait(lambda: budget_of(diagnostics).message == "full effort")
    assert set_parameter(client, "latency_budget_ms", 0.0).successful
    camera = TestCamera(client)
    camera.wait_for_subscriber()
    camera.publish(camera.now_ns())
    client.wait(lambda: budget_of(diagnostics).message == "off (latency_budget_ms=0)")
