# SPDX-License-Identifier: Apache-2.0
"""The state of the node at one moment, for diagnostics and for the report file."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from affordance_seg_ros.pipeline.budget import BudgetState
from affordance_seg_ros.ros.frame_log import LatencySummary
from affordance_seg_ros.sources.pairing import PairingCounts


class TransformFailures(NamedTuple):
    """Frames whose regions could not be transformed: count, recent rate [Hz], last reason."""

    frames: int
    rate_hz: float
    last: str


NOTHING_FAILED = TransformFailures(0, 0.0, "")


@dataclass(frozen=True)
class Snapshot:
    """Everything that is counted and measured while the node is active.

    Attributes:
        enabled: Whether frames are accepted.
        awaited: A sentence on each input that is missing.
        received: Messages received by role (colour, depth, camera_info).
        rates_hz: Rates over the last seconds: the roles, ``pairs`` and ``published``.
        pairing: What became of the images.
        processed: Frames published.
        dropped: Pairs replaced by newer ones before the worker was free.
        dropped_rate_hz: Rate of those over the last seconds.
        errors: Frames that could not be used.
        error_rate_hz: Rate of those over the last seconds.
        last_error: Why the last of them could not be used; empty if there was none.
        error_reasons: How many could not be used, by reason; the rest as "other reasons".
        latency: Latency and stages.
        untransformed: Frames without regions for want of a transform.
        resets: Why the pipeline forgot the past on its own, each time; the last hundred.
        uncalibrated: Pairs dropped because a camera_info, or with `align_depth` the depth camera's
            pose, had not arrived.
        budget: State of the latency budget; None while it is off.
        doubtful: A sentence on each thing that is wrong with images that do arrive: from two
            cameras, misread, or lost on the way.
    """

    enabled: bool
    awaited: tuple[str, ...]
    received: dict[str, int]
    rates_hz: dict[str, float]
    pairing: PairingCounts
    processed: int
    dropped: int
    dropped_rate_hz: float
    errors: int
    error_rate_hz: float
    last_error: str
    error_reasons: dict[str, int]
    latency: LatencySummary
    untransformed: TransformFailures = NOTHING_FAILED
    resets: tuple[str, ...] = ()
    uncalibrated: int = 0
    budget: BudgetState | None = None
    doubtful: tuple[str, ...] = ()

    def report(self, weights: str, trained: bool, device: str) -> dict[str, Any]:
        """Return the state as a document; a number that does not exist yet is NaN."""
        latency = self.latency
        return {
            "weights": {"name": weights, "trained": trained},
            "device": device,
            "received": self.received,
            "frames_processed": self.processed,
            "frames_dropped": self.dropped,
            "unpaired": self.pairing.unpaired,
            "duplicates": self.pairing.duplicates,
            "uncalibrated": self.uncalibrated,
            "jumps_back": self.pairing.jumps_back,
            "errors": self.errors,
            "last_error": self.last_error,
            "error_reasons": self.error_reasons,
            "untransformed": self.untransformed.frames,
            "resets": self.resets,
            "budget": self.budget,
            "latency_ms": latency.latency,
            "latency_clock": latency.clock,
            "latency_frames": latency.frames,
            "stage_ms": latency.stages,
            "receipt_to_publish_ms": latency.receipt_to_publish_ms,
        }
