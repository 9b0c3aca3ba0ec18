# SPDX-License-Identifier: Apache-2.0
"""A sheet of what weights mark on single pictures."""

import cv2
import numpy as np
import pytest
import real_pictures

SIZE = (480, 640)


def still(folder, name, depth=True):
    folder.mkdir(exist_ok=True)
    picture = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
    cv2.imwrite(str(folder / f"{name}-color.png"), picture)
    if depth:
        cv2.imwrite(str(folder / f"{name}-depth.png"), np.full(SIZE, 8000, np.uint16))


def test_every_picture_and_confidence_is_drawn_and_listed(tmp_path, capsys):
    still(tmp_path / "stills", "000001")
    still(tmp_path / "stills", "000002")
    sheet = tmp_path / "sheet.png"
    assert real_pictures.main(["--stills", str(tmp_path / "stills"), "--out", str(sheet)]) == 0
    assert cv2.imread(str(sheet)).shape == (2 * 240, 2 * 320, 3)
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split(" | ")[:2] for line in lines] == [
        ["| 000001", "0.750"],
        ["| 000002", "0.750"],
        ["| 000001", "0"],
        ["| 000002", "0"],
    ]


@pytest.mark.parametrize(
    ("depth", "message"),
    [(None, "expected NNNNNN-color.png"), (False, "000001-depth.png is missing")],
)
def test_what_is_missing_is_named(tmp_path, capsys, depth, message):
    if depth is not None:
        still(tmp_path, "000001", depth=depth)
    assert (
        real_pictures.main(["--stills", str(tmp_path), "--out", str(tmp_path / "sheet.png")]) == 2
    )
    assert message in capsys.readouterr().err
