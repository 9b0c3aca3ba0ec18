# SPDX-License-Identifier: Apache-2.0
"""The variants of the network that the paper compares."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from affordance_seg_ros.config import NetworkConfig


def table_3(base: NetworkConfig) -> Mapping[str, NetworkConfig]:
    """Return every row of the paper's table 3 as a variant of a network, in the table's order.

    Args:
        base: Network whose width, normalisation, labels and so on all variants share.
    """
    return MappingProxyType(
        {
            "rgb": replace(base, appearance="rgb", attention=False, flow="none"),
            "rgb_attention": replace(base, appearance="rgb", attention=True, flow="none"),
            "rgb_attention_flow2d": replace(base, appearance="rgb", attention=True, flow="2d"),
            "rgbd": replace(base, appearance="rgbd", attention=False, flow="none"),
            "rgbd_attention": replace(base, appearance="rgbd", attention=True, flow="none"),
            "rgbd_attention_flow3d": replace(base, appearance="rgbd", attention=True, flow="3d"),
        }
    )
