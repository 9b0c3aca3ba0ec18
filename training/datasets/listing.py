# SPDX-License-Identifier: Apache-2.0
"""Lists of names in text files of a data set."""

from pathlib import Path

from affordance_seg_ros.errors import SourceError


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file, without the spaces around them.

    Raises:
        SourceError: The file is missing or is not UTF-8 text.
    """
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        raise SourceError(f"{path.name} is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path.name} cannot be read: {error}; expected UTF-8 text") from None
