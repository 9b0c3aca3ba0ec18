# SPDX-License-Identifier: Apache-2.0
"""Camera presets: on which topics a driver publishes, and what the node needs to know about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from affordance_seg_ros.errors import ConfigError

# Beside the code where it is installed; in the checkout otherwise.
_FOLDERS = (
    Path(__file__).parent.parent / "presets",
    Path(__file__).resolve().parent.parent.parent / "config",
)
_NEEDED: Mapping[str, type] = {"frame": str, "remappings": dict, "driver": str}
_OPTIONAL: Mapping[str, type] = {"base": str, "parameters": dict}


@dataclass(frozen=True)
class Preset:
    """What is known about a camera's driver.

    Attributes:
        name: Name of the preset.
        base: Namespace in which the driver publishes; empty for none.
        frame: What the driver calls the optical frame of the colour images.
        topics: The driver's topic, within ``base``, for each relative topic of the node.
        parameters: Parameters of the affordance node that differ from their defaults.
        driver: Command that starts the driver as the preset needs it.
    """

    name: str
    base: str
    frame: str
    topics: Mapping[str, str]
    parameters: Mapping[str, Any]
    driver: str

    def remappings(self, base: str = "") -> dict[str, str]:
        """Return the driver's topic for each of the node's, in another namespace if one is given.

        A namespace without a leading slash is relative to the node's own.
        """
        found = base or self.base
        start = f"{found.rstrip('/')}/" if found else ""
        return {topic: start + driver_topic for topic, driver_topic in self.topics.items()}

    def recorded_topics(self, base: str = "") -> dict[str, str]:
        """Return the remappings as absolute names, as they appear in a bag."""
        return {
            topic: "/" + name.removeprefix("/") for topic, name in self.remappings(base).items()
        }


def preset_names() -> tuple[str, ...]:
    """Return the names of all presets."""
    return tuple(sorted(path.stem for path in _files()))


def read_preset(name: str) -> Preset:
    """Return the preset of a camera.

    Raises:
        ConfigError: There is no preset of that name, or its file is damaged.
    """
    for path in _files():
        if path.stem == name:
            return _parsed(path)
    raise ConfigError(f"camera '{name}'; expected one of {', '.join(preset_names())}")


def _parsed(path: Path) -> Preset:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, Mapping):
        raise ConfigError(f"{path}; expected a mapping")
    found: dict[str, Any] = {}
    for name, kind in {**_NEEDED, **_OPTIONAL}.items():
        value = content.get(name)
        if value is None and name in _OPTIONAL:
            value = kind()
        if not isinstance(value, kind):
            raise ConfigError(f"{path}: {name}={value!r}; expected a {kind.__name__}")
        found[name] = value
    return Preset(
        name=path.stem,
        base=found["base"],
        frame=found["frame"],
        topics=MappingProxyType(found["remappings"]),
        parameters=MappingProxyType(found["parameters"]),
        driver=found["driver"],
    )


def _files() -> list[Path]:
    folder = next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])
    # The other YAML files there are parameters and layouts.
    return [path for path in folder.glob("*.yaml") if "\nremappings:" in path.read_text("utf-8")]
