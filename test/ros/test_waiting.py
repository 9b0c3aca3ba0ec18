# SPDX-License-Identifier: Apache-2.0
from affordance_seg_ros.ros.waiting import (
    PublisherView,
    TopicView,
    awaited,
    lost_images,
    repeated_publishers,
    stuck_stamps,
    uncalibrated_pairs,
    unpaired_images,
    without_durations,
)

IMAGE = "sensor_msgs/msg/Image"


def view(**changes):
    found = TopicView("depth", "/depth/image", IMAGE, "reliable", (), "", 6.0, 0)
    return found._replace(**changes)


def test_nothing_is_awaited_within_the_limit():
    assert awaited(view(silence_s=4.9), 5.0) == ""


def test_a_topic_without_publisher_is_named_with_what_to_do():
    text = awaited(view(), 5.0)
    assert "depth has not come for 6 s: no publisher on /depth/image" in text
    assert "remap" in text


def test_a_publisher_that_is_silent_is_named():
    publisher = PublisherView("/camera", IMAGE, "reliable")
    text = awaited(view(publishers=(publisher,), message_count=3), 5.0)
    assert "depth stopped for 6 s: 1 publisher on /depth/image (/camera), but no message" in text


def test_a_wrong_type_is_named_with_the_one_expected():
    publisher = PublisherView("/camera", "sensor_msgs/msg/CompressedImage", "reliable")
    text = awaited(view(publishers=(publisher,)), 5.0)
    assert text.endswith(f"of type sensor_msgs/msg/CompressedImage; expected {IMAGE}")


def test_an_incompatible_qos_is_named_with_both_sides():
    publishers = (PublisherView("/camera", IMAGE, "best_effort"),) * 2
    text = awaited(view(publishers=publishers, incompatible_policy="reliability"), 5.0)
    assert "2 publishers" in text
    assert "QoS reliability does not match: offered best_effort, expected reliable" in text


def test_images_that_never_pair_are_named_with_their_distance():
    assert unpaired_images(0, 250_000_000, 4.0, 5.0, 20_000_000) == ""
    text = unpaired_images(0, 250_000_000, 6.0, 5.0, 20_000_000)
    assert "no pair for 6 s" in text
    assert "0.250 s apart; expected at most 0.0200 s (max_skew_s, or half a frame" in text
    assert "expected equal ones" in unpaired_images(0, 250_000_000, 6.0, 5.0, None)


def test_images_that_best_effort_loses_are_told_with_the_way_to_get_them():
    reliable, best_effort = (
        PublisherView("/camera", IMAGE, name) for name in ("reliable", "best_effort")
    )
    asking = view(reliability="best_effort")
    text = lost_images(40.0, 10.0, [asking._replace(publishers=(reliable,))] * 2)
    assert text.startswith("40.0 images/s without a partner, 10.0 pairs/s; ")
    assert "reliability: reliable" in text
    assert without_durations(text) == without_durations(text.replace("40.0", "39.5"))
    for images in (
        [asking._replace(publishers=(reliable,)), asking._replace(publishers=(best_effort,))],
        [view(publishers=(reliable,))] * 2,
        [asking] * 2,
    ):
        text = lost_images(40.0, 10.0, images)
        assert text == "40.0 images/s without a partner, 10.0 pairs/s"


def test_images_that_find_their_partner_or_that_have_none_at_all_are_not_called_lost():
    assert lost_images(10.0, 10.0, [view()]) == ""
    assert lost_images(30.0, 0.0, [view()]) == ""


def test_pairs_without_a_camera_info_are_counted():
    assert uncalibrated_pairs(0, 6.0, 5.0) == uncalibrated_pairs(3, 4.0, 5.0) == ""
    text = uncalibrated_pairs(3, 6.0, 5.0)
    assert text.startswith("3 pairs dropped so far: without camera_info")
    assert without_durations(text) == without_durations(uncalibrated_pairs(40, 9.0, 5.0))


def test_a_reason_is_the_same_however_long_it_lasts():
    publisher = PublisherView("/camera", IMAGE, "reliable")
    first, later = (awaited(view(silence_s=silence_s), 5.0) for silence_s in (6.0, 12.0))
    assert first != later
    assert without_durations(first) == without_durations(later)
    silent = awaited(view(publishers=(publisher,)), 5.0)
    assert without_durations(silent) != without_durations(first)


def test_camera_info_that_came_once_is_enough():
    assert awaited(view(once=True, message_count=1), 5.0) == ""
    assert "has not come" in awaited(view(once=True), 5.0)


def test_two_cameras_on_one_topic_are_named():
    publishers = [PublisherView(name, IMAGE, "reliable") for name in ("/b/driver", "/a/driver")]
    text = repeated_publishers(view(publishers=publishers))
    assert text == "2 publishers on /depth/image (/a/driver, /b/driver); expected one"
    assert repeated_publishers(view(publishers=publishers[:1])) == ""


def test_stamps_that_stand_still_are_told_from_a_skew():
    text = stuck_stamps("colour", 1_500_000_000, 7.0, 5.0, 29)
    assert text.startswith("no pair for 7 s: colour comes, but its stamps stand still at 1.500 s")
    assert stuck_stamps("colour", 0, 4.0, 5.0, 29) == ""
    assert stuck_stamps("colour", 0, 7.0, 5.0, 2) == ""
