# SPDX-License-Identifier: Apache-2.0
"""Options as a flat table of ROS parameters: ``flow.estimator`` is field estimator of flow."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, NamedTuple, cast

from affordance_seg_ros.options import OptionInfo, Options


class ParameterRow(NamedTuple):
    """One parameter: its full name, its default, and what is known of it."""

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
