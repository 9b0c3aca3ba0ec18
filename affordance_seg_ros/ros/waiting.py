# SPDX-License-Identifier: Apache-2.0
"""What the node waits for, in words a person can act on."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_MANY_REPEATED = 3
"""This many images with the same stamp are no accident."""


class PublisherView(NamedTuple):
    """A publisher as the ROS graph shows it: node, message type, and QoS reliability."""

    node: str
    message_type: str
    reliability: str


class TopicView(NamedTuple):
    """An input topic as the node sees it.

    Attributes:
        role: What it carries: ``colour``, ``depth``, ``camera_info``.
        topic: Full name after remapping.
        message_type: Type that the node expects.
        reliability: QoS reliability that the node asks for.
        publishers: Who publishes on it.
        incompatible_policy: QoS policy for which a publisher was refused; empty if none was.
        silence_s: Time since the last message, or since the node began to listen [s].
        message_count: Messages received so far.
        elsewhere: Topics with the same images on another transport, in words; empty for none.
        once: Whether one message is enough, as for camera_info, which some drivers send once.
    """

    role: str
    topic: str
    message_type: str
    reliability: str
    publishers: Sequence[PublisherView]
    incompatible_policy: str
    silence_s: float
    message_count: int
    elsewhere: str = ""
    once: bool = False


def awaited(view: TopicView, limit_s: float) -> str:
    """Return a sentence on a topic that has been silent beyond the limit, or an empty string."""
    if view.silence_s < limit_s or (view.once and view.message_count):
        return ""
    since = "stopped" if view.message_count else "has not come"
    start = f"{view.role} {since} for {view.silence_s:.0f} s: "
    if not view.publishers and view.elsewhere:
        return f"{start}no publisher on {view.topic}, but {view.elsewhere}"
    if not view.publishers:
        return (
            f"{start}no publisher on {view.topic}; start the camera driver, or remap the topic to "
            "where it publishes"
        )
    nodes = ", ".join(sorted({publisher.node for publisher in view.publishers}))
    counted = f"{_publishers(len(view.publishers))} on {view.topic} ({nodes})"
    wrong = {p.message_type for p in view.publishers} - {view.message_type}
    if wrong:
        return f"{start}{counted} of type {', '.join(wrong)}; expected {view.message_type}"
    if view.incompatible_policy:
        offered = ", ".join(sorted({publisher.reliability for publisher in view.publishers}))
        return (
            f"{start}{counted}, but QoS {view.incompatible_policy} does not match: offered "
            f"{offered}, expected {view.reliability} (parameter 'reliability')"
        )
    return f"{start}{counted}, but no message; is the camera streaming?"


def repeated_publishers(view: TopicView) -> str:
    """Return a sentence on a topic with several publishers, or an empty string.

    Colour from one would be paired with depth from the other, and nobody could tell.
    """
    if len(view.publishers) < 2:
        return ""
    nodes = ", ".join(sorted(publisher.node for publisher in view.publishers))
    return f"{len(view.publishers)} publishers on {view.topic} ({nodes}); expected one"


def stuck_stamps(role: str, stamp_ns: int, silence_s: float, limit_s: float, repeated: int) -> str:
    """Return a sentence if images come whose stamps stand still, or an empty string.

    Args:
        role: Which images.
        stamp_ns: Their last stamp [ns].
        silence_s: Time since the last pair [s].
        limit_s: Silence that is accepted [s].
        repeated: Images since the last pair with a repeated stamp.
    """
    if silence_s < limit_s or repeated < _MANY_REPEATED:
        return ""
    return (
        f"no pair for {silence_s:.0f} s: {role} comes, but its stamps stand still at "
        f"{1e-9 * stamp_ns:.3f} s; is the driver's clock running? (its use_sim_time needs /clock)"
    )


def unpaired_images(
    color_stamp_ns: int,
    depth_stamp_ns: int,
    silence_s: float,
    limit_s: float,
    skew_limit_ns: int | None,
) -> str:
    """Return a sentence if both images come but never fit together, or an empty string.

    Args:
        color_stamp_ns: Last colour stamp [ns].
        depth_stamp_ns: Last depth stamp [ns].
        silence_s: Time since the last pair [s].
        limit_s: Silence that is accepted [s].
        skew_limit_ns: Largest difference that is accepted [ns]; None while it is unknown.
    """
    if silence_s < limit_s:
        return ""
    accepted = "equal ones" if skew_limit_ns is None else f"at most {1e-9 * skew_limit_ns:.4f} s"
    apart_s = 1e-9 * abs(color_stamp_ns - depth_stamp_ns)
    return (
        f"no pair for {silence_s:.0f} s: colour and depth both come, but the last stamps are "
        f"{apart_s:.3f} s apart; expected {accepted} (max_skew_s, or half a frame if that is less)"
    )


def lost_images(unpaired_hz: float, pairs_hz: float, images: Sequence[TopicView]) -> str:
    """Return a sentence if pairs come, but most images have no partner, or an empty string.

    Args:
        unpaired_hz: Rate of the images without a partner [Hz].
        pairs_hz: Rate of the pairs [Hz].
        images: The topics of the images.
    """
    if not 0 < pairs_hz < unpaired_hz:
        return ""
    found = f"{unpaired_hz:.1f} images/s without a partner, {pairs_hz:.1f} pairs/s"
    # What does not fit into the middleware's memory is lost, and best effort never resends it.
    offered = {publisher.reliability for view in images for publisher in view.publishers}
    if offered == {"reliable"} and any(view.reliability != "reliable" for view in images):
        found += "; if images get lost on the way, reliability: reliable has them sent again"
    return found


def other_frame(color_frame: str, depth_frame: str) -> str:
    """Return a sentence on depth that is in a different optical frame from colour."""
    return (
        f"depth is in frame '{depth_frame}', colour in '{color_frame}'; expected depth aligned to "
        "colour: let the driver align it, or set align_depth"
    )


def uncalibrated_pairs(count: int, silence_s: float, limit_s: float) -> str:
    """Return a sentence if pairs are lost for want of a calibration, or an empty string.

    Args:
        count: Pairs dropped so far.
        silence_s: Time for which a pair has waited [s].
        limit_s: Wait that is accepted [s].
    """
    if not count or silence_s < limit_s:
        return ""
    return f"{count} pairs dropped so far: without camera_info no frame can be processed"


def without_durations(sentence: str) -> str:
    """Return the sentence without durations and counts: they change, the reason stays the same."""
    return re.sub(r"[\d.]+ (s|pairs|images)\b", "", sentence)


def _publishers(count: int) -> str:
    return f"{count} publisher{'s' if count > 1 else ''}"
