# SPDX-License-Identifier: Apache-2.0
"""Every way to run the network says the same as the reference, frame after frame."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial

import pytest
import torch

from affordance_seg_ros.config import COMPACT, InputConfig, PipelineConfig
from affordance_seg_ros.errors import ConfigError, FrameError
from affordance_seg_ros.model import backends, openvino_runner
from affordance_seg_ros.model.backends import BACKENDS, build_runner
from affordance_seg_ros.model.initialisation import xavier_initialise
from affordance_seg_ros.model.network import AffordanceNetwork

FULL = replace(COMPACT, width=8, center_flow=True, action_context=True, motion_memory=True)
INPUT = InputConfig(height=49, width=66)  # odd sizes: every level rounds
FRAMES = 5
LOGITS = {"float32": 1e-3, "half": 0.3}
"""Largest difference of a logit; bfloat16 keeps 8 bits, over 30 layers."""
SAME_LABEL = {"float32": 0.999, "half": 0.95}

needs_openvino = pytest.mark.skipif(
    not openvino_runner.is_installed(), reason="OpenVINO is not installed"
)
ON_CPU = ["eager", "channels_last", pytest.param("openvino", marks=needs_openvino)]


def network_of(config=None):
    network = AffordanceNetwork(config or FULL)
    xavier_initialise(network, torch.Generator().manual_seed(1))
    return network.eval()


@pytest.fixture(scope="module")
def network() -> AffordanceNetwork:
    return network_of()


@pytest.fixture(scope="module")
def prepared(network):
    """Prepare a back end for the network, once; empty its memory before each use."""

    @cache
    def build(backend, precision):
        return build_runner(network, INPUT, backend=backend, precision=precision)

    def prepare(backend, precision="float32"):
        runner = build(backend, precision)
        runner.reset()
        return runner

    return prepare


def clip(network: AffordanceNetwork, config: InputConfig = INPUT, seed: int = 0) -> Iterator[tuple]:
    random = torch.Generator().manual_seed(seed)
    size = (config.height, config.width)
    for _ in range(FRAMES):
        flow = torch.rand(1, 3, *size, generator=random) if network.flow_channels else None
        yield torch.randn(1, network.appearance_channels, *size, generator=random), flow


def copied(runner, frames) -> list[tuple]:
    return [tuple(each.clone() for each in runner.step(*frame)) for frame in frames]


def reference(network: AffordanceNetwork) -> list[tuple]:
    state, outputs = None, []
    with torch.inference_mode():
        for frame in clip(network):
            output, state = network.step(*frame, state)
            outputs.append(tuple(output))
    return outputs


def assert_agree(network, runner, precision="float32") -> None:
    for ours, theirs in zip(copied(runner, clip(network)), reference(network), strict=True):
        assert all(each.dtype == torch.float32 for each in ours)
        logits, expected = ours[0], theirs[0]
        assert (logits - expected).abs().max() <= LOGITS[precision]
        same = (logits.argmax(1) == expected.argmax(1)).float().mean()
        assert same >= SAME_LABEL[precision]
        torch.testing.assert_close(ours[1], theirs[1], rtol=0, atol=LOGITS[precision])
        torch.testing.assert_close(ours[2], theirs[2], rtol=0, atol=LOGITS[precision])


@pytest.mark.parametrize("precision", ["float32", "half"])
@pytest.mark.parametrize("backend", ON_CPU)
def test_a_back_end_agrees_with_the_reference_over_a_clip(
    network, prepared, backend, precision
) -> None:
    before = {name: each.clone() for name, each in network.state_dict().items()}
    runner = prepared(backend, precision)
    assert ("bfloat16" in runner.description) == (precision == "half")
    assert_agree(network, runner, precision)
    after = network.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize("backend", ON_CPU)
def test_a_reset_runner_is_as_good_as_new(network, prepared, backend) -> None:
    runner = prepared(backend)
    first = copied(runner, clip(network))
    continued = copied(runner, clip(network))
    assert not torch.equal(first[0][0], continued[0][0])  # it does remember
    runner.reset()
    for ours, theirs in zip(copied(runner, clip(network)), first, strict=True):
        assert all(map(torch.equal, ours, theirs))


@needs_openvino
@pytest.mark.parametrize(
    "changes",
    [
        {"appearance": "rgb", "flow": "none", "attention": False, "norm": "none"},
        {"flow": "2d", "skips": "appearance", "attention_norm": "softmax"},
        {"action_context": True, "decided_context": True},
        {"depth_mask": True},
    ],
    ids=["plain", "other", "decided", "masked"],
)
def test_openvino_runs_other_variants_too(changes) -> None:
    network = network_of(replace(COMPACT, width=4, **changes))
    runner = build_runner(network, INPUT, backend="openvino", precision="auto")
    assert_agree(network, runner)


@needs_openvino
def test_openvino_reports_nothing_to_its_makers(network, monkeypatch) -> None:
    telemetry = pytest.importorskip("openvino_telemetry").Telemetry
    sent = []
    for name in ("__init__", "start_session", "send_event", "force_shutdown"):
        monkeypatch.setattr(telemetry, name, lambda *_, name=name, **__: sent.append(name))
    build_runner(network, INPUT, backend="openvino", precision="auto")
    assert sent == []


SIGNAL_AFTER_RUNNERS = """
import faulthandler, gc, os, signal
from dataclasses import replace
from affordance_seg_ros.config import COMPACT
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.model.openvino_runner import OpenVinoRunner

