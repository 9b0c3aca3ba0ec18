# SPDX-License-Identifier: Apache-2.0
"""Topics of a recording: known cameras first, then type and encoding, and no guessing."""

import pytest

from affordance_seg_ros.errors import SourceError
from affordance_seg_ros.sources.topics import (
    TopicNames,
    TopicSummary,
    choose_topics,
    is_rectified,
)


def image(name, encoding):
    return TopicSummary(name, "Image", encoding)


def info(name):
    return TopicSummary(name, "CameraInfo")


def choose(*topics, wanted=TopicNames()):  # noqa: B008  (frozen)
    return choose_topics(topics, wanted, "recording")


CAMERAS = {
    "azure kinect": (
        image("/rgb/image_raw", "bgra8"), info("/rgb/camera_info"), image("/ir/image_raw", "16UC1"),
        image("/depth/image_raw", "16UC1"), image("/depth_to_rgb/image_raw", "16UC1"),
        info("/depth_to_rgb/camera_info"), info("/depth/camera_info"),
    ),
    "kinect v2": (
        image("/kinect2/hd/image_color_rect", "bgr8"),
        image("/kinect2/hd/image_depth_rect", "16UC1"), info("/kinect2/hd/camera_info"),
        image("/kinect2/sd/image_color_rect", "bgr8"),
        image("/kinect2/sd/image_depth_rect", "16UC1"), info("/kinect2/sd/camera_info"),
    ),
    "femto bolt": (
        image("/camera/color/image_raw", "rgb8"), image("/camera/depth/image_raw", "16UC1"),
        image("/camera/ir/image_raw", "mono16"), info("/camera/color/camera_info"),
        info("/camera/depth/camera_info"),
    ),
    "realsense": (
        image("/camera/camera/color/image_raw", "rgb8"),
        image("/camera/camera/infra1/image_rect_raw", "mono8"),
        image("/camera/camera/depth/image_rect_raw", "16UC1"),
        image("/camera/camera/aligned_depth_to_color/image_raw", "16UC1"),
        info("/camera/camera/color/camera_info"), info("/camera/camera/depth/camera_info"),
    ),
    "tum": (
        image("/camera/rgb/image_color", "rgb8"), image("/camera/depth/image", "32FC1"),
        info("/camera/rgb/camera_info"), info("/camera/depth/camera_info"),
    ),
}  # fmt: skip
EXPECTED = {
    "azure kinect": ("/rgb/image_raw", "/depth_to_rgb/image_raw", "/rgb/camera_info"),
    "kinect v2": (
        "/kinect2/hd/image_color_rect", "/kinect2/hd/image_depth_rect", "/kinect2/hd/camera_info",
    ),
    "femto bolt": (
        "/camera/color/image_raw", "/camera/depth/image_raw", "/camera/color/camera_info",
    ),
    "realsense": (
        "/camera/camera/color/image_raw", "/camera/camera/aligned_depth_to_color/image_raw",
        "/camera/camera/color/camera_info",
    ),
    "tum": ("/camera/rgb/image_color", "/camera/depth/image", "/camera/rgb/camera_info"),
}  # fmt: skip


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("backwards", [False, True])
def test_known_cameras_are_found_with_depth_aligned_to_color(camera, backwards):
    topics = CAMERAS[camera][::-1] if backwards else CAMERAS[camera]
    assert choose(*topics) == TopicNames(*EXPECTED[camera])


def test_unknown_names_are_found_by_type_and_encoding():
    found = choose(image("/x", "yuv422"), image("/y", "32FC1"), info("/z"))
    assert found == TopicNames("/x", "/y", "/z")


def test_raw_is_preferred_to_its_compressed_copy():
    topics = (
        TopicSummary("/rgb/image_raw/compressed", "CompressedImage", "bgr8"),
        image("/rgb/image_raw", "bgr8"),
        TopicSummary("/depth_to_rgb/image_raw/compressedDepth", "CompressedImage", "16UC1"),
        info("/rgb/camera_info"),
    )
    assert choose(*topics).color == "/rgb/image_raw"
    assert choose(*topics).depth == "/depth_to_rgb/image_raw/compressedDepth"
    renamed = [topic._replace(name="/odd" + topic.name.replace("_to_", "")) for topic in topics]
    assert choose(*renamed).color == "/odd/rgb/image_raw"


def test_wanted_topics_win():
    topics = CAMERAS["realsense"]
    wanted = TopicNames(depth="/camera/camera/depth/image_rect_raw")
    found = choose(*topics, wanted=wanted)
    assert found.depth == wanted.depth
    assert found.color == "/camera/camera/color/image_raw"


TWO_KINECTS = [
    image("/l/rgb/image_raw", "bgra8"), image("/l/depth_to_rgb/image_raw", "16UC1"),
    info("/l/rgb/camera_info"), image("/r/rgb/image_raw", "bgra8"),
    image("/r/depth_to_rgb/image_raw", "16UC1"), info("/r/rgb/camera_info"),
]  # fmt: skip


@pytest.mark.parametrize("side", ["l", "r"])
def test_one_wanted_topic_of_several_cameras_brings_the_other_of_its_namespace(side):
    expected = TopicNames(
        f"/{side}/rgb/image_raw", f"/{side}/depth_to_rgb/image_raw", f"/{side}/rgb/camera_info"
    )
    assert choose(*TWO_KINECTS, wanted=TopicNames(color=expected.color)) == expected
    assert choose(*TWO_KINECTS, wanted=TopicNames(depth=expected.depth)) == expected


