# SPDX-License-Identifier: Apache-2.0
"""Options as a flat table of ROS parameters: ``flow.estimator`` is the field estimator of flow."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from affordance_seg_ros.config import PipelineConfig
from affordance_seg_ros.node_config import KinectConfig, NodeConfig
from affordance_seg_ros.options import OptionInfo, Options

NODE_OPTIONS: Mapping[str, tuple[Options, ...]] = MappingProxyType(
    {"affordance_node": (NodeConfig(), PipelineConfig()), "kinect_node": (KinectConfig(),)}
)
"""The options of each executable, at their defaults."""


class ParameterRow(NamedTuple):
    """One parameter: its full name, its default, and what is known about it."""

    name: str
    default: bool | int | float | str
    info: OptionInfo


def parameter_rows(defaults: Options, prefix: str = "") -> Iterator[ParameterRow]:
    """Yield a row for each option, those of nested options under their field's name.

    Args:
        defaults: An instance that holds the defaults.
        prefix: Put before each name.
    """
    infos = defaults.infos()
    for field in fields(cast(Any, defaults)):
        value = getattr(defaults, field.name)
        if isinstance(value, Options):
            yield from parameter_rows(value, f"{prefix}{field.name}.")
        else:
            yield ParameterRow(prefix + field.name, value, infos[field.name])


def node_rows(executable: str) -> Iterator[ParameterRow]:
    """Yield a row for each parameter of an executable."""
    for options in NODE_OPTIONS[executable]:
        yield from parameter_rows(options)


def nest(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{"flow": {"estimator": x}}`` for ``{"flow.estimator": x}``."""
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *groups, leaf = name.split(".")
        level = nested
        for group in groups:
            level = level.setdefault(group, {})
        level[leaf] = value
    return nested
