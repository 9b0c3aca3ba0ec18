# SPDX-License-Identifier: Apache-2.0
"""Where a bag in SQLite can be stored."""

from pathlib import Path

from affordance_seg_ros.errors import SourceError


def check_sqlite_path(path: Path) -> None:
    """Reject a path that rosbags cannot open, because it makes a URI of it.

    Raises:
        SourceError: It is such a path.
    """
    if set("#?%") & set(str(path)):
        raise SourceError(f"{path}: SQLite cannot open a path with #, ? or %; expected one without")
