# SPDX-License-Identifier: Apache-2.0
import json
import signal
import subprocess
import sys

import pytest
from camera_double import TestCamera
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

SIGNALS = [signal.SIGINT, signal.SIGTERM]


def change(client, transition):
    request = ChangeState.Request(transition=Transition(id=transition))
    return client.call(ChangeState, "/affordance/change_state", request).success


def state(client):
    return client.call(GetState, "/affordance/get_state").current_state.label


def wait_until_unsubscribed(client, camera):
    client.wait(lambda: not camera.color.get_subscription_count())


def assert_ended_cleanly(process, number):
    assert process.end(number) == 0, process.output
    assert "Traceback" not in process.output


@pytest.fixture
def at_work(client, start, tmp_path):
    """Return a node whose second frame is in work, its camera, and its report's file."""
    report = tmp_path / "report.json"
    process = start(rate_hz=0, weights="slow 1.5", report_file=report)
    camera = TestCamera(client)
    masks = client.collect(Image, "/affordance/mask")
    camera.wait_for_subscriber()
    camera.publish(camera.now_ns())
    client.wait(lambda: masks)
    camera.publish(camera.now_ns())
    process.wait_for("step 2 begins")
    return process, camera, report


def test_a_manager_can_take_the_node_through_all_states_and_again(client, start):
    process = start(autostart=False, rate_hz=0)
    assert state(client) == "unconfigured"
    assert not client.call(Trigger, "/affordance/reset").success
    camera = TestCamera(client)
    masks = client.collect(Image, "/affordance/mask")
    for _ in range(2):
        assert change(client, Transition.TRANSITION_CONFIGURE)
        assert state(client) == "inactive"
        assert change(client, Transition.TRANSITION_ACTIVATE)
        assert state(client) == "active"
        camera.wait_for_subscriber()
        masks.clear()
        camera.publish(camera.now_ns())
        client.wait(lambda: masks)
        assert change(client, Transition.TRANSITION_DEACTIVATE)
        wait_until_unsubscribed(client, camera)
        assert change(client, Transition.TRANSITION_CLEANUP)
        assert state(client) == "unconfigured"
    assert change(client, Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert_ended_cleanly(process, signal.SIGINT)


def test_a_failed_configuration_leaves_the_node_unconfigured_with_the_reason(client, start):
    process = start(autostart=False, weights="missing")
    assert not change(client, Transition.TRANSITION_CONFIGURE)
    assert state(client) == "unconfigured"
    process.wait_for("configuration failed: weight file 'missing' is not there")
    diagnostics = client.collect(DiagnosticArray, "/diagnostics")
    client.wait(lambda: diagnostics)
    weights = diagnostics[0].status[0]
    assert weights.level == DiagnosticStatus.ERROR
    assert weights.message.startswith("unconfigured: configuration failed: weight file 'missing'")
    assert_ended_cleanly(process, signal.SIGTERM)


def test_a_defect_during_configuration_is_logged_not_swallowed(client, start):
    process = start(autostart=False, weights="broken")
    assert not change(client, Transition.TRANSITION_CONFIGURE)
    assert state(client) == "unconfigured"
    assert "ZeroDivisionError: a defect of the double" in process.output


def test_a_defect_after_the_weights_are_loaded_is_logged_as_well(start):
    process = start(weights="nameless")
    assert process.popen.wait(30) == 2
    assert "configuration failed:" in process.output
    assert "has no attribute 'card'" in process.output


def test_a_defect_during_activation_is_logged_and_ends_a_node_that_starts_by_itself(start):
    process = start(weights="unready")
    assert process.popen.wait(30) == 2
    assert "activation failed:" in process.output
    assert "ZeroDivisionError: a defect of the double" in process.output


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_unconfigured_ends_the_node_cleanly(client, start, number):
    process = start(autostart=False)
    process.wait_for("unconfigured")
    assert_ended_cleanly(process, number)


@pytest.mark.parametrize("held", [True, False])
def test_a_signal_waits_while_something_is_made(held):
    code = (
        "import os, signal\n"
        "from contextlib import nullcontext\n"
        "from affordance_seg_ros.ros.process import StopRequest\n"
        "stop = StopRequest()\n"
        f"with stop.held() if {held} else nullcontext():\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('made')\n"
        "print('told' if stop.is_set else 'not told')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout.split() == (["made", "told"] if held else [])
    assert ("KeyboardInterrupt" in ended.stderr) != held


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_weights_load_ends_the_node_cleanly(start, number):
    process = start(weights="loading")
    process.wait_for("loading weights")
    assert_ended_cleanly(process, number)


def test_a_transition_that_the_state_does_not_know_is_refused_and_harms_nothing(client, start):
    process = start()
    process.wait_for("active: colour on")
    assert not change(client, Transition.TRANSITION_CONFIGURE)
    assert state(client) == "active"
    assert_ended_cleanly(process, signal.SIGINT)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_during_deactivation_loses_no_report(client, at_work, number):
    process, camera, report = at_work
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_DEACTIVATE))
    asked = client.node.create_client(ChangeState, "/affordance/change_state")
    client.wait(asked.service_is_ready)
    asked.call_async(request)
    wait_until_unsubscribed(client, camera)  # then it waits for the frame that is in work
    assert_ended_cleanly(process, number)
    assert json.loads(report.read_text())["frames_processed"] == 2


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_inactive_ends_the_node_cleanly(client, start, number):
    process = start(autostart=False)
    assert change(client, Transition.TRANSITION_CONFIGURE)
    assert_ended_cleanly(process, number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_during_inference_ends_the_node_cleanly(at_work, number):
    process, _, report = at_work
    assert_ended_cleanly(process, number)
    assert json.loads(report.read_text())["frames_processed"] == 2


def test_a_second_signal_does_not_disturb_the_clean_up(client, start):
    process = start(rate_hz=0, weights="slow 1")
    camera = TestCamera(client)
    camera.wait_for_subscriber()
    camera.publish(camera.now_ns())
    process.wait_for("step 1 begins")
    process.popen.send_signal(signal.SIGINT)
    wait_until_unsubscribed(client, camera)  # then it waits for the frame that is in work
    assert_ended_cleanly(process, signal.SIGTERM)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_at_the_very_start_ends_the_process_cleanly(number):
    # The moment at which the handlers are set, long before rclpy is imported.
    code = (
        "import os, signal, sys\n"
        "from affordance_seg_ros.ros import process\n"
        "assert 'rclpy' not in sys.modules and 'numpy' not in sys.modules\n"
        "class Finder:\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name == 'rclpy': os.kill(os.getpid(), {int(number)})\n"
        "sys.meta_path.insert(0, Finder())\n"
        "sys.exit(process.run('affordance', lambda: None))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"weights": "missing"}, "weight file 'missing' is not there; expected a .safetensors"),
        ({"device": "cuda"}, "device 'cuda', but there are 0 CUDA devices; expected auto or cpu"),
        ({"rate_hz": "500.0"}, "rate_hz=500.0; expected 0 to 120 Hz"),
        ({"rate_hz": "fast"}, "rate_hz='fast' is of type str; expected float"),
        ({"rate": "5.0"}, "unknown parameter 'rate'; did you mean 'rate_hz'?"),
    ],
)
def test_bad_parameters_end_the_node_with_one_line_and_code_2(start, parameters, message):
    process = start(**parameters)
    assert process.popen.wait(30) == 2
    assert message in process.output
    assert len(process.output.splitlines()) == 1


def test_a_missing_parameter_file_ends_the_node_with_code_2(start, tmp_path):
    process = start("--params-file", str(tmp_path / "none.yaml"))
    assert process.popen.wait(30) == 2
    assert "none.yaml" in process.output
    assert "Traceback" not in process.output


def test_an_error_of_ours_in_the_worker_ends_the_node_with_a_traceback(client, start):
    process = start(rate_hz=0, weights="defect")
    camera = TestCamera(client)
    camera.wait_for_subscriber()
    camera.publish(camera.now_ns())
    assert process.popen.wait(30) == 1
    assert "ZeroDivisionError: a defect of the double" in process.output


def test_an_error_in_the_frame_that_a_stop_waits_for_is_logged(client, start):
    process = start(rate_hz=0, weights="defect 4")
    camera = TestCamera(client)
    camera.wait_for_subscriber()
    camera.publish(camera.now_ns())
    process.wait_for("step 1 begins")
    assert process.end(signal.SIGINT) == 0
    assert "the last frame failed" in process.output
    assert "ZeroDivisionError: a defect of the double" in process.output
