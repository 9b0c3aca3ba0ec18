# SPDX-License-Identifier: Apache-2.0
"""Tiny data sets in the exact layouts of the published ones."""

import cv2
import numpy as np
from scipy.io import savemat

from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.training.datasets.data_source import DataSource
from affordance_seg_ros.training.datasets.sor3d_aff import MASK_COLORS_RGB

SIZE = (12, 16)


def color(value=100):
    return np.full((*SIZE, 3), value, np.uint8)


def write_rgb(path, rgb):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), rgb[..., ::-1])


def write_depth(path, millimetres=800):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full(SIZE, millimetres, np.uint16))


def sor3d_mask(action):
    mask = np.full((*SIZE, 3), 255, np.uint8)
    mask[2:6, 3:9] = MASK_COLORS_RGB[action]
    mask[8:] = 0
    return mask


def write_sor3d(root):
    """Write three sequences of SOR3D-AFF and return their folder."""
    for split, action in (("train", "lift"), ("train", "rotate"), ("val", "cut")):
        folder = root / split / f"S01_{action}_slow_cup"
        for i in range(3):
            write_rgb(folder / f"rgb/{i:04}.png", color(50 + 40 * i))
            write_depth(folder / f"depth/{i:04}.png", 700 + i)
        write_rgb(folder / "rgb/0003_mask.png", sor3d_mask(action))
        write_rgb(folder / "rgb/0004_other.png", color())
        write_rgb(folder / "rgb/0005_other.png", color())
        (folder / "rgb/0006_hotspot.json").write_text("{}")
    return root


def write_umd(root):
    """Write two tools of UMD, labelled by hand and one frame by neighbours; return their folder."""
    for tool in ("mug_01", "saw_02"):
        for frame, how in ((1, "manual"), (4, "automatic"), (11, "manual")):
            stem = root / f"tools/{tool}/{tool}_{frame:08}"
            write_rgb(stem.with_name(f"{stem.name}_rgb.jpg"), color())
            write_depth(stem.with_name(f"{stem.name}_depth.png"))
            label = np.zeros(SIZE, np.uint8)
            label[0, :8] = range(8)
            savemat(stem.with_name(f"{stem.name}_label.mat"), {"gt_type": how, "gt_label": label})
            rank = np.ones((*SIZE, 7), np.uint8)
            savemat(stem.with_name(f"{stem.name}_label_rank.mat"), {"gt_label": rank})
    (root / "category_split.txt").write_text("1 mug_01\n2 saw_02\n")
    (root / "novel_split.txt").write_text("2 mug_01\n1 saw_02\n")
    return root


def write_iit(root):
    """Write three pictures of IIT-AFF and return their folder."""
    for name in ("00_1", "00_2", "00_3"):
        write_rgb(root / f"rgb/{name}.jpg", color())
        for folder, value in (("deep", 1.25), ("affordances_labels", 5)):
            (root / folder).mkdir(exist_ok=True)
            np.savetxt(root / folder / f"{name}.txt", np.full(SIZE, value), fmt="%g")
        (root / "object_labels").mkdir(exist_ok=True)
        (root / f"object_labels/{name}.txt").write_text("1 0 0 5 5\n")
    (root / "train_and_val.txt").write_text("00_1.jpg\n00_2.jpg\n")
    (root / "val.txt").write_text("00_2.jpg\n")
    (root / "test.txt").write_text("00_3.jpg\n")
    return root


def write_utkinect(root):
    """Write two takes of UTKinect and return their folder."""
    for take, frames in (("s01_e01", (252, 254, 257, 300)), ("s02_e01", (10, 12))):
        for number in frames:
            rgb = np.full((24, 32, 3), 90, np.uint8)
            write_rgb(root / f"RGB/{take}/colorImg{number}.jpg", rgb)
            depth_mm = np.full(SIZE, 2000 + number, np.uint16)
            write_depth_image(root / f"depth/{take}/depthImg{number}.xml", depth_mm << 3 | 1)
    (root / "actionLabel.txt").write_text(
        "s01_e01\nwalk: 252 260\nsitDown: 290 310\ns02_e01\nwalk: 10 12\ncarry: NaN NaN\n"
    )
    return root


def write_depth_image(path, values):
    """Write a 16-bit image as OpenCV 1 wrote it, which later releases cannot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = values.shape
    rows = "\n    ".join(" ".join(map(str, row)) for row in values)
    path.write_text(
        f"""<?xml version="1.0"?>
<opencv_storage>
<{path.stem} type_id="opencv-image">
  <width>{width}</width>
  <height>{height}</height>
  <origin>top-left</origin>
  <layout>interleaved</layout>
  <dt>w</dt>
  <data>
    {rows}</data></{path.stem}>
</opencv_storage>
"""
    )


def scan(kind, root, split):
    found = DataSource(kind, str(root), split).scan(LabelSet())
    return found.sequences, found.problems
