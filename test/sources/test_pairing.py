# SPDX-License-Identifier: Apache-2.0
"""Pairing: nearest within the skew, none used twice, none lost uncounted, none held needlessly."""

import random

import pytest
from pairing_streams import (
    FRAME,
    MS,
    check_conservation,
    in_order,
    jittered,
    play,
    shuffle_arrival,
)

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.sources.pairing import PairingBuffer


@pytest.mark.parametrize("seed", range(40))
def test_every_color_is_paired_with_its_nearest_depth_within_the_skew(seed):
    # Stamps at least twice the skew apart: at most one partner is within reach, so that the
    # expected pairs follow from the definition alone.
    rng = random.Random(seed)
    skew = 12 * MS
    colors = jittered(rng, 60, jitter=4 * MS, loss=0.2)
    depths = jittered(rng, 60, jitter=4 * MS, loss=0.2, offset=rng.randint(-FRAME, FRAME))
    buffer = PairingBuffer(skew)
    pairs = play(buffer, shuffle_arrival(rng, colors, depths, 90 * MS))
    nearest = {c: min(depths, key=lambda d: abs(d - c)) for c in colors}
    expected = [(c, d) for c, d in nearest.items() if abs(d - c) <= skew]
    assert [(pair.color, pair.depth) for pair in pairs] == expected
    check_conservation(buffer, len(colors), len(depths))
    assert buffer.counts.pending_color == buffer.counts.pending_depth == 0


@pytest.mark.parametrize("seed", range(40))
def test_no_stream_however_wild_breaks_the_laws(seed):
    rng = random.Random(seed)
    events = [
        (rng.choice(("color", "depth")), rng.randint(0, 20) * rng.randint(1, 7) * MS + i * 5 * MS)
        for i in range(300)
    ]
    buffer = PairingBuffer(rng.choice([None, 0, 5 * MS, 30 * MS]))
    pairs = []
    for kind, stamp in events:
        add = buffer.add_color if kind == "color" else buffer.add_depth
        new = add(stamp, (kind, stamp, len(pairs)))
        limit = buffer.skew_limit_ns or 0
        assert all(abs(pair.depth[1] - pair.color[1]) <= limit for pair in new)
        pairs += new
    pairs += buffer.flush()
    for pair in pairs:
        assert pair.color[:2] == ("color", pair.stamp_ns)
        assert pair.depth[0] == "depth"
    assert len({id(pair.color) for pair in pairs}) == len(pairs)
    assert len({id(pair.depth) for pair in pairs}) == len(pairs)
    if not buffer.counts.jumps_back:
        assert [p.stamp_ns for p in pairs] == sorted(p.stamp_ns for p in pairs)
        assert [p.depth[1] for p in pairs] == sorted(p.depth[1] for p in pairs)
    added = [kind for kind, _ in events]
    check_conservation(buffer, added.count("color"), added.count("depth"))


@pytest.mark.parametrize("seed", range(20))
def test_learned_skew_pairs_streams_that_are_apart_by_a_constant(seed):
    rng = random.Random(seed)
    offset = rng.randint(-14 * MS, 14 * MS)
    colors = jittered(rng, 50, jitter=1 * MS)
    depths = [stamp + offset for stamp in colors]
    buffer = PairingBuffer()
    pairs = play(buffer, shuffle_arrival(rng, colors, depths, 60 * MS))
    assert [pair.color for pair in pairs] == colors
    assert {pair.depth - pair.color for pair in pairs} == {offset}


def test_a_larger_buffer_waits_for_a_stream_that_comes_late():
    stamps = [index * FRAME for index in range(120)]
    events = [(stamp, "color", stamp) for stamp in stamps]
    events += [(stamp + 1000 * MS, "depth", stamp) for stamp in stamps]
    in_time = [(kind, stamp) for _, kind, stamp in sorted(events)]
    assert len(play(PairingBuffer(capacity=64), in_time)) == 120
    assert len(play(PairingBuffer(), in_time)) < 30


def test_learned_skew_is_half_a_frame_of_the_faster_stream():
    buffer = PairingBuffer()
    assert buffer.skew_limit_ns is None
    play(buffer, in_order(range(0, 10 * FRAME, FRAME), range(0, 10 * FRAME, 3 * FRAME)))
    assert buffer.skew_limit_ns == FRAME // 2


def test_given_skew_never_exceeds_half_a_frame():
    buffer = PairingBuffer(500 * MS)
    assert buffer.skew_limit_ns == 500 * MS
    play(buffer, in_order(range(0, 10 * FRAME, FRAME), range(0, 10 * FRAME, FRAME)))
    assert buffer.skew_limit_ns == FRAME // 2


