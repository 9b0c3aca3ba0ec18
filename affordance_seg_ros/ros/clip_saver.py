# SPDX-License-Identifier: Apache-2.0
"""Writes clips in a separate thread: one at a time, completely or not at all."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from affordance_seg_ros.errors import AffordanceError, SourceError
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.sources.clip import ClipInfo, ClipWriter

_GRACE_S = 3.0
"""`ros2 launch` waits five seconds after SIGINT before it escalates."""


class ClipSaver:
    """Writes clips in the background.

    Args:
        on_saved: Called from the writing thread with the folder of a clip that is complete.
        on_failed: Called from the writing thread with the reason why a clip could not be written;
            nothing is left on disk.
    """

    def __init__(self, on_saved: Callable[[Path], None], on_failed: Callable[[str], None]) -> None:
        self._on_saved = on_saved
        self._on_failed = on_failed
        self._thread: threading.Thread | None = None
        self._path: Path | None = None
        self._abandoned = threading.Event()

    @property
    def writing(self) -> Path | None:
        """The folder of the clip that is being written; None if none is."""
        return self._path if self._thread is not None and self._thread.is_alive() else None

    def save(self, path: Path, info: ClipInfo, frames: Sequence[RgbdFrame]) -> None:
        """Start writing a clip.

        Args:
            path: Folder of the clip, which must not exist; its parent is created if missing.
            info: Description of the clip.
            frames: Frames of the clip; at least one.

        Raises:
            SourceError: Another clip is being written, or the folder exists or cannot be created.
        """
        if self.writing is not None:
            raise SourceError(f"{self.writing} is still being written; expected one at a time")
        try:
            if path.exists():
                raise SourceError(f"{path} exists; expected a new folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            _try_to_write(path.parent)
        except OSError as error:
            raise SourceError(f"{path.parent}: cannot be written to ({error.strerror})") from error
        self._path = path
        self._thread = threading.Thread(
            target=self._write, args=(path, info, tuple(frames)), name="clip_saver"
        )
        self._thread.start()

    def close(self, grace_s: float = _GRACE_S) -> None:
        """Give a clip being written a little time to finish, or else abandon it, leaving nothing.

        Args:
            grace_s: Time to finish [s].
        """
        if self._thread is not None:
            self._thread.join(grace_s)
            self._abandoned.set()
            self._thread.join()
            self._abandoned.clear()

    def _write(self, path: Path, info: ClipInfo, frames: tuple[RgbdFrame, ...]) -> None:
        try:
            with ClipWriter(path, info) as writer:
                for frame in frames:
                    if self._abandoned.is_set():
                        raise SourceError(f"{path}: abandoned, as the node ends")
                    writer.add_frame(frame.stamp_ns, frame.color, frame.depth)
        except AffordanceError as error:
            self._on_failed(str(error))
        else:
            self._on_saved(path)


def _try_to_write(folder: Path) -> None:
    """Raise OSError unless files can be created in a folder."""
    probe = folder / ".affordance_snapshot_probe"
    probe.touch()
    probe.unlink()
