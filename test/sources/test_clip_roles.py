# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np
import pytest
from clip_samples import HEIGHT, INFO, WIDTH, depth_mm

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.sources.clip import ROLES, ClipWriter, read_clip

COLOR = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)


def role_map():
    roles = np.zeros((HEIGHT, WIDTH), np.uint8)
    roles[5:9, 6:12] = ROLES.index("object")
    roles[9:14, 6:12] = ROLES.index("hand")
    return roles


def test_roles_are_read_as_they_were_written(tmp_path):
    with ClipWriter(tmp_path / "clip", INFO) as writer:
        writer.add_frame(1, COLOR, depth_mm(), roles=role_map())
        writer.add_frame(2, COLOR, depth_mm())
    clip = read_clip(tmp_path / "clip")
    assert np.array_equal(clip.roles(0), role_map())
    assert clip.roles(1) is None


@pytest.mark.parametrize("wrong", [role_map() + 9, role_map().astype(np.int32)])
def test_roles_that_there_are_not_are_refused(tmp_path, wrong):
    with (
        pytest.raises(SourceError, match=r"roles holds .*; expected uint8 from 0 to 4"),
        ClipWriter(tmp_path / "clip", INFO) as writer,
    ):
        writer.add_frame(1, COLOR, depth_mm(), roles=wrong)


def test_a_damaged_role_map_is_named(tmp_path):
    with ClipWriter(tmp_path / "clip", INFO) as writer:
        writer.add_frame(1, COLOR, depth_mm(), roles=role_map())
    path = tmp_path / "clip/roles/00000.png"
    cv2.imwrite(str(path), role_map() + 7)
    with pytest.raises(SourceError, match=r"roles/00000\.png holds"):
        read_clip(tmp_path / "clip").roles(0)
