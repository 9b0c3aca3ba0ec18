# SPDX-License-Identifier: Apache-2.0
"""Text for people."""

import os


def readable(text: str) -> str:
    """Return text in which what is no UTF-8 is replaced: names of files may hold any bytes.

    Python keeps such bytes as lone surrogates, which OpenCV dies of and no file in UTF-8 can hold.
    """
    return os.fsencode(text).decode("utf-8", "replace")
