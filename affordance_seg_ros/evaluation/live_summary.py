# SPDX-License-Identifier: Apache-2.0
"""The summary of a live run: what player, node and recorder counted, in the replay's own words."""

from collections.abc import Mapping
from typing import Any

from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.pipeline.timing import percentiles

_DROPPED = "replaced by a newer frame before the node was free"
_LOST = "published but not received by the node"


def live_summary(
    received: Mapping[str, Any], played: Mapping[str, Any], node: Mapping[str, Any]
) -> dict[str, Any]:
    """Combine the counts of a live run.

    Args:
        received: What the recorder counted (`received.json`).
        played: What the player counted: `frames_published`, and `frames_unanswered` if it played in
            lockstep.
        node: The node's report.

    Returns:
        What the offline replay's summary contains, and what a live run has in addition.
    """
    published = played["frames_published"]
    lost = published - node["received"]["colour"]
    reasons = {
        _LOST: lost,
        _DROPPED: node["frames_dropped"],
        **node["error_reasons"],
    }
    in_lockstep = "frames_unanswered" in played
    total = percentiles(node["receipt_to_publish_ms"])._asdict()
    return {
        "source": received["source"],
        "frames_read": published,
        "frames_processed": node["frames_processed"],
        "frames_dropped": sum(reasons.values()),
        "drop_reasons": {reason: count for reason, count in reasons.items() if count},
        "unpaired": node["unpaired"],
        "duplicates": node["duplicates"],
        "skipped_messages": received["skipped_messages"],
        "resets": node["resets"],
        "device": node["device"],
        "flow_estimator": node["flow_estimator"],
        "network": node["network"],
        "weights": received["weights"],
        "stage_ms": {**node["stage_ms"], "total": total},
        "action": received["action"],
        "labels_in_recording": received["labels_in_recording"],
        "labelled_frames": received["labelled_frames"],
        "metrics": received["metrics"],
        "pace": "lockstep" if in_lockstep else "recorded",
        "frames_published": published,
        "masks_received": received["masks_received"],
        "actions_received": received["actions_received"],
        "predictions_incomplete": received["incomplete"],
        # In lockstep, /clock stands still while the node works, so stamps say nothing.
        "latency_ms": total if in_lockstep else node["latency_ms"],
        "latency_clock": "receipt" if in_lockstep else node["latency_clock"],
    }


def live_options(node: Mapping[str, Any]) -> PipelineConfig:
    """Return the options of the pipeline that a node's report states."""
    found: PipelineConfig = PipelineConfig.from_mapping(node["options"])
    return found