faulthandler.enable()  # gives the thread a stack for signals
network = AffordanceNetwork(replace(COMPACT, width=4)).eval()
first = OpenVinoRunner(network, 32, 32)
second = OpenVinoRunner(network, 32, 32)
del first
gc.collect()
del second
gc.collect()
signal.signal(signal.SIGUSR1, lambda *_: print("handled"))
os.kill(os.getpid(), signal.SIGUSR1)
"""


@needs_openvino
def test_signals_are_handled_after_openvino_runners_have_come_and_gone() -> None:
    command = [sys.executable, "-c", SIGNAL_AFTER_RUNNERS]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stdout) == (0, "handled\n"), ended.stderr


@needs_openvino
def test_openvino_refuses_pictures_of_another_size_and_keeps_its_memory(network, prepared) -> None:
    runner = prepared("openvino")
    frames = list(clip(network))
    runner.step(*frames[0])
    with pytest.raises(FrameError, match=r"\(1, 3, 33, 33\).*expected.*\(1, 3, 49, 66\)"):
        runner.step(frames[1][0], torch.zeros(1, 3, 33, 33))
    with pytest.raises(FrameError, match="expected"):
        runner.step(frames[1][0], None)
    after = runner.step(*frames[1])
    torch.testing.assert_close(after.logits, reference(network)[1][0], rtol=0, atol=1e-3)


def test_the_compiled_step_is_one_graph_and_agrees(network, monkeypatch) -> None:
    # Dynamo's graph without a C++ compiler's minute: what it computes is the same.
    monkeypatch.setattr(backends.torch, "compile", partial(torch.compile, backend="eager"))
    runner = build_runner(network, INPUT, backend="compiled", precision="float32")
    assert_agree(network, runner)


def test_a_network_that_cannot_be_compiled_is_said_with_the_reason(network, monkeypatch) -> None:
    def broken(graph, inputs):
        raise OSError("no C++ compiler")

    torch.compiler.reset()
    monkeypatch.setattr(backends.torch, "compile", partial(torch.compile, backend=broken))
    with pytest.raises(
        ConfigError, match=r"cannot compile.*no C\+\+ compiler(.|\n)*another back end"
    ):
        build_runner(network, INPUT, backend="compiled", precision="auto")


def test_a_back_end_of_another_device_is_refused_with_those_of_this_one(network) -> None:
    with pytest.raises(ConfigError, match="'cuda_graph' on device 'cpu'; expected one of auto, ea"):
        build_runner(network, INPUT, backend="cuda_graph", precision="auto")


def test_openvino_that_is_not_installed_is_refused_with_the_way_to_install_it(
    network, monkeypatch
) -> None:
    monkeypatch.setattr(openvino_runner, "is_installed", lambda: False)
    with pytest.raises(ConfigError, match=r"pip install affordance_seg_ros\[openvino\]"):
        build_runner(network, INPUT, backend="openvino", precision="auto")


def test_auto_takes_openvino_and_says_loudly_when_it_cannot(network, monkeypatch, caplog) -> None:
    caplog.set_level(logging.INFO, logger="affordance_seg_ros")
    if openvino_runner.is_installed():
        runner = build_runner(network, INPUT, backend="auto", precision="auto")
        assert runner.description.startswith("OpenVINO")
        assert any("takes a few seconds" in each.message for each in caplog.records)
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]
    monkeypatch.setattr(backends, "is_installed", lambda: False)
    runner = build_runner(network, INPUT, backend="auto", precision="auto")
    assert runner.description == "eager PyTorch, float32, channels last"
    (warning,) = [each.message for each in caplog.records if each.levelno >= logging.WARNING]
    assert "pip install affordance_seg_ros[openvino]" in warning


def test_every_option_has_its_back_end() -> None:
    choices = PipelineConfig.infos()["network_backend"].choices
    assert set(choices) == {"auto", *BACKENDS}
