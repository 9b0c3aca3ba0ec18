# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from double_pipeline import build_double
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import Image

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.frames import DepthImage, RgbdFrame
from affordance_seg_ros.labels import LabelSet
from affordance_seg_ros.msg import ActionClass, AffordanceRegionArray
from affordance_seg_ros.node_config import NodeConfig
from affordance_seg_ros.ros import encode, outputs
from affordance_seg_ros.ros.outputs import PredictionOutput

COSTLY = {"regions": AffordanceRegionArray, "flow": Image, "confidence": Image}
NOTHING = (False, False, False)
IMAGES = ("mask", "confidence", "overlay", "flow")
TOPICS = (*IMAGES, "action", "regions", "points", "markers", "label_info")


@pytest.fixture
def output():
    node = LifecycleNode("affordance")
    found = PredictionOutput(node, LabelSet(), "w", True)
    node.trigger_configure()
    node.trigger_activate()
    yield found
    node.destroy_node()


def test_only_what_somebody_subscribes_to_is_wanted_of_the_pipeline(client, output):
    config = NodeConfig()
    assert output.wanted(config) == NOTHING
    for index, (topic, kind) in enumerate(COSTLY.items()):
        subscription = client.node.create_subscription(
            kind, f"/affordance/{topic}", lambda message: None, 1
        )
        client.wait(lambda index=index: output.wanted(config)[index])
        assert output.wanted(config) == tuple(each == index for each in range(3))
        assert not output.wanted(NodeConfig(publish_regions=False)).regions
        client.node.destroy_subscription(subscription)
        client.wait(lambda: output.wanted(config) == NOTHING)


def test_nothing_is_encoded_that_nobody_subscribes_to_and_all_that_somebody_does(
    client, output, monkeypatch
):
    encoded = []
    for name in ("image", "action", "regions"):
        make = getattr(encode, name)
        monkeypatch.setattr(
            outputs.encode, name, lambda *a, n=name, make=make: encoded.append(n) or make(*a)
        )
    config, pipeline = NodeConfig(), build_double("", "cpu", PipelineConfig())
    depth = DepthImage(np.full((6, 8), 1000, np.uint16), 1e-3)
    camera = Camera(8, 6, 8.0, 8.0, 4.0, 3.0)
    frame = RgbdFrame(1, "camera", np.zeros((6, 8, 3), np.uint8), depth, camera)

    def publish():
        wanted = output.wanted(config)
        output.publish(frame, pipeline.step(frame, wanted), config, wanted)

    publish()
    assert encoded == []
    found = {topic: client.collect(Image, f"/affordance/{topic}") for topic in IMAGES}
    found["action"] = client.collect(ActionClass, "/affordance/action")
    found["regions"] = client.collect(AffordanceRegionArray, "/affordance/regions")

    def heard():
        publish()
        client.spin(0.05)
        return all(found.values())

    client.wait(heard)
    assert len(found["regions"][-1].regions) == 1
    assert (found["flow"][-1].width, found["flow"][-1].height) == (4, 4)


def test_all_but_the_labels_is_offered_as_reliably_as_asked_for(client, start):
    start(output_reliability="best_effort")
    offered = {}

    def told():
        for topic in TOPICS:
            for each in client.node.get_publishers_info_by_topic(f"/affordance/{topic}"):
                offered[topic] = each.qos_profile.reliability
        return len(offered) == len(TOPICS)

    client.wait(told)
    assert offered.pop("label_info") == ReliabilityPolicy.RELIABLE
    assert set(offered.values()) == {ReliabilityPolicy.BEST_EFFORT}
