# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from affordance_seg_ros.training.run_setup import build_fabric


@pytest.mark.parametrize(
    ("vectors", "precision", "warned"),
    [
        ("AVX2", "bf16-mixed", True),
        ("AVX2", "32-true", False),
        ("AVX512", "bf16-mixed", False),
        ("SVE256", "bf16-mixed", False),
    ],
)
def test_bfloat16_is_warned_of_where_the_cpu_has_none(
    vectors, precision, warned, monkeypatch, capsys
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: vectors)
    build_fabric(precision)
    assert ("ten times slower than precision=32-true" in capsys.readouterr().err) == warned
