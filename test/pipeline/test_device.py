# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from affordance_seg_ros.errors import DeviceError
from affordance_seg_ros.pipeline.device import resolve_device


def test_auto_takes_what_is_there() -> None:
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert resolve_device("auto").type == expected
    assert resolve_device("cpu").type == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:3"])
def test_cuda_without_a_gpu_is_refused_with_what_is_accepted(name: str) -> None:
    with pytest.raises(DeviceError, match=rf"'{name}'.*sees 0 CUDA.*expected auto, cpu"):
        resolve_device(name)


def test_a_gpu_that_computes_nothing_is_none(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def zeros(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA error: no kernel image is available\nCompile with ...")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_90"])
    monkeypatch.setattr(torch, "zeros", zeros)
    assert resolve_device("auto").type == "cpu"
    assert (
        "falls back to the CPU, as PyTorch cannot use the GPU: CUDA error: no kernel image"
        in caplog.text
    )
    accepted = r"no kernel image is available; expected cpu, or a GPU of sm_75, sm_90"
    with pytest.raises(DeviceError, match=accepted):
        resolve_device("cuda:0")


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "CPU"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(DeviceError, match="expected auto, cpu, cuda or cuda:N"):
        resolve_device(name)
