# SPDX-License-Identifier: Apache-2.0
"""Time and agreement of the network's back ends: `python benchmarks/network_backends.py`.

They take turns of a few frames each, so that other work on the machine disturbs all alike. ONNX
Runtime is measured too, although it is not a back end of the package.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from affordance_seg_ros.threads import share_processor

share_processor()

import torch  # noqa: E402  (after the threads' policy)

from affordance_seg_ros.model.backends import BACKENDS, build_runner  # noqa: E402
from affordance_seg_ros.model.checkpoint import Checkpoint, load_weights  # noqa: E402
from affordance_seg_ros.model.network import StepOutput  # noqa: E402
from affordance_seg_ros.model.network_state import Memory  # noqa: E402
from affordance_seg_ros.model.runner import NetworkRunner  # noqa: E402
from affordance_seg_ros.pipeline.device import resolve_device  # noqa: E402
from affordance_seg_ros.pipeline.timing import percentiles  # noqa: E402

_TURN = 5
"""Timed frames of a turn; one more before them is not timed."""


class OnnxRuntimeRunner:
    """The exported step function in ONNX Runtime on the CPU."""

    description = "ONNX Runtime, float32"

    def __init__(self, checkpoint: Checkpoint) -> None:
        import onnxruntime

        from affordance_seg_ros.training.export import export_onnx, output_names, state_names

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "step.onnx"
            export_onnx(checkpoint, path)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = torch.get_num_threads()
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        network = checkpoint.network
        self._outputs, self._states = list(output_names(network)), state_names(network)
        size = checkpoint.input_config.height, checkpoint.input_config.width
        self._empty: Memory = checkpoint.network.empty_state(1, *size)
        self.reset()

    def step(self, appearance: torch.Tensor, flow: torch.Tensor | None) -> StepOutput:
        """Take the next frame."""
        feed = {"appearance": appearance.numpy(), **self._memory}
        if flow is not None:
            feed["flow"] = flow.numpy()
        results = self._session.run(self._outputs, feed)
        self._memory = dict(zip(self._states, results[3:], strict=True))
        return StepOutput(*map(torch.from_numpy, results[:3]))

    def reset(self) -> None:
        """Empty the memory."""
        self._memory = {
            name: each.numpy() for name, each in zip(self._states, self._empty, strict=True)
        }


def prepare(name: str, checkpoint: Checkpoint) -> NetworkRunner:
    """Return the runner of a back end, or of ``BACKEND/half`` or ``onnxruntime``."""
    if name == "onnxruntime":
        return OnnxRuntimeRunner(checkpoint)
    backend, _, precision = name.partition("/")
    return build_runner(
        checkpoint.network, checkpoint.input_config, backend=backend, precision=precision or "auto"
    )


def measure(
    names: list[str], checkpoint: Checkpoint, device: torch.device, rounds: int
) -> dict[str, Any]:
    """Return time, preparation and agreement with ``eager`` of each back end.

    Args:
        names: Names that `prepare` takes; the others are compared with the first.
        checkpoint: The network on the device.
        device: Where it is.
        rounds: Number of turns of each back end.
    """
    network, config = checkpoint.network, checkpoint.input_config
    random = torch.Generator().manual_seed(0)
    frames = []
    for _ in range(_TURN + 1):
        pictures = [
            torch.rand(1, n, config.height, config.width, generator=random).to(device)
            for n in (network.appearance_channels, network.flow_channels)
            if n
        ]
        frames.append((pictures[0], pictures[1] if network.flow_channels else None))
    runners, results = {}, {}
    for name in names:
        start = time.perf_counter()
        runners[name] = prepare(name, checkpoint)
        results[name] = {"prepared_s": time.perf_counter() - start}
    expected = [runners[names[0]].step(*frame).logits.clone() for frame in frames]
    for name, runner in runners.items():
        runner.reset()
        logits = [runner.step(*frame).logits.clone() for frame in frames]
        pairs = list(zip(logits, expected, strict=True))
        same = [(a.argmax(1) == b.argmax(1)).float().mean() for a, b in pairs]
        results[name] |= {
            "largest_logit_difference": max(float((a - b).abs().max()) for a, b in pairs),
            "same_label": min(float(each) for each in same),
        }
    times_ms: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, runner in runners.items():
            for index, frame in enumerate(frames):
                start = time.perf_counter()
                runner.step(*frame)
                if device.type == "cuda":
                    torch.cuda.synchronize(device)
                if index:  # the first one finds another's weights in the caches
                    times_ms[name].append(1e3 * (time.perf_counter() - start))
    slowest = percentiles(times_ms[names[0]])
    for name in names:
        found = percentiles(times_ms[name])
        results[name] |= {
            "step_ms": {"min": min(times_ms[name]), **found._asdict()},
            "times_faster": slowest.p50 / found.p50,
        }
    return results


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", default="untrained:compact")
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--backends",
        nargs="+",
        default=["eager", "channels_last", "onnxruntime", "openvino", "openvino/half"],
        help=f"any of {', '.join(BACKENDS)}, each also as NAME/half, and onnxruntime; the others "
        "are compared with the first",
    )
    parser.add_argument("--rounds", type=int, default=20, help=f"turns of {_TURN} frames")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, help="file for the result")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = resolve_device(arguments.device)
    checkpoint = load_weights(arguments.weights, device)
    results = measure(arguments.backends, checkpoint, device, arguments.rounds)
    print("| back end | p50 | p95 | min | times faster | prepared | logits differ | same label |")
    print("|---|---|---|---|---|---|---|---|")
    for name, found in results.items():
        step = found["step_ms"]
        print(
            f"| {name} | {step['p50']:.1f} ms | {step['p95']:.1f} ms | {step['min']:.1f} ms | "
            f"{found['times_faster']:.2f} | {found['prepared_s']:.1f} s | "
            f"{found['largest_logit_difference']:.1g} | {100 * found['same_label']:.2f} % |"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
