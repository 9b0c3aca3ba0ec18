# SPDX-License-Identifier: Apache-2.0
"""What travels between the stages: frames in, scene flow between, predictions out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.errors import FrameError

if TYPE_CHECKING:
    from torch import Tensor


LEAST_M, FARTHEST_M = 1e-4, 1000.0
"""Depth outside these bounds [m] counts as missing: some drivers mark it with the largest float,
and floats in the wrong byte order come out as next to nothing."""


@dataclass(frozen=True)
class DepthImage:
    """Depth as the sensor stores it; converted to metres only where it is used.

    Attributes:
        raw: (H, W) uint16 with 0 = no depth, or float32 with NaN, Inf, below a tenth of a
            millimetre or beyond a kilometre = no depth.
        metres_per_unit: Length of one raw unit [m]: 0.001 for 16UC1, 1 for 32FC1.
    """

    raw: npt.NDArray[np.uint16] | npt.NDArray[np.float32]
    metres_per_unit: float

    def __post_init__(self) -> None:
        if self.raw.ndim != 2 or self.raw.dtype not in (np.uint16, np.float32):
            raise FrameError(
                f"depth array {self.raw.dtype} of shape {self.raw.shape}; expected (H, W) uint16 "
                "or float32"
            )

    def to_metres(self) -> npt.NDArray[np.float32]:
        """Return a new (H, W) float32 array [m] with NaN where there is no depth."""
        depth_m = self.raw.astype(np.float32)
        if self.metres_per_unit != 1:
            depth_m *= np.float32(self.metres_per_unit)
        # Written so that NaN fails as well.
        depth_m[~((depth_m > LEAST_M) & (depth_m < FARTHEST_M))] = np.nan
        return depth_m


@dataclass(frozen=True)
class RgbdFrame:
    """One colour picture with depth aligned to it.

    Attributes:
        stamp_ns: Stamp of the colour picture [ns].
        frame_id: Optical frame of the colour camera.
        color: (H, W, 3) uint8 RGB.
        depth: (H, W) depth on the colour camera's pixel grid.
        camera: Intrinsics of the colour camera.
    """

    stamp_ns: int
    frame_id: str
    color: npt.NDArray[np.uint8]
    depth: DepthImage
    camera: Camera

    def __post_init__(self) -> None:
        if self.color.ndim != 3 or self.color.shape[2] != 3 or self.color.dtype != np.uint8:
            raise FrameError(
                f"colour array {self.color.dtype} of shape {self.color.shape}; expected (H, W, 3) "
                "uint8"
            )
        height, width = self.color.shape[:2]
        if self.depth.raw.shape != (height, width):
            rows, columns = self.depth.raw.shape
            raise FrameError(
                f"depth {columns}x{rows} with colour {width}x{height}; expected depth aligned to "
                "colour, of equal size: let the driver align it, or set align_depth"
            )
        if (self.camera.width, self.camera.height) != (width, height):
            raise FrameError(
                f"camera_info {self.camera.width}x{self.camera.height} with colour "
                f"{width}x{height}; expected equal sizes"
            )


class SceneFlow(NamedTuple):
    """Motion from an older frame to a newer one, on the older frame's pixel grid.

    Attributes:
        flow_px: (2, H, W) float32 optical flow (columns, rows) [px].
        depth_change_m: (H, W) float32 change of depth along the motion [m].
        motion_m: (3, H, W) float32 3D motion in the camera frame [m]; 0 where not valid.
        valid: (H, W) bool, true where depth was seen at both ends of the motion and the lens
            models know where these are.
    """

    flow_px: "Tensor"
    depth_change_m: "Tensor"
    motion_m: "Tensor"
    valid: "Tensor"


class Action(NamedTuple):
    """The recognised action: its id and name, its probability, and those of all actions (M,)."""

    id: int
    name: str
    score: float
    scores: npt.NDArray[np.float32]


class Box(NamedTuple):
    """An axis-aligned box of pixels: top left corner and size [px]."""

    x: int
    y: int
    width: int
    height: int


class Region(NamedTuple):
    """One connected part of an object and what it affords; 3D in the colour camera's frame.

    Attributes:
        label_id: Affordance id, 1..N.
        name: Affordance name.
        score: Mean probability of the label over the region.
        area_px: Number of pixels.
        box: Bounding box.
        depth_fraction: Share of the region's pixels with depth. The 3D fields are NaN where too
            few pixels have depth.
        centroid_m: (3,) median point [m].
        normal: (3,) unit surface normal, towards the camera.
        axes: (3, 3) unit principal axes, one per row, longest extent first; right-handed, and the
            last is the normal.
        extents_m: (3,) extents along the axes [m].
        center_m: (3,) centre of the oriented box of these axes and extents [m].
        area_m2: Area of the visible surface projected onto the plane of the first two axes [m²].
        track_id: Stays the same while the region is tracked; 0 if it is not.
        track_frames: Frames in which the region was seen under this id, this one included.
    """

    label_id: int
    name: str
    score: float
    area_px: int
    box: Box
    depth_fraction: float
    centroid_m: npt.NDArray[np.float64]
    normal: npt.NDArray[np.float64]
    axes: npt.NDArray[np.float64]
    extents_m: npt.NDArray[np.float64]
    center_m: npt.NDArray[np.float64]
    area_m2: float
    track_id: int = 0
    track_frames: int = 0


class StageTimes(NamedTuple):
    """Wall time of each stage of one step [ms]."""

    preprocess: float
    flow: float
    network: float
    postprocess: float


class Wanted(NamedTuple):
    """Which of the costly parts of a prediction are wanted; the others are left empty.

    Attributes:
        regions: `Prediction.regions`.
        flow_color: `Prediction.flow_color`.
        confidence: `Prediction.confidence`, four times the bytes of the mask.
    """

    regions: bool = True
    flow_color: bool = True
    confidence: bool = True


EVERYTHING = Wanted()


@dataclass(frozen=True)
class Prediction:
    """What the pipeline says about one frame.

    Attributes:
        stamp_ns: The frame's own stamp [ns].
        frame_id: The frame's own frame_id.
        mask: (H, W) uint8 label ids at colour resolution.
        confidence: (H, W) float32 probability of the chosen label, in [0, 1]; of shape (0, 0) where
            it was not wanted.
        action: The recognised action.
        regions: 3D regions of the mask, largest first; empty where they were not wanted.
        flow_color: (h, w, 3) uint8 coloured 3D flow at network resolution; black on a first frame,
            of shape (0, 0, 3) where it was not wanted.
        stages_ms: Wall time of each stage.
        reset_reason: Why the pipeline forgot the past before this frame; empty if it did not.
    """

    stamp_ns: int
    frame_id: str
    mask: npt.NDArray[np.uint8]
    confidence: npt.NDArray[np.float32]
    action: Action
    regions: tuple[Region, ...]
    flow_color: npt.NDArray[np.uint8]
    stages_ms: StageTimes
    reset_reason: str
