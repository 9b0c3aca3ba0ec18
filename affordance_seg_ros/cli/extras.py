# SPDX-License-Identifier: Apache-2.0
"""Python packages that only some commands need."""

from importlib.util import find_spec

from affordance_seg_ros.errors import ConfigError


def require(*modules: str) -> None:
    """Raise unless all modules are installed.

    Raises:
        ConfigError: One is missing; the message says how to install it.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"Python packages missing: {', '.join(missing)}; expected those of "
            "`pip install affordance_seg_ros[train]`"
        )
