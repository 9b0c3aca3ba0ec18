# SPDX-License-Identifier: Apache-2.0
"""Whether a frame continues the stream before it."""

from dataclasses import dataclass

from affordance_seg_ros.frames import RgbdFrame


@dataclass(frozen=True)
class _Stream:
    """What must stay the same for frames to belong to one stream."""

    frame_id: str
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height} in '{self.frame_id}'"


class StreamWatch:
    """Follows a stream frame by frame, and says where it breaks."""

    def __init__(self) -> None:
        self._stream: _Stream | None = None
        self._last_ns = 0

    def reset(self) -> None:
        """Forget the stream: whatever comes next begins a new one."""
        self._stream = None

    def follow(self, frame: RgbdFrame, max_gap_s: float) -> str:
        """Take the next frame; return why it does not continue the stream, or an empty string.

        Args:
            frame: The frame.
            max_gap_s: Longest allowed time since the last one [s].
        """
        height, width = frame.color.shape[:2]
        before, self._stream = self._stream, _Stream(frame.frame_id, width, height)
        step_s = 1e-9 * (frame.stamp_ns - self._last_ns)
        self._last_ns = frame.stamp_ns
        if before is None:
            return ""  # nothing to forget
        if self._stream != before:
            return f"the stream changed from {before} to {self._stream}"
        if step_s < 0:
            return f"time jumped back by {-step_s:.3f} s"
        if step_s > max_gap_s:
            return f"gap of {step_s:.3f} s, longer than max_gap_s={max_gap_s:g}"
        return ""
