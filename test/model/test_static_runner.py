# SPDX-License-Identifier: Apache-2.0
"""The buffers of a recorded network; its graph on a GPU, and direct runs of the same elsewhere."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from affordance_seg_ros.config import COMPACT, InputConfig
from affordance_seg_ros.errors import FrameError
from affordance_seg_ros.model.backends import build_runner
from affordance_seg_ros.model.initialisation import xavier_initialise
from affordance_seg_ros.model.network import AffordanceNetwork, in_turn
from affordance_seg_ros.model.runner import converted
from affordance_seg_ros.model.static_runner import StaticRunner, capture_directly

FULL = replace(COMPACT, width=8, center_flow=True, action_context=True, motion_memory=True)
SIZE = (49, 66)
FRAMES = 4


def network_of(**changes) -> AffordanceNetwork:
    network = AffordanceNetwork(replace(FULL, **changes))
    xavier_initialise(network, torch.Generator().manual_seed(1))
    return network.eval()


def clip(network, device="cpu"):
    random = torch.Generator().manual_seed(0)
    for _ in range(FRAMES):
        flow = torch.rand(1, 3, *SIZE, generator=random) if network.flow_channels else None
        appearance = torch.randn(1, network.appearance_channels, *SIZE, generator=random)
        yield appearance.to(device), None if flow is None else flow.to(device)


def reference(network, device="cpu"):
    state, outputs = None, []
    with torch.inference_mode():
        for frame in clip(network, device):
            output, state = network.step(*frame, state)
            outputs.append(output)
    return outputs


def static(network, dtype=torch.float32, capture=capture_directly) -> StaticRunner:
    network = converted(network, dtype, torch.channels_last)
    return StaticRunner(network, network.step, *SIZE, capture=capture, description="static")


@pytest.mark.parametrize(
    "changes", [{}, {"flow": "none"}, {"decided_context": True}, {"depth_mask": True}]
)
def test_static_buffers_change_nothing(changes) -> None:
    network = network_of(**changes)
    runner = static(network)
    for frame, expected in zip(clip(network), reference(network), strict=True):
        for ours, theirs in zip(runner.step(*frame), expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


def test_float16_keeps_the_labels_of_almost_all_pixels() -> None:
    network = network_of()
    runner = static(network, torch.float16)
    for frame, expected in zip(clip(network), reference(network), strict=True):
        logits = runner.step(*frame).logits
        assert logits.dtype == torch.float32
        assert (logits - expected.logits).abs().max() < 0.05
        # Random weights have hardly any margin between the labels.
        assert (logits.argmax(1) == expected.logits.argmax(1)).float().mean() >= 0.99


def test_what_is_recorded_reads_and_writes_the_same_memory_in_every_frame() -> None:
    """The condition for a graph: the work is called without arguments and finds all in place."""
    network = network_of()
    seen = []

    def recording(work):
        work()

        def replay():
            seen.append("replay")
            work()

        return replay

    runner = static(network, capture=recording)
    places = set()
    for frame in clip(network):
        output = runner.step(*frame)
        places.add(tuple(each.data_ptr() for each in output))
    assert len(places) == 1
    assert len(seen) == FRAMES


def test_a_capture_that_runs_the_work_leaves_no_trace_in_the_memory() -> None:
    network = network_of()

    def often(work):
        for _ in range(3):
            work()
        return work

    first = next(clip(network))
    assert torch.equal(static(network, capture=often).step(*first).logits,
                       static(network).step(*first).logits)  # fmt: skip


def test_a_reset_empties_the_memory() -> None:
    network = network_of()
    runner = static(network)
    first = next(clip(network))
    fresh = runner.step(*first).logits.clone()
    assert not torch.equal(runner.step(*first).logits, fresh)
    runner.reset()
    assert torch.equal(runner.step(*first).logits, fresh)


def test_pictures_that_do_not_fit_the_buffers_are_refused() -> None:
    network = network_of()
    runner = static(network)
    appearance, flow = next(clip(network))
    with pytest.raises(FrameError, match=r"flow of shape \(1, 1, 49, 66\); expected \(1, 3, 49"):
        runner.step(appearance, flow[:, :1])  # would repeat itself over the channels
    with pytest.raises(FrameError, match="no flow"):
        runner.step(appearance, None)
    with pytest.raises(FrameError, match="expected None"):
        static(network_of(flow="none")).step(appearance, flow)


def test_the_streams_may_run_in_any_order() -> None:
    """They share nothing: what allows them to run side by side."""
    network = network_of()

    def backwards(jobs):
        return in_turn(jobs[::-1])[::-1]

    step = partial(network.step, fork=backwards)
    runner = StaticRunner(network, step, *SIZE, capture=capture_directly, description="static")
    for frame, expected in zip(clip(network), reference(network), strict=True):
        torch.testing.assert_close(runner.step(*frame).logits, expected.logits, rtol=0, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.parametrize("flow", ["3d", "none"])
@pytest.mark.parametrize(("precision", "atol"), [("float32", 5e-2), ("half", 0.1)])
def test_the_graph_agrees_with_the_reference_on_a_gpu(flow, precision, atol) -> None:
    """float32 within TF32, which cuDNN takes for convolutions."""
    network = network_of(flow=flow)
    expected = reference(network)
    config = InputConfig(height=SIZE[0], width=SIZE[1])
    runner = build_runner(network.cuda(), config, backend="cuda_graph", precision=precision)
    for frame, theirs in zip(clip(network, "cuda"), expected, strict=True):
        logits = runner.step(*frame).logits.cpu()
        torch.testing.assert_close(logits, theirs.logits, rtol=0, atol=atol)


@pytest.mark.gpu
def test_replays_of_the_graph_are_identical_after_a_reset() -> None:
    network = network_of().cuda()
    config = InputConfig(height=SIZE[0], width=SIZE[1])
    runner = build_runner(network, config, backend="cuda_graph", precision="auto")
    runs = []
    for _ in range(2):
        runner.reset()
        runs.append([runner.step(*frame).logits.clone() for frame in clip(network, "cuda")])
    assert all(map(torch.equal, *runs))


@pytest.mark.gpu
def test_frames_allocate_no_device_memory() -> None:
    network = network_of().cuda()
    config = InputConfig(height=SIZE[0], width=SIZE[1])
    runner = build_runner(network, config, backend="cuda_graph", precision="auto")
    frames = list(clip(network, "cuda"))
    for frame in frames:
        runner.step(*frame)
    torch.cuda.synchronize()
    before = torch.cuda.memory_stats()
    for frame in frames:
        runner.step(*frame)
    torch.cuda.synchronize()
    after = torch.cuda.memory_stats()
    for name in ("num_device_alloc", "allocated_bytes.all.current", "reserved_bytes.all.current"):
        assert after[name] == before[name]
