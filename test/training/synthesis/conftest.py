# SPDX-License-Identifier: Apache-2.0
"""Tests that draw need OpenGL through EGL; where that is missing they are skipped, and say so."""

from pathlib import Path

import pytest

from affordance_seg_ros.errors import DeviceError
from affordance_seg_ros.training.synthesis.gl_renderer import open_context

HERE = Path(__file__).parent
DRAWING = {
    "test_renderers", "test_production", "test_batch", "test_batch_processes", "test_clip_flow",
    "test_still_scenes",
}  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    drawing = [item for item in items if item.path.stem in DRAWING and item.path.parent == HERE]
    if not drawing:
        return
    try:
        open_context().release()
    except DeviceError as error:
        for item in drawing:
            item.add_marker(pytest.mark.skip(reason=str(error)))
