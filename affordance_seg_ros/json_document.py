# SPDX-License-Identifier: Apache-2.0
"""Results as strict JSON, written whole or not at all."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.whole_file import whole_file


def to_json(document: Any, *, indent: int | None = None) -> str:
    """Return a document as strict JSON: arrays and tuples become lists, NaN becomes null."""
    return json.dumps(_plain(document), indent=indent, allow_nan=False)


def write_json(path: Path, document: Any) -> None:
    """Write a document as JSON, whole or not at all; missing folders are created.

    Raises:
        SourceError: The file cannot be written.
    """
    text = to_json(document, indent=2) + "\n"
    with whole_file(path, SourceError, make_folder=True) as file:
        file.write(text.encode())


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
