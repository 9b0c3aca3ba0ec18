# SPDX-License-Identifier: Apache-2.0
"""Text for people."""

import os


def readable(text: str) -> str:
    """Return text with whatever is not UTF-8 replaced: file names may hold any bytes.

    Python keeps such bytes as lone surrogates, which crash OpenCV and which no UTF-8 file can hold.
    """
    return os.fsencode(text).decode("utf-8", "replace")
