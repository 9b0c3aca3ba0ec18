# SPDX-License-Identifier: Apache-2.0
"""Both readouts say the same; a packet gives back what was put in."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from affordance_seg_ros.config import InputConfig
from affordance_seg_ros.labels import SOR3D_AFF, LabelSet
from affordance_seg_ros.model.network import StepOutput
from affordance_seg_ros.pipeline.fit import fit
from affordance_seg_ros.pipeline.packet import Download, pack, unpack
from affordance_seg_ros.pipeline.readout import DeviceReadout, HostReadout
from affordance_seg_ros.pipeline.upload import DirectUpload, PinnedUpload

LABELS = LabelSet(SOR3D_AFF, SOR3D_AFF)
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


def output_of(seed: int, height: int, width: int) -> StepOutput:
    random = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, 10, 6, 8, generator=random)
    logits = 4 * interpolate(coarse, (height, width), mode="bicubic")
    return StepOutput(logits, torch.randn(1, 9, generator=random), torch.zeros(1, 1, 2, 2))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("threshold", [0.0, 0.6])
@pytest.mark.parametrize("decided", [False, True])
@pytest.mark.parametrize(
    ("how", "size"),
    [("stretch", (320, 240)), ("letterbox", (320, 180)), ("center_crop", (333, 201)),
     ("stretch", (41, 37))],
)  # fmt: skip
def test_device_and_host_read_the_same_from_one_output(
    how, size, decided, threshold, device
) -> None:
    placed = fit(*size, InputConfig(width=80, height=60, fit=how))
    picture = torch.randint(0, 256, (60, 80, 3), dtype=torch.uint8)
    for seed in range(3):
        output = output_of(seed, 60, 80)
        on_host = HostReadout(LABELS, decided=decided)
        host = on_host(output, picture, placed, *size, min_confidence=threshold)
        there = StepOutput(*(each.to(device) for each in output))
        readout = DeviceReadout(LABELS, torch.device(device), decided=decided)
        ours = readout(there, picture.to(device), placed, *size, min_confidence=threshold)
        assert ours.labelled.mask.dtype == np.uint8
        assert ours.labelled.confidence.dtype == np.float32
        # Ties at borders.
        same = ours.labelled.mask == host.labelled.mask
        assert same.mean() >= 0.999
        np.testing.assert_allclose(
            ours.labelled.confidence[same], host.labelled.confidence[same], atol=1e-5
        )
        assert ours.action.id == host.action.id
        np.testing.assert_allclose(ours.action.scores, host.action.scores, atol=1e-6)
        assert (ours.flow_color == host.flow_color).all()


@pytest.mark.parametrize("device", DEVICES)
def test_a_label_that_is_nowhere_the_likeliest_does_not_win_in_between(device) -> None:
    placed = fit(160, 128, InputConfig(width=40, height=32))
    shares = torch.full((10, 32, 40), 1e-4)
    shares[3] = 0.4  # beside 0.6 of one label or another, pixel by pixel
    shares[1, :, ::2] = shares[2, :, 1::2] = 0.6
    output = StepOutput(shares.log()[None], torch.zeros(1, 9), torch.zeros(1, 1, 2, 2))
    host = HostReadout(LABELS)(output, None, placed, 160, 128, min_confidence=0.0)
    there = StepOutput(*(each.to(device) for each in output))
    readout = DeviceReadout(LABELS, torch.device(device))
    ours = readout(there, None, placed, 160, 128, min_confidence=0.0)
    assert set(np.unique(ours.labelled.mask)) == {1, 2}
    np.testing.assert_array_equal(ours.labelled.mask, host.labelled.mask)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("value", [torch.inf, torch.nan])
@pytest.mark.parametrize("part", ["logits", "action_logits"])
def test_a_value_that_is_not_finite_is_told(part: str, value: float, device: str) -> None:
    placed = fit(80, 60, InputConfig(width=80, height=60))
    output = output_of(0, 60, 80)
    readouts = (
        (HostReadout(LABELS), output),
        (
            DeviceReadout(LABELS, torch.device(device)),
            StepOutput(*(x.clone().to(device) for x in output)),
        ),
    )
    for readout, sound in readouts:
        assert readout(sound, None, placed, 80, 60, min_confidence=0.0).finite
        getattr(sound, part).view(-1)[7] = value
        assert not readout(sound, None, placed, 80, 60, min_confidence=0.0).finite


def test_only_a_decided_mask_is_as_doubtful_as_its_action() -> None:
    placed = fit(80, 60, InputConfig(width=80, height=60))
    output = output_of(0, 60, 80)
    plain, decided = (
        HostReadout(LABELS, decided=each)(output, None, placed, 80, 60, min_confidence=0.0)
        for each in (False, True)
    )
    marked = plain.labelled.mask > 0
    assert marked.any()
    assert (decided.labelled.mask == plain.labelled.mask).all()
    np.testing.assert_allclose(
        decided.labelled.confidence[marked],
        plain.action.score * plain.labelled.confidence[marked],
        atol=1e-6,
    )


def test_what_is_unpacked_is_what_was_packed() -> None:
    parts = (torch.randn(3, 5), torch.randn(()), torch.randn(0), torch.arange(7, dtype=torch.uint8))
    packet = pack(parts)
    assert packet.dtype == torch.uint8
    assert packet.numel() == 4 * 15 + 4 + 7
    for ours, theirs in zip(unpack(packet.numpy(), parts), parts, strict=True):
        assert ours.dtype == theirs.numpy().dtype
        assert ours.shape == theirs.shape
        assert (ours == theirs.numpy()).all()


@pytest.mark.parametrize("device", DEVICES)
def test_what_was_downloaded_outlives_the_next_download(device) -> None:
    download = Download(torch.device(device))
    (first,) = download([torch.ones(4, device=device)])
    (second,) = download([torch.zeros(4, device=device)])
    assert first.tolist() == [1] * 4
    assert second.tolist() == [0] * 4
    (larger,) = download([torch.ones(9, device=device)])
    assert larger.tolist() == [1] * 9


@pytest.mark.gpu
def test_pinned_uploads_in_quick_succession_do_not_mix() -> None:
    device = torch.device("cuda")
    direct, pinned = DirectUpload(device), PinnedUpload(device)
    arrays = [np.full((480, 640), value, np.float32) for value in range(20)]
    for ours, theirs in zip(map(pinned, arrays), map(direct, arrays), strict=True):
        assert torch.equal(ours, theirs)


def test_on_a_cpu_an_upload_copies_nothing() -> None:
    array = np.zeros((2, 3), np.float32)
    assert DirectUpload(torch.device("cpu"))(array).data_ptr() == array.ctypes.data