def test_gaps_do_not_widen_the_learned_skew():
    rng = random.Random(1)
    stamps = jittered(rng, 60, jitter=0, loss=0.25)
    buffer = PairingBuffer()
    play(buffer, in_order(stamps, stamps))
    assert buffer.skew_limit_ns == FRAME // 2


def test_of_streams_that_lose_half_their_images_hardly_any_two_moments_are_paired():
    right = wrong = 0
    for seed in range(5):
        rng = random.Random(seed)
        colors, depths = (jittered(rng, 600, jitter=0, loss=0.5) for _ in range(2))
        for pair in play(PairingBuffer(), in_order(colors, depths)):
            right += pair.color == pair.depth
            wrong += pair.color != pair.depth
    assert right > 700
    assert wrong <= 3  # before the period is known


def test_equal_stamps_come_out_at_once_even_as_the_very_first():
    buffer = PairingBuffer()
    assert buffer.add_depth(5, "d") == ()
    (pair,) = buffer.add_color(5, "c")
    assert (pair.stamp_ns, pair.color, pair.depth) == (5, "c", "d")


@pytest.mark.parametrize("offset", [-12 * MS, -2 * MS, 2 * MS, 12 * MS])
def test_regular_streams_are_paired_the_moment_the_second_of_two_arrives(offset):
    buffer = PairingBuffer()
    colors = [i * FRAME for i in range(20)]
    depths = [stamp + offset for stamp in colors]
    came_with = []
    for kind, stamp in in_order(colors, depths):
        add = buffer.add_color if kind == "color" else buffer.add_depth
        came_with += [(kind, stamp, pair) for pair in add(stamp, stamp)]
    late = "color" if offset < 0 else "depth"
    for kind, stamp, pair in came_with[4:]:
        assert kind == late
        assert stamp == max(pair.color, pair.depth)
    assert len(came_with) == 20


def test_irregular_stream_waits_for_the_next_depth_if_that_can_be_nearer():
    buffer = PairingBuffer()
    play(buffer, in_order([0, 40 * MS, 50 * MS, 90 * MS], [0, 40 * MS, 50 * MS, 90 * MS]))
    assert buffer.add_depth(120 * MS, "far") == ()
    assert buffer.add_color(130 * MS, "color") == ()
    (pair,) = buffer.add_depth(132 * MS, "near")
    assert (pair.color, pair.depth) == ("color", "near")
    assert buffer.counts.unpaired_depth == 1


def test_irregular_stream_waits_for_the_next_color_if_that_can_be_nearer():
    buffer = PairingBuffer()
    play(buffer, in_order([0, 40 * MS, 50 * MS, 90 * MS], [0, 40 * MS, 50 * MS, 90 * MS]))
    assert buffer.add_color(120 * MS, "far") == ()
    assert buffer.add_depth(130 * MS, "depth") == ()
    (pair,) = buffer.add_color(132 * MS, "near")
    assert (pair.color, pair.depth) == ("near", "depth")
    assert buffer.counts.unpaired_color == 1


def test_of_two_waiting_colors_the_nearer_one_gets_the_depth():
    buffer = PairingBuffer()
    stamps = [0, 40 * MS, 80 * MS, 120 * MS]
    play(buffer, in_order(stamps, stamps))
    assert buffer.add_color(160 * MS, "far") == ()
    assert buffer.add_color(170 * MS, "near") == ()
    pairs = [*buffer.add_depth(172 * MS, None), *buffer.add_depth(210 * MS, None)]
    assert [pair.color for pair in pairs] == ["near"]
    assert buffer.counts.unpaired_color == 1


def test_jump_back_gives_up_what_waits_in_both_streams():
    buffer = PairingBuffer()
    stamps = [i * FRAME for i in range(20)]
    play(buffer, in_order(stamps, stamps), flush=False)
    buffer.add_depth(20 * FRAME, None)
    assert buffer.counts.pending_depth == 1
    buffer.add_color(0, None)
    assert buffer.counts.pending_depth == 0
    assert buffer.counts.unpaired_depth == 1


def test_overtaken_messages_are_still_paired():
    buffer = PairingBuffer()
    stamps = [i * FRAME for i in range(10)]
    play(buffer, in_order(stamps, stamps), flush=False)
    assert buffer.add_color(11 * FRAME, "late by one") == ()
    assert buffer.add_color(10 * FRAME, "overtaken") == ()
    assert [pair.color for pair in buffer.add_depth(10 * FRAME, None)] == ["overtaken"]
    assert [pair.color for pair in buffer.add_depth(11 * FRAME, None)] == ["late by one"]


