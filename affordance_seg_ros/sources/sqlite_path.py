# SPDX-License-Identifier: Apache-2.0
"""Where a bag in SQLite can lie."""

from pathlib import Path

from affordance_seg_ros.errors import SourceError


def check_sqlite_path(path: Path) -> None:
    """Refuse a path that rosbags, which makes a URI of it, cannot open.

    Raises:
        SourceError: It is one.
    """
    if set("#?%") & set(str(path)):
        raise SourceError(f"{path}: SQLite cannot open a path with #, ? or %; expected another one")
