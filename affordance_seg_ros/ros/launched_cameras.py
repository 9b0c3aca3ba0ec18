# SPDX-License-Identifier: Apache-2.0
"""The cameras named in a launch's arguments, each with the names of its nodes."""

from collections.abc import Mapping
from typing import NamedTuple

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.sources.preset import read_preset


class LaunchedCamera(NamedTuple):
    """One camera.

    Attributes:
        namespace: Namespace of its nodes.
        preset: Name of its preset.
        base: Namespace of its driver's topics; empty for the preset's.
        frame: Optical frame in which its driver is to publish; empty for the preset's.
        serial_number: Serial number of the camera that its driver is to open; empty for whichever
            comes next.
    """

    namespace: str
    preset: str
    base: str = ""
    frame: str = ""
    serial_number: str = ""

    def node_name(self, outer: str) -> str:
        """Return the full name of its affordance node.

        Args:
            outer: Namespace of the group that the launch file is included in; empty for none.
        """
        base = "" if self.namespace.startswith("/") else outer
        words = f"{base}/{self.namespace}/affordance".split("/")
        return "/" + "/".join(filter(None, words))


def launched_cameras(given: Mapping[str, str]) -> list[LaunchedCamera]:
    """Return the one camera, or several, each in its namespace.

    Args:
        given: Arguments `cameras`, such as ``left=realsense@/left/camera,right=kinect_v2``, or
            `camera` and `base`; also `namespace`, `start_driver` and `serial_number`.

    Raises:
        ConfigError: `cameras` is malformed or names an unknown preset, or the number of serial
            numbers differs from that of the cameras.
    """
    several = _read_cameras(given["cameras"])
    if not several:
        camera = LaunchedCamera(given["namespace"], given["camera"], given["base"])
        return _with_serial_numbers([camera], given["serial_number"])
    several = _with_serial_numbers(several, given["serial_number"])
    if given["start_driver"] == "true":  # two cameras are not in the same place
        several = [each._replace(frame=_own_frame(each)) for each in several]
    if outer := given["namespace"]:
        several = [each._replace(namespace=f"{outer}/{each.namespace}") for each in several]
    return several


def _with_serial_numbers(cameras: list[LaunchedCamera], text: str) -> list[LaunchedCamera]:
    if not text:
        return cameras
    numbers = [word.strip() for word in text.split(",")]
    if len(set(filter(None, numbers))) < len(numbers) or len(numbers) != len(cameras):
        raise ConfigError(
            f"serial_number:={text}; expected a different number for each camera, "
            f"{len(cameras)} in all, separated by commas"
        )
    pairs = zip(cameras, numbers, strict=True)
    return [camera._replace(serial_number=number) for camera, number in pairs]


def _own_frame(camera: LaunchedCamera) -> str:
    return f"{camera.namespace.strip('/').replace('/', '_')}_{read_preset(camera.preset).frame}"


def _read_cameras(text: str) -> list[LaunchedCamera]:
    cameras = []
    for word in filter(None, text.replace(",", " ").split()):
        namespace, equals, rest = word.partition("=")
        preset, _, base = rest.partition("@")
        if not (namespace and equals and preset):
            raise ConfigError(
                f"cameras:={text}; expected NAMESPACE=PRESET[@BASE], separated by commas"
            )
        cameras.append(LaunchedCamera(namespace, preset, base))
    if len({camera.namespace for camera in cameras}) < len(cameras):
        raise ConfigError(f"cameras:={text}; expected a different namespace for each camera")
    return cameras
