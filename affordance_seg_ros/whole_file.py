# SPDX-License-Identifier: Apache-2.0
"""Files that appear whole or not at all, and folders that they can be written to."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from affordance_seg_ros.errors import AffordanceError


def user_path(text: str, kind: type[AffordanceError]) -> Path:
    """Return a path that a person wrote, with ``~`` replaced by the home folder.

    Raises:
        AffordanceError: The home folder is that of an unknown user; of the given kind.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise kind(f"{text}: {error}; expected a folder of a known user") from None


def partial_path(path: Path) -> Path:
    """Return a hidden path next to another, with a unique name, for what is still being written.

    Two writers of the same thing never take each other's; what a killed one left keeps its name.
    """
    return path.parent / f".{path.name}.{secrets.token_hex(4)}.partial"


@contextmanager
def whole_file(
    path: Path, kind: type[AffordanceError], *, make_folder: bool = False
) -> Iterator[BinaryIO]:
    """Open a hidden file next to the path, which moves there once all of it is on the disk.

    If anything goes wrong, the hidden file is removed and a file that was at the path stays. What a
    link points to is replaced, not the link; a device or a pipe is written to directly.

    Args:
        path: Where the file is to appear.
        kind: The error to raise.
        make_folder: Create the folder, and its parents, if missing.

    Raises:
        AffordanceError: The file cannot be written; of the given kind.
    """
    if not path.name:
        raise kind(f"{path}: is a folder; expected a file")
    shown, path = path, path.resolve()
    temporary = partial_path(path)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as file:
                yield file
            return
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise kind(f"{shown}: cannot be written: {error.strerror}") from None


def check_writable(folder: Path, kind: type[AffordanceError]) -> None:
    """Create a folder and try to write to it, before time is spent on what goes there.

    Raises:
        AffordanceError: The folder cannot be written to; of the given kind.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise kind(f"{folder}: cannot be written to ({error.strerror})") from None
