# SPDX-License-Identifier: Apache-2.0
import json

import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from affordance_seg_ros.frames import StageTimes
from affordance_seg_ros.json_document import to_json, write_json
from affordance_seg_ros.pipeline.budget import BudgetState, Effort
from affordance_seg_ros.ros.diagnostics import describe
from affordance_seg_ros.ros.frame_log import FrameLog, FrameRecord
from affordance_seg_ros.ros.snapshot import Snapshot
from affordance_seg_ros.sources.pairing import PairingCounts

RATES = {"colour": 30.0, "depth": 30.0, "camera_info": 30.0, "pairs": 30.0, "published": 10.0}
BUDGET = BudgetState(0, Effort(), 20.0, 21.0, 22.0, 100.0, True)


def snapshot(**changes):
    log = FrameLog()
    log.add(FrameRecord(20.0, 18.0, 1.0, 1.0, 1.0, StageTimes(1.0, 2.0, 8.0, 3.0), 1.0))
    values = {
        "enabled": True, "awaited": (), "received": {"colour": 9, "depth": 8, "camera_info": 9},
        "rates_hz": RATES, "pairing": PairingCounts(paired=8, unpaired_color=1), "processed": 3,
        "dropped": 1, "dropped_rate_hz": 0.2, "errors": 0, "error_rate_hz": 0.0, "last_error": "",
        "error_reasons": {},
        "latency": log.summary(),
    }  # fmt: skip
    return Snapshot(**{**values, **changes})


def statuses(**changes):
    found = describe("/affordance", "active", "cpu", "w", True, snapshot(**changes))
    return {status.name.removeprefix("/affordance: "): status for status in found}


def test_all_is_well_while_frames_come_and_masks_go():
    found = statuses()
    assert set(found) == {"weights", "input", "processing", "budget"}
    assert {status.level for status in found.values()} == {DiagnosticStatus.OK}
    values = {pair.key: pair.value for pair in found["processing"].values}
    assert values["latency p50 [ms]"] == "20.00"
    assert values["network p99 [ms]"] == "8.00"
    assert (values["dropped"], values["processed"]) == ("1", "3")


@pytest.mark.parametrize(
    ("part", "changes", "level", "words"),
    [
        ("input", {"awaited": ("depth has not come",)}, DiagnosticStatus.ERROR, "depth has not"),
        ("input", {"doubtful": ("2 publishers on /depth",)}, DiagnosticStatus.WARN, "2 publishers"),
        ("processing", {"error_rate_hz": 1.0, "last_error": "bad"}, DiagnosticStatus.WARN, "bad"),
        ("processing", {"dropped_rate_hz": 20.0}, DiagnosticStatus.WARN,
         "too slow: 20.0 pairs/s dropped, 10.0 processed"),
        ("budget", {"budget": BUDGET}, DiagnosticStatus.OK, "full effort"),
        ("budget", {"budget": BUDGET._replace(level=7, effort=Effort(0.5, 2))},
         DiagnosticStatus.WARN, "50% of the flow's work and one frame in 2"),
        ("budget", {"budget": BUDGET._replace(holds=False)}, DiagnosticStatus.WARN,
         "a frame takes too long (p50 20 ms) at full effort"),
        ("processing", {"enabled": False, "dropped_rate_hz": 20.0}, DiagnosticStatus.OK,
         "disabled"),
    ],
)  # fmt: skip
def test_trouble_raises_the_level_and_says_why(part, changes, level, words):
    status = statuses(**changes)[part]
    assert status.level == level
    assert words in status.message


def test_what_went_wrong_long_ago_is_no_trouble_now():
    past = {"pairing": PairingCounts(paired=1, unpaired_depth=500), "dropped": 900}
    found = statuses(**past)
    assert {status.level for status in found.values()} == {DiagnosticStatus.OK}
    assert {pair.key: pair.value for pair in found["input"].values}["unpaired"] == "500"


def test_errors_without_any_mask_are_an_error():
    rates = {**snapshot().rates_hz, "published": 0.0}
    status = statuses(error_rate_hz=1.0, last_error="bad", rates_hz=rates)["processing"]
    assert status.level == DiagnosticStatus.ERROR


def test_untrained_weights_are_a_warning():
    status, *_ = describe("/affordance", "inactive", "cpu", "random", False, None)
    assert status.level == DiagnosticStatus.WARN
    assert "UNTRAINED" in status.message


def test_a_node_that_is_not_active_goes_on_to_send_every_status():
    active = describe("/affordance", "active", "cpu", "w", True, snapshot())
    inactive = describe("/affordance", "inactive", "cpu", "w", True, None)
    assert [status.name for status in inactive] == [status.name for status in active]
    assert {status.level for status in inactive} == {DiagnosticStatus.OK}
    assert [status.message for status in inactive[1:]] == ["inactive"] * 3


def test_a_transition_that_failed_is_an_error_with_its_reason():
    status, *_ = describe("/affordance", "unconfigured", "", "", True, None, "no such file")
    assert (status.level, status.message) == (DiagnosticStatus.ERROR, "unconfigured: no such file")


def test_the_report_is_json_with_null_for_what_was_never_measured(tmp_path):
    path = tmp_path / "deep" / "report.json"
    write_json(path, snapshot(latency=FrameLog().summary()).report("w", False, "cpu"))
    found = json.loads(path.read_text())
    assert found["weights"] == {"name": "w", "trained": False}
    assert found["latency_ms"]["p99"] is None
    assert (found["frames_processed"], found["frames_dropped"], found["unpaired"]) == (3, 1, 1)
    assert [file.name for file in path.parent.iterdir()] == ["report.json"]


def test_the_report_names_the_clock_and_every_stage():
    found = json.loads(to_json(snapshot().report("w", True, "cpu")))
    assert found["latency_clock"] == "stamp"
    assert found["latency_ms"]["p50"] == 20
    assert found["stage_ms"]["flow"]["p95"] == 2