def test_item_older_than_the_last_pair_is_given_up():
    buffer = PairingBuffer()
    stamps = [i * FRAME for i in range(10)]
    play(buffer, in_order(stamps, stamps), flush=False)
    assert buffer.add_color(8 * FRAME + MS, None) == ()
    assert buffer.counts.unpaired_color == 1
    assert buffer.counts.pending_color == 0


def test_duplicates_are_ignored_and_counted():
    buffer = PairingBuffer()
    stamps = [i * FRAME for i in range(10)]
    events = in_order(stamps, stamps)
    pairs = play(buffer, [event for event in events for _ in range(2)])
    assert len(pairs) == 10
    assert buffer.counts.duplicate_color == buffer.counts.duplicate_depth == 10
    assert buffer.counts.duplicates == 20


def test_color_without_depth_is_counted_as_soon_as_a_newer_depth_comes():
    buffer = PairingBuffer()
    stamps = [i * FRAME for i in range(10)]
    pairs = play(buffer, in_order(stamps, [s for s in stamps if s != 4 * FRAME]), flush=False)
    assert [pair.stamp_ns // FRAME for pair in pairs] == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert buffer.counts.unpaired_color == buffer.counts.unpaired == 1
    assert buffer.counts.pending_color == 0


@pytest.mark.parametrize("frames", [10, 40])
@pytest.mark.parametrize("offset", [-3 * MS, 0, 3 * MS])
def test_looping_bag_is_paired_again_and_each_loop_is_counted_once(frames, offset):
    colors = [10 * FRAME + i * FRAME for i in range(frames)]
    depths = [stamp + offset for stamp in colors]
    buffer = PairingBuffer()
    pairs = [pair for _ in range(3) for pair in play(buffer, in_order(colors, depths), flush=False)]
    assert buffer.counts.jumps_back == 2
    assert buffer.counts.duplicates == 0
    assert len(pairs) >= 3 * frames - (offset != 0)  # a nearer one may follow the last frame
    check_conservation(buffer, 3 * frames, 3 * frames)


def test_a_single_stream_that_jumps_is_paired_again_where_the_other_is():
    before, after = ([i * FRAME for i in span] for span in (range(10), range(10, 40)))
    back = [("color", stamp) for stamp in before[4:]]
    alone = [("color", 40 * FRAME), ("depth", 42 * FRAME)]  # the former is given up at once
    events = [*in_order(before, before), *back, *in_order(after, after), *alone]
    pairs = play(buffer := PairingBuffer(), events, flush=False)
    assert [pair.color // FRAME for pair in pairs] == list(range(40))
    assert buffer.counts.pending_color == 0
    check_conservation(buffer, 47, 41)


def test_memory_is_bounded_when_depth_never_comes():
    buffer = PairingBuffer()
    for i in range(1000):
        assert buffer.add_color(i * FRAME, None) == ()
    assert buffer.counts.pending_color <= 16
    check_conservation(buffer, 1000, 0)


def test_flush_of_a_recording_too_short_to_learn_from_pairs_within_half_a_frame_at_30_hz():
    buffer = PairingBuffer()
    assert buffer.add_color(0, "c") == buffer.add_depth(10 * MS, "d") == ()
    assert [(pair.color, pair.depth) for pair in buffer.flush()] == [("c", "d")]
    assert buffer.add_color(FRAME, "c") == buffer.add_depth(FRAME + 17 * MS, "d") == ()
    assert buffer.flush() == ()
    assert buffer.counts.unpaired_color == buffer.counts.unpaired_depth == 1


def test_reset_gives_up_what_waits_and_forgets_the_period_but_keeps_the_counts():
    buffer = PairingBuffer()
    stamps = [i * FRAME for i in range(10)]
    play(buffer, in_order(stamps, stamps), flush=False)
    buffer.add_color(10 * FRAME, None)
    buffer.reset()
    assert buffer.skew_limit_ns is None
    assert buffer.counts.paired == 10
    assert buffer.counts.unpaired_color == 1
    assert len(play(buffer, in_order(stamps, stamps))) == 10
    assert buffer.counts.jumps_back == 0


def test_negative_skew_is_refused():
    with pytest.raises(ConfigError, match="max_skew_ns=-1; expected at least 0"):
        PairingBuffer(-1)
