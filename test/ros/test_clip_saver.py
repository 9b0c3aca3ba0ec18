# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from frame_samples import stream

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.frames import RgbdFrame
from affordance_seg_ros.ros.clip_saver import ClipSaver
from affordance_seg_ros.sources.clip import ClipInfo, read_clip

LONG = stream(200, width=640, height=480)
"""Takes seconds to write."""


class Outcome:
    def __init__(self) -> None:
        self.saved: list[Path] = []
        self.failed: list[str] = []


@pytest.fixture
def outcome() -> Outcome:
    return Outcome()


@pytest.fixture
def saver(outcome: Outcome) -> Iterator[ClipSaver]:
    found = ClipSaver(outcome.saved.append, outcome.failed.append)
    yield found
    found.close(0.0)


def info(frames: list[RgbdFrame]) -> ClipInfo:
    return ClipInfo("", "", "recorded", frames[0].camera)


def test_the_clip_holds_the_frames(saver: ClipSaver, outcome: Outcome, tmp_path: Path) -> None:
    frames = stream(4)
    saver.save(tmp_path / "deep/clip", info(frames), frames)
    saver.close(60.0)
    assert (outcome.saved, outcome.failed) == ([tmp_path / "deep/clip"], [])
    clip = read_clip(tmp_path / "deep/clip")
    assert clip.stamps_ns == tuple(frame.stamp_ns for frame in frames)
    np.testing.assert_array_equal(clip.frame(3).depth.raw, frames[3].depth.raw)
    assert saver.writing is None


def test_a_second_clip_has_to_wait(saver: ClipSaver, outcome: Outcome, tmp_path: Path) -> None:
    saver.save(tmp_path / "first", info(LONG), LONG)
    assert saver.writing == tmp_path / "first"
    with pytest.raises(SourceError, match="first is still being written"):
        saver.save(tmp_path / "second", info(LONG), LONG)


def test_what_is_abandoned_leaves_nothing(
    saver: ClipSaver, outcome: Outcome, tmp_path: Path
) -> None:
    saver.save(tmp_path / "clip", info(LONG), LONG)
    saver.close(0.0)
    assert list(tmp_path.iterdir()) == []
    assert "abandoned, as the node ends" in outcome.failed[0]
    frames = stream(2)
    saver.save(tmp_path / "clip", info(frames), frames)
    saver.close(60.0)
    assert outcome.saved == [tmp_path / "clip"]


def test_a_folder_that_cannot_be_made_is_refused_at_once(saver: ClipSaver, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    frames = stream(1)
    with pytest.raises(SourceError, match="file: cannot be written to"):
        saver.save(tmp_path / "file/clip", info(frames), frames)


def test_an_existing_clip_is_not_replaced(saver: ClipSaver, tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    frames = stream(1)
    with pytest.raises(SourceError, match="clip exists"):
        saver.save(tmp_path / "clip", info(frames), frames)


FULL_DISK = """
import resource, sys
from pathlib import Path
from frame_samples import stream
from affordance_seg_ros.ros.clip_saver import ClipSaver
from affordance_seg_ros.sources.clip import ClipInfo
# Files may not grow beyond this: the system refuses as a full disk does.
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
frames = stream(3)
saver = ClipSaver(lambda path: print("saved", path), lambda reason: print("failed:", reason))
saver.save(Path(sys.argv[1]) / "clip", ClipInfo("", "", "recorded", frames[0].camera), frames)
saver.close(60.0)
"""


def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path: Path) -> None:
    # In a process of its own: the limit holds for all that a process writes.
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        capture_output=True, text=True, check=True, timeout=60,
        cwd=Path(__file__).parent,
    )  # fmt: skip
    assert done.stdout.startswith(f"failed: cannot write {tmp_path / 'clip'}: File too large")
    assert list(tmp_path.iterdir()) == []
