# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

import pytest

from affordance_seg_ros.errors import CheckpointError, SourceError
from affordance_seg_ros.whole_file import whole_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "file"
    found.write_bytes(b"old")
    return found


def only(path: Path) -> bytes:
    """Return what is in a file that has nothing beside it."""
    assert list(path.parent.iterdir()) == [path]
    return path.read_bytes()


def test_the_old_file_stands_until_the_new_one_is_whole(path: Path) -> None:
    with whole_file(path, SourceError) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert only(path) == b"new"


@pytest.mark.parametrize("folder", [".", "/"])
def test_a_folder_is_no_file(folder: str) -> None:
    with pytest.raises(SourceError, match="is a folder; expected a file"):
        whole_file(Path(folder), SourceError).__enter__()


def test_whatever_goes_wrong_leaves_the_old_file_and_nothing_else(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), whole_file(path, SourceError) as file:
        file.write(bytes(1 // 0))
    assert only(path) == b"old"


def test_a_full_disk_is_named_and_leaves_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    reason = "file: cannot be written: No space left on device"
    with pytest.raises(CheckpointError, match=reason), whole_file(path, CheckpointError) as file:
        file.write(b"new")
    assert only(path) == b"old"


def test_folders_are_made_on_request_only(tmp_path: Path) -> None:
    path = tmp_path / "deep/er/file"
    with pytest.raises(SourceError, match="No such file"), whole_file(path, SourceError):
        pass
    with whole_file(path, SourceError, make_folder=True) as file:
        file.write(b"new")
    assert only(path) == b"new"


def test_a_file_in_the_place_of_a_folder_is_named(path: Path) -> None:
    with (
        pytest.raises(SourceError, match="inner: cannot be written: "),
        whole_file(path / "inner", SourceError, make_folder=True),
    ):
        pass


def test_a_link_stays_and_what_it_points_to_is_replaced(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path)
    with whole_file(link, SourceError) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with whole_file(pipe, SourceError) as file:
        file.write(b"new")
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert pipe.is_fifo()
