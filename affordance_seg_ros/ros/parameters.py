# SPDX-License-Identifier: Apache-2.0
"""ROS parameters declared from option dataclasses, and read back into them."""

# Some classes of Jazzy's rclpy cannot be subscripted with [Any].
from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.options import Options
from affordance_seg_ros.ros.parameter_table import ParameterRow, nest, parameter_rows

_RCLPY_S_OWN = ("qos_overrides./clock.", "qos_overrides./parameter_events.")

Group = TypeVar("Group", bound=Options)


class NodeParameters:
    """The parameters of a node: declared from dataclasses, checked by them, read back into them.

    They are declared on construction. A change while the node runs is refused with the reason,
    unless the options are ``live`` and their dataclass accepts the values.

    Args:
        node: The node that gets the parameters.
        groups: Dataclasses of the options; their names must not clash.

    Raises:
        ConfigError: A parameter from the command line or a file is unknown, of the wrong type or
            out of range.
    """

    def __init__(self, node: Node, *groups: type[Options]) -> None:
        self._node = node
        self._groups = groups
        self._rows = {group: tuple(parameter_rows(group())) for group in groups}
        given = self._given()
        for group in groups:
            rows = self._rows[group]
            values = {row.name: given[row.name] for row in rows if row.name in given}
            checked = {row.name: row.default for row in parameter_rows(_build(group, values))}
            for row in rows:
                # Checked above, with better messages than rclpy's and with 10 accepted for 10.0.
                node.declare_parameter(
                    row.name, checked[row.name], descriptor(row), ignore_override=True
                )
        node.add_on_set_parameters_callback(self._check)

    def read(self, group: type[Group], changes: Sequence[Parameter[Any]] = ()) -> Group:
        """Return the options in force.

        Args:
            group: One of the dataclasses declared.
            changes: Values that replace those in force.

        Raises:
            ConfigError: The changes are out of range.
        """
        changed = {parameter.name: parameter.value for parameter in changes}
        values = {
            row.name: changed.get(row.name, self._node.get_parameter(row.name).value)
            for row in self._rows[group]
        }
        return _build(group, values)

    def answer(
        self,
        changes: list[Parameter[Any]],
        set_all: Callable[[list[Parameter[Any]]], SetParametersResult],
    ) -> SetParametersResult:
        """Answer a request to set parameters; a refusal says what would have been accepted.

        Args:
            changes: The requested values; integers are accepted as floats.
            set_all: The node's own method, which sets them or refuses.
        """
        unknown = [c.name for c in changes if not self._node.has_parameter(c.name)]
        if unknown:
            return SetParametersResult(successful=False, reason=self._unknown(unknown[0]))
        result = set_all([self._in_type(change) for change in changes])
        if not result.successful:
            # For most refusals rclpy says that there is one, but not what is accepted.
            result.reason = self._refusal(changes) or result.reason
        return result

    def _in_type(self, change: Parameter[Any]) -> Parameter[Any]:
        """Return an integer as a float where one is declared; `ros2 param set` sends 5 for 5.0."""
        if change.type_ != Parameter.Type.INTEGER:
            return change
        if self._node.get_parameter(change.name).type_ != Parameter.Type.DOUBLE:
            return change
        return Parameter(change.name, value=float(change.value))

    def _refusal(self, changes: Sequence[Parameter[Any]]) -> str:
        """Return why changes are refused, or an empty string if our options don't know."""
        live = {row.name: row.info.live for rows in self._rows.values() for row in rows}
        for change in changes:
            if not live.get(change.name, True):
                return (
                    f"'{change.name}' is read-only while the node runs; set it at the start, with "
                    f"--ros-args -p {change.name}:=VALUE or in a parameter file"
                )
        return str(self._check(list(changes)).reason)

    def _unknown(self, name: str) -> str:
        known = [row.name for rows in self._rows.values() for row in rows]
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"expected one of {', '.join(known)}"
        return f"unknown parameter '{name}'; {hint}"

    def _given(self) -> dict[str, Any]:
        """Return the values from the command line and parameter files."""
        # rclpy ignores what was never declared, and has no public list of what was given.
        overrides = self._node._parameter_overrides
        known = [row.name for rows in self._rows.values() for row in rows]
        for name in overrides:
            if name in known or self._node.has_parameter(name) or name.startswith(_RCLPY_S_OWN):
                continue
            if name.startswith("qos_overrides."):
                raise ConfigError(f"'{name}' has no effect; expected reliability, queue_depth")
            raise ConfigError(self._unknown(name))
        return {name: parameter.value for name, parameter in overrides.items()}

    def _check(self, changes: list[Parameter[Any]]) -> SetParametersResult:
        try:
            for group in self._groups:
                self.read(group, changes)
        except ConfigError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)


def descriptor(row: ParameterRow) -> ParameterDescriptor:
    """Return the descriptor of a parameter: description with unit, range, read-only unless live."""
    info = row.info
    found = ParameterDescriptor(
        description=f"{info.description} [{info.unit}]" if info.unit else info.description,
        additional_constraints=info.accepted,
        read_only=not info.live,
    )
    if info.minimum is None or info.maximum is None:
        return found
    if isinstance(row.default, float):
        found.floating_point_range = [
            FloatingPointRange(from_value=float(info.minimum), to_value=float(info.maximum))
        ]
    elif isinstance(row.default, int):
        found.integer_range = [
            IntegerRange(from_value=int(info.minimum), to_value=int(info.maximum), step=1)
        ]
    return found


def _build(group: type[Group], values: dict[str, Any]) -> Group:
    return cast(Group, group.from_mapping(nest(values)))