@pytest.mark.parametrize("camera", CAMERAS)
def test_the_colour_topic_of_a_known_camera_brings_its_aligned_depth(camera):
    expected = TopicNames(*EXPECTED[camera])
    assert choose(*CAMERAS[camera], wanted=TopicNames(color=expected.color)) == expected


def test_a_wanted_compressed_topic_stays_so_beside_its_raw_copy():
    copy = TopicSummary("/rgb/image_raw/compressed", "CompressedImage", "bgra8")
    found = choose(copy, *CAMERAS["azure kinect"], wanted=TopicNames(color=copy.name))
    assert found == TopicNames(copy.name, *EXPECTED["azure kinect"][1:])


def test_grey_and_infrared_cameras_are_not_taken_for_depth():
    with pytest.raises(SourceError, match="has no depth topic"):
        choose(image("/c", "rgb8"), image("/grey", "mono16"), image("/infra", "16UC1"), info("/i"))


@pytest.mark.parametrize(
    ("topics", "message"),
    [
        ((), "recording is empty"),
        ((image("/a", "rgb8"), image("/b", "bgr8"), image("/d", "16UC1"), info("/i")),
         "several colour topics: /a, /b; name the one to use"),
        ((image("/a", "rgb8"), image("/d", "16UC1"), image("/e", "32FC1"), info("/i")),
         "several depth topics: /d, /e; name the one to use"),
        ((image("/a", "rgb8"), image("/d", "16UC1"), info("/i"), info("/j")),
         "several camera_info topics, none beside /a: /i, /j"),
        ((image("/a", "rgb8"), image("/d", "16UC1")), "no camera_info topic; it has /a .Image"),
        ((image("/a", "rgb8"), info("/i")), "no depth topic; it has /a"),
        ((image("/d", "16UC1"), info("/i")), "no colour topic; it has /d"),
        ((image("/l/rgb/image_raw", "rgb8"), image("/l/depth_to_rgb/image_raw", "16UC1"),
          image("/r/rgb/image_raw", "rgb8"), image("/r/depth_to_rgb/image_raw", "16UC1")),
         "several cameras: /l/rgb/image_raw, /r/rgb/image_raw; name the colour topic"),
    ],
)  # fmt: skip
def test_missing_and_ambiguous_topics_are_named(topics, message):
    with pytest.raises(SourceError, match=message):
        choose(*topics)


def test_wanted_topic_that_is_not_there_is_named():
    with pytest.raises(SourceError, match="has no topic /nope; it has /rgb/image_raw"):
        choose(*CAMERAS["azure kinect"], wanted=TopicNames(color="/nope"))


@pytest.mark.parametrize(
    ("name", "rectified"),
    [
        ("/kinect2/qhd/image_color_rect", True),
        ("/camera/rgb/image_rect_color/compressed", True),
        ("/camera/image_rectified", True),
        ("/camera/image_corrected", False),
        ("/rectified_robot/rgb/image_raw", False),
        ("/rgb/image_raw", False),
    ],
)
def test_rectification_is_read_from_the_last_part_of_the_name(name, rectified):
    assert is_rectified(name) is rectified


UNALIGNED = [
    TopicSummary("/camera/color/image_raw", "Image", "rgb8"),
    TopicSummary("/camera/color/camera_info", "CameraInfo"),
    TopicSummary("/camera/depth/image_rect_raw", "Image", "16UC1"),
    TopicSummary("/camera/aligned_depth_to_color/image_raw", "Image", "16UC1"),
]


def test_depth_as_its_own_camera_sees_it_is_found_with_its_camera_info():
    topics = [*UNALIGNED, TopicSummary("/camera/depth/camera_info", "CameraInfo")]
    found = choose_topics(topics, TopicNames(), "bag", is_aligned=False)
    assert found.depth == "/camera/depth/image_rect_raw"
    assert found.depth_camera_info == "/camera/depth/camera_info"
    aligned = choose_topics(topics, TopicNames(), "bag")
    assert aligned.depth == "/camera/aligned_depth_to_color/image_raw"
    assert aligned.depth_camera_info == ""
    named = TopicNames(color="/camera/color/image_raw")
    assert choose_topics(topics, named, "bag", is_aligned=False) == found


def test_a_depth_camera_without_camera_info_is_refused():
    with pytest.raises(SourceError, match="no camera_info of the depth camera on /camera/depth/"):
        choose_topics(UNALIGNED, TopicNames(), "bag", is_aligned=False)


@pytest.mark.parametrize("end", ["/compressed", "/compressedDepth"])
def test_a_topic_is_found_by_its_base_name_where_only_a_transport_was_recorded(end):
    depth = TopicSummary(f"/a/depth{end}", "CompressedImage", "16UC1")
    topics = [UNALIGNED[0], UNALIGNED[1], depth]
    assert choose_topics(topics, TopicNames(depth="/a/depth"), "bag").depth == depth.name


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (TopicNames(depth="/points"), "/points is of type PointCloud2; expected Image or Compr"),
        (TopicNames(color="/rgb/camera_info"), "/rgb/camera_info is of type CameraInfo; expected"),
        (TopicNames(camera_info="/rgb/image_raw"), "is of type Image; expected CameraInfo"),
    ],
)
def test_wanted_topic_of_another_kind_is_refused(wanted, words):
    points = TopicSummary("/points", "PointCloud2")
    with pytest.raises(SourceError, match=words):
        choose(*CAMERAS["azure kinect"], points, wanted=wanted)
