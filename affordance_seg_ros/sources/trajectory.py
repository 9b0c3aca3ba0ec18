# SPDX-License-Identifier: Apache-2.0
"""Camera poses of a sequence, in the format of the Redwood data sets (``trajectory.log``)."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from affordance_seg_ros.errors import SourceError

_LINES_PER_POSE = 5


def read_trajectory(path: Path | str) -> npt.NDArray[np.float64]:
    """Read the poses of a trajectory file.

    Returns:
        (N, 4, 4) T_world_camera of each frame [m].

    Raises:
        SourceError: The file is missing or damaged, or a matrix is not a rigid motion.
    """
    path = Path(path)
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        count, rest = divmod(len(lines), _LINES_PER_POSE)
        if rest or not count:
            raise ValueError(f"{len(lines)} lines; expected {_LINES_PER_POSE} per pose")
        rows = [line for i, line in enumerate(lines) if i % _LINES_PER_POSE]
        poses = np.array([[float(x) for x in row.split()] for row in rows]).reshape(count, 4, 4)
    except FileNotFoundError:
        raise SourceError(f"{path} is missing") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} is damaged: {error}") from None
    rotations = poses[:, :3, :3]
    off = np.abs(rotations @ rotations.transpose(0, 2, 1) - np.eye(3)).max(initial=0)
    if not off < 1e-3 or not np.allclose(poses[:, 3], (0, 0, 0, 1)):
        raise SourceError(f"{path} holds a matrix that is not a rigid motion (off by {off:.2g})")
    return poses
