# SPDX-License-Identifier: Apache-2.0
"""The state of the node as diagnostics: input, processing, weights."""

from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from affordance_seg_ros.pipeline.budget import LEVELS, BudgetState
from affordance_seg_ros.ros.effort import in_words
from affordance_seg_ros.ros.snapshot import Snapshot


def describe(
    name: str,
    state: str,
    device: str,
    weights: str,
    trained: bool,
    snapshot: Snapshot | None,
    failure: str = "",
) -> list[DiagnosticStatus]:
    """Return one status each for the weights, input, processing and the latency budget.

    Args:
        name: Name of the node.
        state: Lifecycle state.
        device: Compute device; empty before configuration.
        weights: Name of the weights; empty before configuration.
        trained: False for random weights.
        snapshot: Counters and latencies; None unless the node is active.
        failure: Why the last transition failed; empty if it did not.
    """
    found = [_weights(state, device, weights, trained, failure)]
    if snapshot is not None:
        found += [_input(snapshot), _processing(state, snapshot), _budget(snapshot.budget)]
    else:  # a status that is no longer sent would count as stale
        found += [
            _status(part, DiagnosticStatus.OK, state, {"state": state})
            for part in ("input", "processing", "budget")
        ]
    for status in found:
        status.name = f"{name}: {status.name}"
        status.hardware_id = device
    return found


def _weights(
    state: str, device: str, weights: str, trained: bool, failure: str
) -> DiagnosticStatus:
    level, message = DiagnosticStatus.OK, f"{state}, {weights} on {device}"
    if failure:
        level, message = DiagnosticStatus.ERROR, f"{state}: {failure}"
    elif not weights:
        message = f"{state}, no weights loaded"
    elif not trained:
        level, message = DiagnosticStatus.WARN, f"{state}, weights '{weights}' are UNTRAINED"
    values = {"state": state, "device": device, "weights": weights, "trained": str(trained)}
    return _status("weights", level, message, values)


def _input(snapshot: Snapshot) -> DiagnosticStatus:
    pairing = snapshot.pairing
    values = {f"{role} messages": str(count) for role, count in snapshot.received.items()}
    values |= {f"{role} rate [Hz]": f"{rate:.2f}" for role, rate in snapshot.rates_hz.items()}
    del values["published rate [Hz]"]
    values |= {
        "pairs": str(pairing.paired),
        "unpaired": str(pairing.unpaired),
        "duplicates": str(pairing.duplicates),
        "without calibration": str(snapshot.uncalibrated),
        "jumps back": str(pairing.jumps_back),
        "waiting for": "; ".join(snapshot.awaited),
    }
    level, message = DiagnosticStatus.OK, f"{snapshot.rates_hz['pairs']:.1f} pairs/s"
    if snapshot.awaited:
        level, message = DiagnosticStatus.ERROR, "; ".join(snapshot.awaited)
    elif snapshot.doubtful:
        level, message = DiagnosticStatus.WARN, "; ".join(snapshot.doubtful)
    return _status("input", level, message, values)


def _processing(state: str, snapshot: Snapshot) -> DiagnosticStatus:
    latency = snapshot.latency
    published_hz = snapshot.rates_hz["published"]
    values = {
        "state": state,
        "enabled": str(snapshot.enabled),
        "published rate [Hz]": f"{published_hz:.2f}",
        "processed": str(snapshot.processed),
        "dropped": str(snapshot.dropped),
        "errors": str(snapshot.errors),
        "last error": snapshot.last_error,
        "untransformed": str(snapshot.untransformed.frames),
        "latency measured from": latency.clock,
    }
    for stage, found in {"latency": latency.latency, **latency.stages}.items():
        values |= {
            f"{stage} {name} [ms]": f"{value:.2f}"
            for name, value in found._asdict().items()
            if name != "max"
        }
    level, message = DiagnosticStatus.OK, f"{published_hz:.1f} masks/s"
    if not snapshot.enabled:
        message = "disabled by ~/enable"
    elif snapshot.error_rate_hz:
        level = DiagnosticStatus.WARN if published_hz else DiagnosticStatus.ERROR
        message = snapshot.last_error
    elif snapshot.untransformed.rate_hz:
        level, message = DiagnosticStatus.WARN, snapshot.untransformed.last
    elif snapshot.dropped_rate_hz > published_hz:
        level = DiagnosticStatus.WARN
        message = (
            f"too slow: {snapshot.dropped_rate_hz:.1f} pairs/s dropped, {published_hz:.1f} "
            "processed"
        )
    return _status("processing", level, message, values)


def _budget(state: BudgetState | None) -> DiagnosticStatus:
    if state is None:
        return _status("budget", DiagnosticStatus.OK, "off (latency_budget_ms=0)", {})
    limits_ms = {"budget": state.budget_ms, "next frame due": state.due_ms}
    values = {
        "level": f"{state.level} of {len(LEVELS) - 1}",
        "flow share": f"{state.effort.flow_share:g}",
        "frames processed": f"1 in {state.effort.rate_divisor}",
        "frame p50 [ms]": f"{state.median_ms:.2f}",
        "frame p90 [ms]": f"{state.high_ms:.2f}",
        **{f"{name} [ms]": f"{ms:.2f}" for name, ms in limits_ms.items() if ms is not None},
        "held": str(state.holds),
    }
    level, message = DiagnosticStatus.OK, in_words(state.effort)
    if not state.holds:
        message = f"a frame takes too long (p50 {state.median_ms:.0f} ms) at {message}"
    if state.level or not state.holds:
        level = DiagnosticStatus.WARN
    return _status("budget", level, message, values)


def _status(name: str, level: bytes, message: str, values: Mapping[str, str]) -> DiagnosticStatus:
    pairs = [KeyValue(key=key, value=value) for key, value in values.items()]
    return DiagnosticStatus(name=name, level=level, message=message, values=pairs)
