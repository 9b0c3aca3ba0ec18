# SPDX-License-Identifier: Apache-2.0
"""Options as dataclass fields that carry their own description, unit and range."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, TypeVar, cast

from affordance_seg_ros.errors import ConfigError

Value = TypeVar("Value")

_EXPONENT = re.compile(r"[+-]?\d+e[+-]?\d+", re.IGNORECASE)
"""Numbers that YAML 1.1 takes for text, such as 1e-3."""


@dataclass(frozen=True)
class OptionInfo:
    """What is known about an option besides its type and default.

    Attributes:
        description: One sentence, for people.
        unit: Unit of the value; empty if it has none.
        minimum: Smallest value accepted; None for no bound.
        maximum: Largest value accepted; None for no bound.
        choices: The values accepted; empty for any.
        live: Whether the value may change while the node runs.
    """

    description: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False

    @property
    def accepted(self) -> str:
        """The accepted values in words: ``0 to 1``, ``one of rgb, rgbd``; empty for any."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        unit = f" {self.unit}" if self.unit else ""
        low, high = self.minimum, self.maximum
        if low is not None and high is not None:
            return f"{_in_digits(low)} to {_in_digits(high)}{unit}"
        if low is not None:
            return f"at least {_in_digits(low)}{unit}"
        return "" if high is None else f"at most {_in_digits(high)}{unit}"

    @property
    def in_words(self) -> str:
        """The description, with what is accepted and whether the value may change."""
        notes = [note for note in (self.accepted, "live" if self.live else "") if note]
        return self.description + (f" ({'; '.join(notes)})" if notes else "")

    def check(self, name: str, value: object) -> None:
        """Raise unless the value is finite and in range, or one of the choices.

        Raises:
            ConfigError: It is not; the message names the option, the value and what is accepted.
        """
        values = value if isinstance(value, tuple) else (value,)
        for item in values:
            if self.choices and item not in self.choices:
                raise ConfigError(f"{name}={item!r}; expected {self.accepted}")
            if isinstance(item, int | float) and not isinstance(item, bool):
                low = -float("inf") if self.minimum is None else self.minimum
                high = float("inf") if self.maximum is None else self.maximum
                # Written so that NaN fails as well.
                if not low <= item <= high:
                    raise ConfigError(f"{name}={item}; expected {self.accepted or 'a number'}")
                if abs(item) == float("inf"):
                    accepted = f", {self.accepted}" if self.accepted else ""
                    raise ConfigError(f"{name}={item}; expected a finite number{accepted}")


def _in_digits(value: float) -> str:
    """Return a bound as people write it: whole numbers in full, others in six digits."""
    return str(value) if isinstance(value, int) else f"{value:g}"


def option(
    default: Value,
    description: str,
    *,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    live: bool = False,
) -> Value:
    """Return a dataclass field with a default and an `OptionInfo` of the other arguments."""
    info = OptionInfo(description, unit, minimum, maximum, choices, live)
    return field(default=default, metadata={"option": info})


class Options:
    """Base of frozen dataclasses whose fields are options; validates on construction."""

    def __post_init__(self) -> None:
        for name, info in self.infos().items():
            info.check(name, getattr(self, name))

    @classmethod
    def infos(cls) -> Mapping[str, OptionInfo]:
        """Return the `OptionInfo` of every option field, in order."""
        found = {f.name: f.metadata["option"] for f in _fields(cls) if "option" in f.metadata}
        return MappingProxyType(found)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Any:
        """Build from a mapping such as parsed JSON; lists become tuples.

        An option that is not given keeps its default; within a section, the one of the section's
        own default: giving a width leaves the rest of the network as it would be without it.

        Raises:
            ConfigError: A name is unknown, a type is wrong, or a value is out of range.
        """
        return cls().changed(values)

    def changed(self, values: Mapping[str, Any]) -> Any:
        """Return these options with some of them changed; see `from_mapping`."""
        known = [f.name for f in _fields(type(self)) if f.init]
        built: dict[str, Any] = {}
        for name, value in values.items():
            if name not in known:
                raise ConfigError(f"unknown option '{name}'; expected one of {', '.join(known)}")
            info = self.infos().get(name)
            if info is not None and type(value) is int and str(value) in info.choices:
                value = str(value)  # YAML turns a name like 30 into a number
            built[name] = _typed(name, value, getattr(self, name))
        return replace(cast(Any, self), **built)


def _fields(cls: type) -> tuple[Any, ...]:
    return fields(cast(Any, cls))


def _typed(name: str, value: Any, default: Any) -> Any:
    """Return the value in the type of the default, or raise."""
    if isinstance(default, Options):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{name}={value!r}; expected a mapping")
        return default.changed(value)
    if isinstance(value, list):
        value = tuple(value)
    if isinstance(default, tuple) and isinstance(value, tuple):
        return tuple(_typed(f"{name}[{i}]", item, default[0]) for i, item in enumerate(value))
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(default, float) and isinstance(value, str) and _EXPONENT.fullmatch(value):
        value = float(value)
    if type(value) is not type(default):
        raise ConfigError(
            f"{name}={value!r} is of type {type(value).__name__}; expected {type(default).__name__}"
        )
    return value
