# SPDX-License-Identifier: Apache-2.0
"""What ``clip.json`` says about an interaction clip."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import AffordanceError, ConfigError, SourceError
from affordance_seg_ros.labels import LabelSet

Item = TypeVar("Item")

CLIP_JSON = "clip.json"
_FORMAT = "affordance_seg_ros/clip"
_VERSION = 1
ROLES = ("surroundings", "object", "distractor", "hand", "person")
"""What a pixel of a rendered clip shows, by the id in its role map."""

_ORIGINS = ("rendered", "recorded", "converted")


@dataclass(frozen=True)
class ClipInfo:
    """Everything known about a clip besides its pictures.

    Attributes:
        object_name: The object that is handled, such as ``cup``; empty if unknown.
        action: The demonstrated action, one of ``labels.actions``; empty if unknown.
        source: Where the clip comes from: rendered, recorded or converted.
        camera: Intrinsics of colour and depth.
        rate_hz: Nominal frame rate [Hz].
        seed: Seed of a rendered clip.
        split: Split it belongs to, such as ``train``; empty for none.
        frame_id: Optical frame of the colour camera.
        labels: Names of label and action ids.
        interaction: First and last frame in which the action is under way; None if unknown.
        extra: Anything else that JSON can hold.
    """

    object_name: str
    action: str
    source: str
    camera: Camera
    rate_hz: float = 10.0
    seed: int | None = None
    split: str = ""
    frame_id: str = "camera_color_optical_frame"
    labels: LabelSet = field(default_factory=LabelSet)
    interaction: tuple[int, int] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.source not in _ORIGINS:
            raise ConfigError(f"clip source '{self.source}'; expected one of {', '.join(_ORIGINS)}")
        if self.action:
            self.labels.action_id(self.action)
        if not 0 < self.rate_hz < float("inf"):
            raise ConfigError(f"clip rate_hz={self.rate_hz}; expected a positive number")
        if self.interaction is not None and not 0 <= self.interaction[0] <= self.interaction[1]:
            raise ConfigError(
                f"clip interaction={list(self.interaction)}; expected its first and last frame"
            )

    @property
    def action_id(self) -> int | None:
        """Id of the action; None if it is unknown."""
        return self.labels.action_id(self.action) if self.action else None


def write_clip_info(folder: Path, info: ClipInfo, stamps_ns: tuple[int, ...]) -> None:
    """Write ``clip.json`` into a folder.

    Raises:
        SourceError: ``extra`` holds what JSON cannot, or the interaction is longer than the clip.
    """
    _check_interaction(folder / CLIP_JSON, info, len(stamps_ns))
    content = {
        "format": _FORMAT,
        "version": _VERSION,
        "object": info.object_name,
        "action": info.action,
        "source": info.source,
        "seed": info.seed,
        "split": info.split,
        "rate_hz": info.rate_hz,
        "frame_id": info.frame_id,
        "camera": asdict(info.camera),
        "affordances": info.labels.affordances,
        "actions": info.labels.actions,
        "stamps_ns": stamps_ns,
        "interaction": info.interaction,
        "extra": dict(info.extra),
    }
    try:
        text = json.dumps(content, indent=1, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SourceError(f"clip extra is not JSON: {error}") from None
    (folder / CLIP_JSON).write_text(text + "\n", encoding="utf-8")


def read_clip_info(folder: Path) -> tuple[ClipInfo, tuple[int, ...]]:
    """Read ``clip.json`` of a folder: the description and the frames' stamps [ns].

    Raises:
        SourceError: The file is missing, damaged, of another format or version, or holds
            impossible values.
    """
    path = folder / CLIP_JSON
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SourceError(f"{path} is missing: not a clip") from None
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(f"{path} is damaged: {error}") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise SourceError(f"{path} is not a clip; expected format '{_FORMAT}'")
    if content.get("version") != _VERSION:
        raise SourceError(f"{path} has version {content.get('version')}; expected {_VERSION}")
    try:
        info = ClipInfo(
            object_name=_of(content, "object", str),
            action=_of(content, "action", str),
            source=_of(content, "source", str),
            camera=_camera(_of(content, "camera", dict)),
            rate_hz=float(_of(content, "rate_hz", (int, float))),
            seed=_of(content, "seed", (int, type(None))),
            split=_of(content, "split", str),
            frame_id=_of(content, "frame_id", str),
            labels=LabelSet(_all_of(content, "affordances", str), _all_of(content, "actions", str)),
            interaction=_interaction(content.get("interaction")),
            extra=_of(content, "extra", dict),
        )
        stamps_ns = _all_of(content, "stamps_ns", int)
    except (AffordanceError, TypeError, ValueError, OverflowError) as error:
        raise SourceError(f"{path}: {error}") from None
    if not stamps_ns or any(b <= a for a, b in pairwise(stamps_ns)):
        raise SourceError(f"{path}: {len(stamps_ns)} stamps; expected at least one, increasing")
    _check_interaction(path, info, len(stamps_ns))
    return info, stamps_ns


def _of(content: Mapping[str, Any], name: str, kind: type | tuple[type, ...]) -> Any:
    if name not in content:
        raise SourceError(f"'{name}' is missing")
    if not isinstance(content[name], kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        accepted = " or ".join(each.__name__ for each in kinds).replace("NoneType", "null")
        raise SourceError(f"'{name}' is {content[name]!r}; expected {accepted}")
    return content[name]


def _all_of(content: Mapping[str, Any], name: str, kind: type[Item]) -> tuple[Item, ...]:
    items: list[Item] = _of(content, name, list)
    for item in items:
        if type(item) is not kind:  # True is an instance of int, too
            raise SourceError(f"'{name}' holds {item!r}; expected only {kind.__name__}")
    return tuple(items)


def _interaction(content: Any) -> tuple[int, int] | None:
    """Read the optional field, which clips of earlier versions of this package lack."""
    if content is None:
        return None
    if not isinstance(content, list) or [type(frame) for frame in content] != [int, int]:
        raise SourceError(f"'interaction' is {content!r}; expected its first and last frame")
    return content[0], content[1]


def _check_interaction(path: Path, info: ClipInfo, frames: int) -> None:
    if info.interaction is not None and info.interaction[1] >= frames:
        raise SourceError(
            f"{path}: interaction {list(info.interaction)} of {frames} frames; expected its first "
            "and last frame"
        )


def _camera(content: Mapping[str, Any]) -> Camera:
    fields = dict(content)
    fields["distortion"] = tuple(fields.get("distortion", ()))
    return Camera(**fields)
