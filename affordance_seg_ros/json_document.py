# SPDX-License-Identifier: Apache-2.0
"""Results as strict JSON, written whole or not at all."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from affordance_seg_ros.errors import SourceError


def to_json(document: Any, *, indent: int | None = None) -> str:
    """Return a document as strict JSON: arrays become lists, NaN becomes null, tuples lists."""
    return json.dumps(_plain(document), indent=indent, allow_nan=False)


def write_json(path: Path, document: Any) -> None:
    """Write a document as JSON, whole or not at all; folders that are missing are made.

    Raises:
        SourceError: The file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(to_json(document, indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise SourceError(f"{path}: cannot be written ({error.strerror})") from error


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
