# SPDX-License-Identifier: Apache-2.0
"""How long nothing has moved in front of the camera."""

from torch import Tensor
from torch.nn import functional

from affordance_seg_ros.frames import SceneFlow

_LEAST_FLOW = 0.003  # share of the picture's width: half a pixel of 160
_LEAST_MOTION_M = 0.01
_PATCH_PX = 5
_FILLED = 0.6  # share of a patch: flying pixels at the edges of objects jump alone
_LEAST_AREA = 0.002  # share of the patches: two at 160x120
_SPAN_NS = 90_000_000
"""The thresholds apply to motion in a tenth of a second, and stamps jitter."""


def moves(flow: SceneFlow) -> Tensor:
    """Return a () bool: whether something in the picture moves, and not only the sensor's noise.

    Both the picture and the depth must show it, in patches: the thresholds were found on rendered
    scenes at rest, in which only the sensors' noise changes. Squares are compared, as a norm over
    the first dimension takes 40 times as long on a CPU.
    """
    least_px = _LEAST_FLOW * flow.flow_px.shape[2]
    moved = (
        flow.valid
        & (flow.flow_px.square().sum(0) > least_px**2)
        & (flow.motion_m.square().sum(0) > _LEAST_MOTION_M**2)
    )
    filled = functional.avg_pool2d(moved[None].float(), _PATCH_PX) > _FILLED
    return filled.float().mean() > _LEAST_AREA


class Rest:
    """Watches a stream for the first motion after a time without any.

    Attributes:
        ended_s: Length of the rest that the last frame ended [s]; 0 where it ended none.
    """

    def __init__(self) -> None:
        self._motion: SceneFlow | None = None
        self._judged_ns: int | None = None
        self._since_ns: int | None = None
        self.ended_s = 0.0

    def judge(self, flow: SceneFlow, stamp_ns: int) -> Tensor | None:
        """Return whether anything moves, a () bool; None if too little time has passed to tell.

        Motion adds up in the meantime: what looks slow at thirty frames a second need not be slow.

        Args:
            flow: Motion up to the next frame.
            stamp_ns: The frame's stamp [ns].
        """
        motion = flow if self._motion is None else _add(self._motion, flow)
        if self._judged_ns is not None and stamp_ns - self._judged_ns < _SPAN_NS:
            self._motion = motion
            return None
        self._motion, self._judged_ns = None, stamp_ns
        return moves(motion)

    def note(self, moved: bool | None, stamp_ns: int) -> None:
        """Take in what `judge` returned for the next frame.

        Args:
            moved: Whether anything moved up to it; before a first frame nothing does.
            stamp_ns: The frame's stamp [ns].
        """
        if moved is None:
            self.ended_s = 0.0
            return
        if moved:
            self.ended_s = 0.0 if self._since_ns is None else 1e-9 * (stamp_ns - self._since_ns)
            self._since_ns = None
            return
        self.ended_s = 0.0
        if self._since_ns is None:
            self._since_ns = stamp_ns

    def reset(self) -> None:
        """Forget the stream: the next frame is a first one."""
        self._motion, self._judged_ns = None, None
        self._since_ns, self.ended_s = None, 0.0


def _add(earlier: SceneFlow, later: SceneFlow) -> SceneFlow:
    """Return the sum of two motions, pixel by pixel: they span a few pixels, less than patches."""
    return SceneFlow(
        earlier.flow_px + later.flow_px,
        earlier.depth_change_m + later.depth_change_m,
        earlier.motion_m + later.motion_m,
        earlier.valid & later.valid,
    )
