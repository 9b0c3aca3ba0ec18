# SPDX-License-Identifier: Apache-2.0
"""What a run was made with, in words for its report page."""

import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from affordance_seg_ros import __version__
from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.model.checkpoint import WeightsCard
from affordance_seg_ros.sources.recording import Recording, commonest


def run_facts(
    recording: Recording,
    card: WeightsCard,
    summary: Mapping[str, Any],
    config: PipelineConfig | None,
    command: str,
) -> dict[str, str]:
    """Return the facts about a run by name, in the order in which they are read.

    Args:
        recording: What was replayed.
        card: The weights.
        summary: The run's summary.
        config: Options of the pipeline; None if they are not known.
        command: Command line; empty leaves it out.
    """
    camera = recording.camera
    rate = f", {recording.rate_hz:.4g} Hz" if recording.rate_hz else ""
    facts = {
        "recording": f"{recording.path.resolve().name} ({recording.kind}), "
        f"{camera.width}x{camera.height}{rate}",
        "frames": _counts(summary),
        "weights": f"{card.name}{'' if card.trained else ', UNTRAINED'}",
        "about the weights": card.description,
        "licence of the weights": card.license,
        "device": str(summary["device"]),
        "flow": str(summary["flow_estimator"]),
        "network": str(summary["network"]),
    }
    if config is not None:
        facts["options"] = ", ".join(
            f"{field.name}={getattr(config, field.name):g}"
            for field in fields(config)
            if isinstance(getattr(config, field.name), int | float)
        )
    if summary.get("resets"):
        resets = commonest(Counter(summary["resets"]))
        facts["memory cleared"] = "; ".join(f"{count} x {why}" for why, count in resets.items())
    facts["software"] = f"affordance_seg_ros {__version__}, Python {platform.python_version()}"
    if command:
        facts["command"] = command
    return facts


def _counts(summary: Mapping[str, Any]) -> str:
    reasons = {**summary["drop_reasons"], **summary["skipped_messages"]}
    parts = [
        f"{summary['frames_read']} read",
        f"{summary['frames_processed']} processed",
        f"{summary['frames_dropped']} dropped",
        f"{summary['unpaired']} images unpaired",
        f"{summary['duplicates']} with a repeated stamp",
        *(f"{count} x {reason}" for reason, count in reasons.items()),
    ]
    return ", ".join(parts)
