# SPDX-License-Identifier: Apache-2.0
"""The same region from frame to frame: ids that stay the same while a region is tracked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from affordance_seg_ros.frames import Region

_MAX_MISSED = 5
"""Frames that a region may be missing: half a second at the paper's rate."""
_MAX_UNSEEN_S = 2.0
"""After a region has been missing for longer than this, predicting its place is worth nothing."""
_VELOCITY_GAIN = 0.5
"""Share of the newest motion in the velocity: the borders of masks jitter."""
_MAX_MISFIT = 1.5
"""Of the boxes; at this limit a box has moved by three times its own length."""
_MAX_JUMP_M = 0.3
"""Between prediction and centroid: a hand at 3 m/s and 10 frames/s, not predicted at all."""
_UNMATCHED = 2.0
"""Cost of a region that begins a new track, and of a pair that must not be matched.

Two bad matches cost more than a good one and a new track, or else a region that stands still would
get its neighbour's id.
"""

_ROUND = 0.9
"""Ratio of width to length; a part that is rounder has no longest axis."""

Vector = npt.NDArray[np.float64]


@dataclass
class _Track:
    """A region as last seen, and how it moved.

    Attributes:
        id: Its id.
        region: The region.
        seen_ns: Stamp of the frame it was seen in [ns].
        missed: Frames since then.
        velocity: (5,) of the box's centre [px/s] and of the centroid [m/s].
        axes: (3, 3) its axes when it last had depth; NaN before.
    """

    id: int
    region: Region
    seen_ns: int
    missed: int
    velocity: Vector
    axes: Vector

    def place(self, stamp_ns: int) -> Vector:
        """Return the place expected at a stamp: box centre [px] and centroid [m], (5,)."""
        return _place(self.region) + 1e-9 * (stamp_ns - self.seen_ns) * self.velocity

    def see(self, region: Region, stamp_ns: int) -> Region:
        """Take in the region as seen now; return it with its id, its axes directed as before."""
        elapsed_s = 1e-9 * (stamp_ns - self.seen_ns)
        if elapsed_s > 0:
            newest = (_place(region) - _place(self.region)) / elapsed_s
            blended = self.velocity + _VELOCITY_GAIN * (newest - self.velocity)
            # Without depth now or before, nothing is known of the motion in space.
            self.velocity = np.where(np.isnan(blended), 0.0, blended)
        axes = _directed_as(self.axes, region)
        self.region = region._replace(
            axes=axes, track_id=self.id, track_frames=self.region.track_frames + 1
        )
        if not np.isnan(axes).any():
            self.axes = axes
        self.seen_ns, self.missed = stamp_ns, 0
        return self.region


class RegionTracker:
    """Gives each region the id of the region that it continues.

    Regions of the same label are matched where they are expected after their last motion: by the
    overlap of their boxes and, where both have depth, by the distance between their centroids. The
    assignment has the least total cost, so it does not depend on the order of the regions.
    A missing region keeps its id for five frames, but for two seconds at most. Ids begin at 1
    and are not reused until `reset`.
    """

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._last_id = 0

    def reset(self) -> None:
        """Forget all regions; ids begin at 1 again."""
        self._tracks.clear()
        self._last_id = 0

    def update(self, regions: Sequence[Region], stamp_ns: int) -> tuple[Region, ...]:
        """Return the regions of the next frame, in their order, with their ids.

        Args:
            regions: What was found in the frame.
            stamp_ns: Its stamp, not earlier than that of the previous frame [ns].
        """
        oldest_ns = stamp_ns - int(1e9 * _MAX_UNSEEN_S)
        self._tracks = [
            track for track in self._tracks if not track.missed or track.seen_ns >= oldest_ns
        ]
        ranks = sorted(range(len(regions)), key=lambda index: _rank(regions[index]))
        ranked = [regions[index] for index in ranks]
        pairs = _match(self._tracks, ranked, stamp_ns)
        for track in self._tracks:
            track.missed += 1
        named = [
            self._tracks[pairs[order]].see(region, stamp_ns)
            if order in pairs
            else self._begin(region, stamp_ns)
            for order, region in enumerate(ranked)
        ]
        self._tracks = [track for track in self._tracks if track.missed <= _MAX_MISSED]
        by_index = dict(zip(ranks, named, strict=True))
        return tuple(by_index[index] for index in range(len(regions)))

    def _begin(self, region: Region, stamp_ns: int) -> Region:
        self._last_id += 1
        named = region._replace(track_id=self._last_id, track_frames=1)
        self._tracks.append(_Track(self._last_id, named, stamp_ns, 0, np.zeros(5), named.axes))
        return named


