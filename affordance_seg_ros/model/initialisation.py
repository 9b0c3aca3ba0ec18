# SPDX-License-Identifier: Apache-2.0
"""Weights before training."""

import math

import torch
from torch import Tensor, nn

from affordance_seg_ros.model.conv_lstm import ConvLSTM


def xavier_initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Set all parameters: Xavier-uniform weights, zero biases, identity normalisations.

    The biases of the convLSTMs' forget gates become 1, which the paper does not say: a memory that
    halves with every frame hardly learns from the first of ten.

    Args:
        network: Module on the CPU; its parameters are changed in place.
        generator: Source of random numbers on the CPU; an equal state gives equal weights.

    Source: Glorot and Bengio, AISTATS 2010; Jozefowicz et al., ICML 2015 (forget gates).
    """
    with torch.no_grad():
        for module in network.modules():
            match module:
                case nn.Conv2d() | nn.Linear():
                    _xavier_uniform(module.weight, generator)
                    if module.bias is not None:
                        module.bias.zero_()
                case nn.GroupNorm() | nn.LayerNorm():
                    module.reset_parameters()
        for module in network.modules():
            if isinstance(module, ConvLSTM):
                module.forget_bias.fill_(1)


def _xavier_uniform(weight: Tensor, generator: torch.Generator) -> None:
    # The one in torch.nn.init takes no generator before PyTorch 2.3.
    outputs, inputs, *kernel = weight.shape
    bound = math.sqrt(6 / ((inputs + outputs) * math.prod(kernel)))
    weight.uniform_(-bound, bound, generator=generator)
