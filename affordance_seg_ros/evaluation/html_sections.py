# SPDX-License-Identifier: Apache-2.0
"""The sections of a report page. Everything that comes from outside is escaped here."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.evaluation import svg
from affordance_seg_ros.evaluation.page_pictures import Still
from affordance_seg_ros.evaluation.run_history import RunHistory
from affordance_seg_ros.labels import LabelSet

_BINS = 30
_TICKS = 5
_METRICS = (
    ("iou", "IoU"),
    ("iou_per_image", "IoU per image"),
    ("f1", "F1"),
    ("f1_per_image", "F1 per image"),
    ("fw_margolin", "weighted F (Margolin)"),
    ("fw_margolin_beta2_03", "the same, β² 0.3"),
)


def frame_caption(history: RunHistory, index: int, labels: LabelSet) -> str:
    """Return one line about a frame: its time, action, duration, confidence and IoU."""
    note = history.note(index)
    score = float(note.action_scores[note.action_id])
    parts = [
        f"frame {index + 1}, {1e-9 * (note.stamp_ns - history.note(0).stamp_ns):.2f} s",
        f"{labels.actions[note.action_id]} {score:.2f}",
        f"confidence {note.confidence:.2f}",
    ]
    if not np.isnan(note.duration_ms):
        parts.append(f"{note.duration_ms:.0f} ms")
    if not np.isnan(note.iou):
        parts.append(f"IoU {note.iou:.2f}")
    return ", ".join(parts)


def film_section(stills: Sequence[Still], captions: Mapping[int, str], frames: int) -> str:
    """Return the overlays, one at a time, with a slider."""
    first = stills[0]
    shown = "every frame" if len(stills) == frames else f"{len(stills)} of {frames} frames"
    return (
        '<section class="film"><h2>Overlay</h2>'
        f'<img id="picture" src="{_source(first)}" alt="{escape(captions[first.frame])}">'
        '<div class="seek" id="controls" hidden><button type="button" id="play">Play</button>'
        f'<input type="range" id="seek" min="0" max="{len(stills) - 1}" value="0" '
        'aria-label="Frame"></div>'
        f'<output class="caption" id="caption">{escape(captions[first.frame])}</output>'
        f'<p class="note">The film holds {shown}. Click a chart over time to go to the '
        "frame.</p></section>"
    )


def action_section(history: RunHistory, labels: LabelSet, truth: str | None) -> str:
    """Return the probability of each action over time."""
    scores = history.action_scores()
    last = history.note(len(history) - 1).action_id
    colors = _action_colors(labels)
    rows = []
    for index, name in enumerate(labels.actions):
        mean = float(scores[:, index].mean())
        title = (
            f"Probability of {name} over time: mean {mean:.2f}, at the end {scores[-1, index]:.2f}"
        )
        mark = " (true)" if name == truth else ""
        chart = svg.area(scores[:, index], 1.0, title=title, color=colors[index])
        rows.append(_row(name + mark, chart, f"{scores[-1, index]:.2f}", strong=index == last))
    return _over_time(
        "Action over time",
        "Probability of each action, from 0 to 1; the number is that of the last frame.",
        rows,
        history,
    )


def share_section(history: RunHistory, labels: LabelSet) -> str:
    """Return the share of the picture that each affordance takes over time."""
    shares = history.shares()[:, 1:]
    top = float(shares.max(initial=0))
    seen = [index for index in range(shares.shape[1]) if shares[:, index].any()]
    if not seen:
        return (
            "<section><h2>Affordances over time</h2><p>The masks hold nothing but background: no "
            "affordance was more probable than the threshold.</p></section>"
        )
    rows = []
    for index in seen:
        mean = 100 * float(shares[:, index].mean())
        name = labels.affordances[index]
        color = _css(labels.colors_rgb[index + 1])
        title = f"Share of the picture labelled {name} over time: mean {mean:.1f} %"
        rows.append(
            _row(name, svg.area(shares[:, index], top, title=title, color=color), f"{mean:.1f} %")
        )
    return _over_time(
        "Affordances over time",
        f"Share of the picture, from 0 to {100 * top:.1f} %; the number is the mean.",
        rows,
        history,
    )


def _unmeasured(summary: Mapping[str, Any]) -> str:
    if count := summary["labels_in_recording"]:
        return f"None of the {count} labelled frames of the recording was processed."
    return "The recording has no labels: there is nothing to compare masks with."


def metrics_section(history: RunHistory, summary: Mapping[str, Any]) -> str:
    """Return the scores of each class, and the IoU over time."""
    metrics = summary["metrics"]
    if metrics is None:
        return f"<section><h2>Agreement with labels</h2><p>{_unmeasured(summary)}</p></section>"
    names = list(metrics["iou"]["by_class"])
    rows = [
        [name, *(_score(metrics[key]["by_class"][name]) for key, _ in _METRICS)] for name in names
    ]
    mean = ["mean", *(_score(metrics[key]["mean"]) for key, _ in _METRICS)]
    table = _table(
        f"Over {metrics['images']} labelled frames. A class that is in neither labels nor masks "
        "has no score.",
        ["class", *(title for _, title in _METRICS)],
        rows,
        mean,
    )
    weighted = _score(metrics["f1_paper_weighted"])
    ious = history.ious()
    chart = ""
    if not np.isnan(ious).all():
        title = f"Mean IoU of each labelled frame over time: mean {np.nanmean(ious):.2f}"
        row = _row("IoU", svg.line(ious, 1.0, title=title), f"{np.nanmean(ious):.2f}")
        chart = _chart([row], history)
    return (
        f'<section><h2>Agreement with labels</h2>{table}<p class="note">F1 with the weights of the '
        f"paper: {weighted}.</p>{chart}</section>"
    )


def latency_section(summary: Mapping[str, Any], latencies_ms: Sequence[float]) -> str:
    """Return the percentiles of each stage, and the histogram of whole frames."""
    stages = summary["stage_ms"]
    columns = ("p50", "p95", "p99", "max")
    rows = [[name, *(_number(found[key]) for key in columns)] for name, found in stages.items()]
    table = _table("Time per frame [ms]", ["stage", *columns], rows, None)
    return f"<section><h2>Latency</h2>{table}{_histogram(np.asarray(latencies_ms))}</section>"


def _histogram(latencies_ms: npt.NDArray[np.float64]) -> str:
    known = latencies_ms[~np.isnan(latencies_ms)]
    if not known.size:
        return ""
    # The slowest frame alone must not flatten the rest.
    high = float(np.percentile(known, 99.5)) * 1.05
    counts, edges = np.histogram(np.minimum(known, high), bins=_BINS, range=(0.0, high))
    names = [
        f"{low:.1f} to {up:.1f} ms: {count} frames"
        for low, up, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    title = f"Histogram of the time of {known.size} frames: median {np.median(known):.1f} ms"
    chart = svg.bars(counts, title=title, names=names)
    ticks = "".join(f"<span>{tick:.0f}</span>" for tick in np.linspace(0, high, _TICKS))
    beyond = int((known > high).sum())
    slow = f"; {beyond} slower ones are in the last bar" if beyond else ""
    return (
        f'<h3>Histogram</h3><div class="chart"><span class="name">frames, at most '
        f'{int(counts.max())} per bar</span><div class="plot tall">{chart}</div>'
        f'<span class="value"></span><div class="axis">{ticks}</div></div>'
        f'<p class="note">Time per frame [ms]{slow}.</p>'
    )


def worst_section(worst: Mapping[str, Sequence[Still]], captions: Mapping[int, str]) -> str:
    """Return the worst frames by each measure."""
    parts = []
    for title, stills in worst.items():
        figures = "".join(
            f'<figure><img src="{_source(still)}" alt="{escape(captions[still.frame])}" '
            f'loading="lazy"><figcaption>{escape(captions[still.frame])}</figcaption></figure>'
            for still in stills
        )
        if figures:
            parts.append(f'<h3>{escape(title)}</h3><div class="worst">{figures}</div>')
    return f"<section><h2>Worst frames</h2>{''.join(parts)}</section>" if parts else ""


def facts_section(facts: Mapping[str, str]) -> str:
    """Return what the run was made with."""
    items = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.items()
    )
    return f"<section><h2>The run</h2><dl>{items}</dl></section>"


def _over_time(title: str, note: str, rows: list[str], history: RunHistory) -> str:
    return (
        f'<section><h2>{escape(title)}</h2><p class="note">{escape(note)}</p>'
        f"{_chart(rows, history)}</section>"
    )


def _chart(rows: list[str], history: RunHistory) -> str:
    """Return rows with the time axis below; frames are equally spaced."""
    seconds = history.seconds()
    picked = np.unique(np.linspace(0, len(seconds) - 1, _TICKS).round().astype(int))
    ticks = "".join(f"<span>{seconds[index]:.1f} s</span>" for index in picked)
    return f'<div class="chart seekable">{"".join(rows)}<div class="axis">{ticks}</div></div>'


def _row(name: str, chart: str, value: str, *, strong: bool = False) -> str:
    weight = " strong" if strong else ""
    return (
        f'<span class="name{weight}">{escape(name)}</span><div class="plot">{chart}</div>'
        f'<span class="value{weight}">{escape(value)}</span>'
    )


def _table(caption: str, head: list[str], rows: list[list[str]], mean: list[str] | None) -> str:
    def cells(words: list[str]) -> str:
        first, *rest = (escape(word) for word in words)
        return f'<th scope="row">{first}</th>' + "".join(f"<td>{word}</td>" for word in rest)

    titles = "".join(f'<th scope="col">{escape(word)}</th>' for word in head)
    body = "".join(f"<tr>{cells(words)}</tr>" for words in rows)
    if mean is not None:
        body += f'<tr class="mean">{cells(mean)}</tr>'
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{titles}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _source(still: Still) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(still.jpeg).decode("ascii")


def _action_colors(labels: LabelSet) -> list[str]:
    """Return the colour of each action: that of the affordance of the same name, or grey."""
    return [
        _css(labels.colors_rgb[labels.label_id(name)]) if name in labels.affordances else "#8a8f98"
        for name in labels.actions
    ]


def _css(rgb: npt.NDArray[np.uint8]) -> str:
    return "#" + "".join(f"{int(value):02x}" for value in rgb)


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None or np.isnan(value) else f"{value:.1f}"
