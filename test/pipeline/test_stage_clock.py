# SPDX-License-Identifier: Apache-2.0
import time

import pytest
import torch

from affordance_seg_ros.pipeline.stage_clock import StageClock


def test_there_is_one_duration_between_each_mark_and_the_next() -> None:
    clock = StageClock(torch.device("cpu"), marks=3)
    for _ in range(2):
        clock.start()
        time.sleep(0.01)
        clock.mark()
        clock.mark()
        first, second = clock.durations_ms()
        assert first >= 10
        assert second >= 0


def test_a_frame_given_up_leaves_nothing_to_the_next() -> None:
    clock = StageClock(torch.device("cpu"), marks=3)
    clock.start()
    clock.mark()
    clock.start()
    assert clock.durations_ms() == []


@pytest.mark.gpu
def test_events_of_the_device_see_work_that_the_host_does_not_wait_for() -> None:
    device = torch.device("cuda")
    clock = StageClock(device, marks=2)
    a = torch.rand(4096, 4096, device=device)
    torch.cuda.synchronize()
    clock.start()
    for _ in range(20):
        a @ a
    clock.mark()
    start = time.perf_counter()
    (duration,) = clock.durations_ms()
    assert duration >= 0.9e3 * (time.perf_counter() - start)
