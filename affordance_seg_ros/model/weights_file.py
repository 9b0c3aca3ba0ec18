# SPDX-License-Identifier: Apache-2.0
"""Weight files: named tensors and one JSON document in a .safetensors file."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import safetensors.torch
from torch import Tensor

from affordance_seg_ros.errors import CheckpointError
from affordance_seg_ros.whole_file import whole_file

METADATA_KEY = "affordance_seg_ros"

_DTYPES = ("F16", "BF16", "F32")
_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How files of torch.save begin: zip archives since PyTorch 1.6, bare pickles before it."""


class WeightsFile(NamedTuple):
    """What a weight file holds: tensors by name, and what they are."""

    tensors: dict[str, Tensor]
    document: dict[str, Any]


def write_weights_file(path: Path, content: WeightsFile) -> None:
    """Write a weight file so that the path holds the old file or the new one, never a part.

    Args:
        path: File to write; its folder exists.
        content: Contiguous tensors on the CPU, and a document that JSON can express.

    Raises:
        CheckpointError: The document is not JSON, or the file cannot be written.
    """
    try:
        document = json.dumps(content.document, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: the description is not JSON: {error}") from None
    data = safetensors.torch.save(content.tensors, {METADATA_KEY: document})
    with whole_file(path, CheckpointError) as file:
        file.write(data)


def read_weights_file(path: Path) -> WeightsFile:
    """Read a weight file; nothing in it is executed.

    Args:
        path: File that `write_weights_file` wrote.

    Returns:
        Its content. The tensors are on the CPU, and read from the file when they are used: copy
        them soon.

    Raises:
        CheckpointError: The file is missing, damaged, or of another kind.
    """
    _check_container(path)
    try:
        with safetensors.safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            names = file.keys()
            dtypes = {name: file.get_slice(name).get_dtype() for name in names}
            for name, dtype in dtypes.items():
                if dtype not in _DTYPES:
                    raise CheckpointError(
                        f"{path}: tensor {name} is {dtype}; expected one of {', '.join(_DTYPES)}"
                    )
            tensors = {name: file.get_tensor(name) for name in names}
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"{path}: damaged or cut off: {error}") from None
    return WeightsFile(tensors, _document(path, metadata))


def _document(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON document in a file's metadata, or raise."""
    if METADATA_KEY not in metadata:
        found = ", ".join(sorted(metadata)) or "nothing"
        raise CheckpointError(
            f"{path}: not a weight file of this package: its metadata holds {found}; expected "
            f"{METADATA_KEY}"
        )
    try:
        document = json.loads(metadata[METADATA_KEY], parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: damaged description: {error}") from None
    if not isinstance(document, dict):
        raise CheckpointError(f"{path}: description {document!r}; expected a JSON object")
    return document


def _refuse_constant(name: str) -> None:
    # Python reads NaN and Infinity, which are not JSON.
    raise ValueError(f"{name} is not JSON")


def _check_container(path: Path) -> None:
    """Raise if the path is not a file that looks like .safetensors, and say what it is."""
    try:
        with path.open("rb") as file:
            head = file.read(9)
            size = file.seek(0, os.SEEK_END)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file; expected a .safetensors file") from None
    except IsADirectoryError:
        raise CheckpointError(f"{path}: is a folder; expected a .safetensors file") from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from None
    # A .safetensors file begins with the length of its header (8 bytes) and the header (JSON).
    if head[8:] == b"{":
        header_bytes = int.from_bytes(head[:8], "little")
        if 8 + header_bytes > size:
            raise CheckpointError(
                f"{path}: damaged or cut off: {size} bytes; expected {8 + header_bytes} for the "
                "header alone"
            )
    elif head.startswith(_PICKLES):
        raise CheckpointError(
            f"{path}: a PyTorch pickle, which can run arbitrary code when loaded; expected a "
            ".safetensors file"
        )
    else:
        raise CheckpointError(f"{path}: {size} bytes of another format; expected .safetensors")
