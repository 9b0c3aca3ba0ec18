# SPDX-License-Identifier: Apache-2.0
"""Chooses one of the connected Azure Kinects, via pyk4a."""

import random
import time
from types import ModuleType
from typing import Any, NamedTuple

from affordance_seg_ros.errors import DeviceError
from affordance_seg_ros.node_config import KinectConfig

_LOOKS = 6
_BETWEEN_LOOKS_S = (0.3, 1.0)


def camera_name(config: KinectConfig) -> str:
    """Return the name of the camera for people."""
    return f"Azure Kinect {config.serial_number or config.device_index}"


def choose_device(pyk4a: ModuleType, modes: Any, config: KinectConfig) -> Any:
    """Return a camera, already open if it was sought by its serial number.

    All are created with `thread_safe=False`, which is pyk4a's name for releasing the GIL while it
    waits: otherwise no other thread of the process could run until the next picture.

    Args:
        pyk4a: The module.
        modes: pyk4a's configuration of a camera.
        config: Which camera.

    Raises:
        DeviceError: No camera has this serial number.
    """
    if not config.serial_number:
        return pyk4a.PyK4A(modes, device_id=config.device_index, thread_safe=False)
    seen = _Seen(None, (), 0)
    for look in range(_LOOKS):
        if look:
            time.sleep(random.uniform(*_BETWEEN_LOOKS_S))
        seen = _look_for(pyk4a, modes, config.serial_number)
        if seen.device is not None:
            return seen.device
        # A node that is looking for its own camera opens every camera for a moment.
        if not seen.in_use:
            break
    found = ", ".join(seen.others) or "none"
    raise DeviceError(
        f"no {camera_name(config)} is there; found serial numbers {found}, and {seen.in_use} "
        "cameras in use"
    )


class _Seen(NamedTuple):
    """A look at all cameras: the wanted one, open; serial numbers of others; number in use."""

    device: Any
    others: tuple[str, ...]
    in_use: int


def _look_for(pyk4a: ModuleType, modes: Any, serial_number: str) -> _Seen:
    others: list[str] = []
    in_use = 0
    for index in range(pyk4a.connected_device_count()):
        device = pyk4a.PyK4A(modes, device_id=index, thread_safe=False)
        try:
            device.open()
            found = device.serial
        except pyk4a.K4AException:
            found = ""
            in_use += 1
        if found == serial_number:
            return _Seen(device, tuple(others), in_use)
        if found:
            others.append(found)
        if device.opened:
            device.close()
    return _Seen(None, tuple(others), in_use)
