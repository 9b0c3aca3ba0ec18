# SPDX-License-Identifier: Apache-2.0
"""Messages and pictures that the tests of the sources share."""

import os
from array import array
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from bag_samples import CAMERA, FRAME_NS, START_NS
from clip_samples import INFO, depth_mm, label_map, motion

from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.sources.clip import ClipWriter


def _header(stamp_ns=0, frame_id="camera"):
    sec, nanosec = divmod(stamp_ns, 1_000_000_000)
    return SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=nanosec), frame_id=frame_id)


@pytest.fixture
def image_message():
    """A function that makes an image message of an array, with padding and byte order."""

    def make(pixels, encoding, *, padding=0, big_endian=False, stamp_ns=0, width=None, height=None):
        pixels = np.asarray(pixels)
        stored = pixels.astype(pixels.dtype.newbyteorder(">")) if big_endian else pixels
        rows = np.ascontiguousarray(stored).view(np.uint8).reshape(pixels.shape[0], -1)
        rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=0xAB)
        data = array("B")
        data.frombytes(rows.tobytes())
        return SimpleNamespace(
            header=_header(stamp_ns),
            height=height or pixels.shape[0],
            width=width or pixels.shape[1],
            encoding=encoding,
            is_bigendian=int(big_endian),
            step=rows.shape[1],
            data=data,
        )

    return make


@pytest.fixture
def compressed_message():
    """A function that makes a compressed image message."""

    def make(data, image_format):
        return SimpleNamespace(header=_header(), format=image_format, data=bytes(data))

    return make


@pytest.fixture
def picture():
    """(24, 32, 3) RGB whose channels, rows and columns all differ: no flip or swap goes unseen."""
    rows, columns = np.mgrid[:24, :32]
    return np.stack([200 + 0 * rows, 4 * rows, 2 * columns], -1).astype(np.uint8)


@pytest.fixture
def frames(picture):
    """Ten frames at 30 Hz with metric stamps; the picture moves a column a frame."""
    depth = np.full((24, 32), 900, np.uint16)
    depth[:2] = 0
    return [
        RgbdFrame(
            START_NS + i * FRAME_NS,
            "rgb_camera_link",
            np.ascontiguousarray(np.roll(picture, i, 1)),
            DepthImage(depth + np.uint16(i), 0.001),
            CAMERA,
        )
        for i in range(10)
    ]


@pytest.fixture
def write_clip(tmp_path, picture):
    """A function that writes a clip of some frames with everything and returns its folder."""

    def make(name="clip", *, info=INFO, frames=3, labelled=True):
        path = tmp_path / name
        with ClipWriter(path, info) as writer:
            for i in range(frames):
                last = i == frames - 1
                writer.add_frame(
                    i * 100,
                    np.roll(picture, i, 1),
                    depth_mm(i),
                    labels=label_map(1 + i),
                    affordances=label_map(5 + i),
                    motion_m=None if last else motion(i),
                    occluded=None if last else motion(i)[0] > 0.03,
                    true_depth_m=depth_mm(i) * 0.001 + 0.00004 * (depth_mm(i) > 0),
                )
            if labelled:
                writer.set_label(label_map(2))
                writer.set_affordances(label_map(6))
        return path

    return make


@pytest.fixture
def shared_data():
    """Return a function that finds a sample of real recordings, or skips the test."""

    def find(name):
        shared = os.environ.get("AFFORDANCE_SHARED_DATA")
        folder = Path(shared) if shared else Path(__file__).parents[3] / "shared/data"
        if not (folder / name).exists():
            pytest.skip(f"needs the sample {name}")
        return folder / name

    return find
