# SPDX-License-Identifier: Apache-2.0
"""Tables hold the figures that were measured, each in its place, beside the paper's."""

from affordance_seg_ros.training.tables import one_by_one, table_1, table_2, threshold_table


def scores(iou, f1, weighted, action, **by_class):
    return {
        "iou_mean": iou,
        "f1_mean": f1,
        "fw_margolin": weighted,
        "action_top1": action,
        "per_class": {name: {"iou": value} for name, value in by_class.items()},
    }


MEASURED = {
    "video": scores(0.61, 0.62, 0.63, 0.64, cut=0.65, pour=None),
    "static": scores(0.31, 0.32, 0.33, None, cut=0.35, pour=0.36),
    "video_by_threshold": [
        {"min_confidence": 0.75, "iou": 0.51, "f1": 0.52, "precision": 0.53, "recall": 0.54,
         "unmarked": 0.05},
    ],
}  # fmt: skip


def rows(table):
    """Return the cells of each row below the header, by the first."""
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line[:1] == "|"]
    return {name: cells for name, *cells in lines[2:]}


def test_table_1_is_of_masks_on_video_and_on_static_images():
    found = rows(table_1(MEASURED, data="clips, val"))
    assert found["these weights, video"] == ["clips, val", "0.610", "0.620", "0.630"]
    assert found["these weights, static image"] == ["clips, val", "0.310", "0.320", "0.330"]
    paper = found["RGB-D + attention + 3D flow, video (paper)"]
    assert paper == ["SOR3D-AFF", "0.720", "0.800", "0.810"]


def test_table_2_is_of_each_affordance_and_leaves_open_what_nobody_measured():
    found = rows(table_2(MEASURED))
    assert found["these weights, video"] == ["0.650", "-", "0.640"]
    assert found["these weights, static"] == ["0.350", "0.360", "-"]
    assert found["paper, video"] == ["0.450", "-", "-"]


def test_the_table_of_thresholds_has_a_row_for_each():
    assert rows(threshold_table(MEASURED)) == {
        "0.75": ["0.510", "0.520", "0.530", "0.540", "0.050"]
    }


def test_rows_of_several_seeds_have_mean_and_deviation():
    measured = {"whole": [{"video": scores(iou, 0.5, 0.5, 1.0)} for iou in (0.2, 0.4)]}
    measured["plain"] = measured["whole"][:1]
    found = rows(one_by_one(measured, "clips, val"))
    assert found["whole"] == ["0.300 ± 0.141", "0.500 ± 0.000", "1.000 ± 0.000", "2"]
    assert found["plain"] == ["0.200", "0.500", "1.000", "1"]
