# SPDX-License-Identifier: Apache-2.0
"""Entry point to interaction clips: one folder of colour, depth, labels and, if rendered, truth."""

from affordance_seg_ros.sources.clip_info import CLIP_JSON, ROLES, ClipInfo, read_clip_info
from affordance_seg_ros.sources.clip_reader import Clip, TrueMotion, is_complete_clip, read_clip
from affordance_seg_ros.sources.clip_writer import ClipWriter

__all__ = [
    "CLIP_JSON",
    "ROLES",
    "Clip",
    "ClipInfo",
    "ClipWriter",
    "TrueMotion",
    "is_complete_clip",
    "read_clip",
    "read_clip_info",
]
