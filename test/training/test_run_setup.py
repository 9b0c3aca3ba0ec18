# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_clips import LABELS

from affordance_seg_ros.config import COMPACT
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.training.objective import AffordanceObjective, freeze
from affordance_seg_ros.training.run_data import StageData
from affordance_seg_ros.training.run_setup import build_fabric, build_objective, build_optimizer
from affordance_seg_ros.training.stage_config import StageConfig


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


def test_mixed_precision_rounds_no_input() -> None:
    # 0.3 mm of flow is lost in bfloat16 before the middle is taken away from its colour.
    class Centring(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def forward(self, flow: torch.Tensor) -> torch.Tensor:
            self.computed_in = self.layer(flow).dtype
            return flow - 0.5 + 0 * self.layer.weight

    module = Centring()
    fabric = build_fabric("bf16-mixed")
    shown = fabric.setup(module, torch.optim.SGD(module.parameters(), 0.1))[0](
        torch.full((1, 1), 0.5015)
    )
    assert module.computed_in == torch.bfloat16
    assert shown.item() == pytest.approx(0.0015, rel=1e-3)


@pytest.mark.parametrize(("name", "kind"), [("adam", "Adam"), ("adamw", "AdamW")])
def test_the_stage_s_optimiser_learns_what_is_not_frozen(name: str, kind: str) -> None:
    network = AffordanceNetwork(replace(COMPACT, width=4))
    decay = 0.02 if name == "adamw" else 0.0
    stage = StageConfig(optimizer=name, learning_rate=0.003, weight_decay=decay)
    freeze(network, ("streams.flow",))
    optimizer = build_optimizer(AffordanceObjective(network, stage, None), stage)
    assert type(optimizer).__name__ == kind
    (group,) = optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (0.003, decay)
    frozen = set(network.get_submodule("streams.flow").parameters())
    assert set(group["params"]) == set(network.parameters()) - frozen


@pytest.mark.parametrize(("balance", "power"), [("none", None), ("sqrt", 0.5), ("inverse", 1)])
def test_the_stage_s_objective_weighs_classes_by_their_pixels(sequence, balance, power) -> None:
    network = AffordanceNetwork(replace(COMPACT, width=4))
    stage, data = StageConfig(class_balance=balance), StageData((sequence,), (), LABELS)
    weights = build_objective(network, stage, data).class_weights
    if power is None:
        assert weights is None
        return
    push = LABELS.label_id("push")
    pixels = np.bincount(sequence.demonstrated(len(sequence) - 1).ravel())
    assert weights[push] / weights[0] == pytest.approx((pixels[0] / pixels[push]) ** power)
