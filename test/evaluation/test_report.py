# SPDX-License-Identifier: Apache-2.0
import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from affordance_seg_ros.evaluation.report import StageStatistics, to_json, write_json
from affordance_seg_ros.frames import StageTimes


class Pair(NamedTuple):
    left: float
    right: np.ndarray


def test_json_is_strict_nan_becomes_null_and_arrays_become_lists() -> None:
    document = {"pair": Pair(math.nan, np.arange(3)), "score": np.float32(0.5), 3: (math.inf,)}
    assert json.loads(to_json(document)) == {
        "pair": {"left": None, "right": [0, 1, 2]},
        "score": 0.5,
        "3": [None],
    }


def test_a_document_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    write_json(path, {"frames": 1})
    with pytest.raises(TypeError):
        write_json(path, {"frames": object()})
    assert json.loads(path.read_text()) == {"frames": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["summary.json"]


def test_the_total_is_the_sum_of_the_stages() -> None:
    statistics = StageStatistics.empty()
    for scale in (1.0, 2.0, 3.0):
        statistics.add(StageTimes(scale, 2 * scale, 3 * scale, 4 * scale))
    document = statistics.document()
    assert document["flow"]["p50"] == 4
    assert document["total"]["max"] == 30


def test_percentiles_are_those_of_the_whole_run_however_long() -> None:
    statistics = StageStatistics.empty()
    for index in range(5000):
        statistics.add(StageTimes(0.0, 0.0, float(index < 2500), 0.0))
    assert statistics.document()["network"]["p50"] == 0.5
