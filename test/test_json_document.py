# SPDX-License-Identifier: Apache-2.0
import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.json_document import to_json, write_json


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


def test_missing_folders_are_made_and_a_file_in_their_place_is_named(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "summary.json"
    write_json(path, {})
    with pytest.raises(SourceError, match="cannot be written"):
        write_json(path / "summary.json", {})
