# SPDX-License-Identifier: Apache-2.0
"""What the presets of cameras say to the node."""

from pathlib import Path

import pytest

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.ros.channels import channels
from affordance_seg_ros.ros.depth_motion import MOTION_TOPIC
from affordance_seg_ros.sources.preset import preset_names, read_preset

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_maps_every_input_and_sets_known_parameters_only(name):
    preset = read_preset(name)
    config = NodeConfig.from_mapping(dict(preset.parameters))
    expected = {channel.topic for channel in channels(config)}
    assert set(preset.topics) == expected | ({MOTION_TOPIC} if config.align_depth else set())
    assert preset.driver.startswith("ros2 launch ")


def test_a_preset_s_topics_lie_in_its_driver_s_namespace_or_another():
    preset = read_preset("realsense")
    assert preset.remappings()["color/image"] == "camera/camera/color/image_raw"
    assert preset.remappings("/left/")["color/image"] == "/left/color/image_raw"
    assert preset.recorded_topics("left")["color/image"] == "/left/color/image_raw"
    assert read_preset("azure_kinect").remappings()["color/image"] == "rgb/image_raw"
    with pytest.raises(ConfigError, match="camera 'toaster'; expected one of azure_kinect, "):
        read_preset("toaster")


def test_presets_are_files_of_the_configuration_folder_or_lie_beside_the_code():
    assert set(preset_names()) < {path.stem for path in (ROOT / "config").glob("*.yaml")}
    assert "affordance" not in preset_names()
