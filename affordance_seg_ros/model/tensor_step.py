# SPDX-License-Identifier: Apache-2.0
"""The step function with only tensors, as other runtimes take it."""

from torch import Tensor, nn

from affordance_seg_ros.model.network import AffordanceNetwork


class TensorStep(nn.Module):
    """`AffordanceNetwork.step` as a separate module.

    Args:
        network: The network; shared, not copied.
    """

    def __init__(self, network: AffordanceNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, appearance: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        """Take one frame.

        Args:
            appearance: As `AffordanceNetwork.step` takes it.
            rest: The flow, unless the network takes none, and the tensors of the memory.

        Returns:
            The tensors of `StepOutput`, and then those of the memory after the frame.
        """
        flow, states = (rest[0], rest[1:]) if self.network.flow_channels else (None, rest)
        output, state = self.network.step(appearance, flow, self.network.state_type(*states))
        return (*output, *state)
