# SPDX-License-Identifier: Apache-2.0
"""The report of a run as one self-contained page with pictures, charts and numbers."""

import base64
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from affordance_seg_ros import __version__
from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.evaluation.html_sections import (
    action_section,
    facts_section,
    film_section,
    frame_caption,
    latency_section,
    metrics_section,
    share_section,
    worst_section,
)
from affordance_seg_ros.evaluation.page_pictures import Still
from affordance_seg_ros.evaluation.run_history import RunHistory
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.readable import readable
from affordance_seg_ros.whole_file import whole_file


class PageContent(NamedTuple):
    """What the page shows.

    Attributes:
        labels: Names and colours.
        history: Numbers of all frames; at least one.
        film: Frames in order of time; at least one.
        worst: The worst frames by each measure, keyed by its title.
        summary: The run's summary, as in `summary.json`.
        facts: Facts about the run by name.
        latencies_ms: Times of single frames [ms]; empty if unknown.
    """

    labels: LabelSet
    history: RunHistory
    film: Sequence[Still]
    worst: Mapping[str, Sequence[Still]]
    summary: Mapping[str, Any]
    facts: Mapping[str, str]
    latencies_ms: Sequence[float]


def render_page(content: PageContent) -> str:
    """Return the page as HTML."""
    summary, history = content.summary, content.history
    captions = {
        still.frame: frame_caption(history, still.frame, content.labels)
        for stills in (content.film, *content.worst.values())
        for still in stills
    }
    seconds = history.seconds()
    stills = [
        {
            "frame": still.frame,
            "seconds": round(float(seconds[still.frame]), 3),
            "caption": captions[still.frame],
            "jpeg": base64.b64encode(still.jpeg).decode("ascii"),
        }
        for still in content.film
    ]
    name = str(summary["weights"]["name"])
    banner = ""
    if not summary["weights"]["trained"]:
        banner = (
            '<p class="alarm">UNTRAINED WEIGHTS: masks, actions and scores mean nothing '
            f"({escape(name)}).</p>"
        )
    data = json.dumps({"frames": len(history), "stills": stills}, separators=(",", ":"))
    return Template(_part("report.html")).substitute(
        title=escape(f"Replay of {summary['source']}"),
        banner=banner,
        lead=escape(_lead(summary)),
        film=film_section(content.film, captions, len(history)),
        actions=action_section(history, content.labels, summary["action"]["true"]),
        shares=share_section(history, content.labels),
        metrics=metrics_section(history, summary),
        latency=latency_section(summary, content.latencies_ms),
        worst=worst_section(content.worst, captions),
        facts=facts_section(content.facts),
        version=escape(__version__),
        style=_part("report.css"),
        script=_part("report.js"),
        # Neither the end tag of the element nor a comment may appear in it.
        data=data.replace("<", "\\u003c"),
    )


def write_page(path: Path, content: PageContent) -> None:
    """Write the page, whole or not at all.

    Raises:
        SourceError: The file cannot be written.
    """
    page = render_page(content)
    with whole_file(path, SourceError) as file:
        file.write(readable(page).encode())


def _lead(summary: Mapping[str, Any]) -> str:
    action = summary["action"]
    truth = f" (true: {action['true']})" if action["true"] else ""
    dropped = summary["frames_dropped"]
    pace = f"Played to a live node, pace: {summary['pace']}. " if "pace" in summary else ""
    return (
        f"{pace}{summary['frames_processed']} of {summary['frames_read']} frames processed"
        f"{f', {dropped} dropped' if dropped else ''}; action at the end: "
        f"{action['predicted']}{truth}."
    )


def _part(name: str) -> str:
    return files("affordance_seg_ros.evaluation").joinpath("page").joinpath(name).read_text("utf-8")