def _match(tracks: list[_Track], regions: list[Region], stamp_ns: int) -> dict[int, int]:
    """Return the index of the track that each matched region continues."""
    if not tracks or not regions:
        return {}
    costs = _costs(tracks, regions, stamp_ns)
    rows, columns = linear_sum_assignment(costs)
    return {
        int(row): int(column)
        for row, column in zip(rows, columns, strict=True)
        if costs[row, column] < _UNMATCHED
    }


def _costs(tracks: list[_Track], regions: list[Region], stamp_ns: int) -> Vector:
    """Return how badly each region continues each track: (regions, tracks), 0 to `_UNMATCHED`."""
    found = np.array([_place(region) for region in regions])[:, None]
    expected = np.array([track.place(stamp_ns) for track in tracks])[None]
    sizes = np.array([region.box[2:] for region in regions], np.float64)[:, None]
    expected_sizes = np.array([track.region.box[2:] for track in tracks], np.float64)[None]
    misfit = 1 - _generalised_iou(expected[..., :2], expected_sizes, found[..., :2], sizes)
    # Without depth the boxes alone decide.
    jump_m = np.nan_to_num(np.linalg.norm(found[..., 2:] - expected[..., 2:], axis=-1), nan=0.0)
    labels = np.array([region.label_id for region in regions])
    others = labels[:, None] != np.array([track.region.label_id for track in tracks])
    never = others | (misfit > _MAX_MISFIT) | (jump_m > _MAX_JUMP_M)
    return np.where(never, _UNMATCHED, np.minimum(misfit + jump_m / _MAX_JUMP_M, _UNMATCHED))


def _generalised_iou(a_center: Vector, a_size: Vector, b_center: Vector, b_size: Vector) -> Vector:
    """Return the (...) generalised IoU of boxes, in (-1, 1], from (..., 2) centres and sizes.

    Source:
        Rezatofighi et al., Generalized Intersection over Union, CVPR 2019.
    """
    a_low, a_high = a_center - a_size / 2, a_center + a_size / 2
    b_low, b_high = b_center - b_size / 2, b_center + b_size / 2
    sides = np.minimum(a_high, b_high) - np.maximum(a_low, b_low)
    shared = np.maximum(sides, 0).prod(-1)
    union = a_size.prod(-1) + b_size.prod(-1) - shared
    hull = (np.maximum(a_high, b_high) - np.minimum(a_low, b_low)).prod(-1)
    return np.asarray(shared / union - (hull - union) / hull)


def _place(region: Region) -> Vector:
    """Return centre of the box [px] and centroid [m], (5,); NaN for the latter without depth."""
    box = region.box
    center = (box.x + box.width / 2, box.y + box.height / 2)
    return np.concatenate([center, region.centroid_m])


def _rank(region: Region) -> tuple[object, ...]:
    """Return a key that orders regions by what they are, not by where they are listed."""
    return (-region.area_px, region.label_id, region.box, region.score)


def _directed_as(before: Vector, region: Region) -> Vector:
    """Return a region's axes, the first two directed as before.

    They are reversed if the first one points against its earlier direction. In a round or square
    part, as wide as it is long, chance decides which direction in its plane is the longest: then
    it keeps the earlier one.
    """
    first, _, normal = axes = region.axes
    length, width, _ = region.extents_m
    kept = before[0] - (before[0] @ normal) * normal
    if width > _ROUND * length and np.linalg.norm(kept) > 0.5:
        first = kept / np.linalg.norm(kept)
        return np.stack([first, np.cross(normal, first), normal])
    if np.vdot(before[0], first) < 0:
        return np.asarray(axes * np.array([[-1.0], [-1.0], [1.0]]))
    return axes
