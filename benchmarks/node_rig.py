# SPDX-License-Identifier: Apache-2.0
"""A node with a camera in front of it and a probe behind it, each in its own process."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mask_probe import READY

from affordance_seg_ros.errors import ConfigError, SourceError
from affordance_seg_ros.evaluation.bench.durations import spread
from affordance_seg_ros.evaluation.bench.settings import Size
from affordance_seg_ros.frames import StageTimes

_HERE = Path(__file__).resolve().parent
_EXECUTABLES = _HERE.parent / ".colcon/install/affordance_seg_ros/lib/affordance_seg_ros"
_START_S = 120.0
_STOP_S = 20.0
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class RigSettings:
    """What is played, and to what kind of node.

    Attributes:
        size: Camera pictures [px].
        rate_hz: Rate of the camera [Hz].
        seconds: How long it plays [s].
        weights: The node's weights.
        device: The node's device.
        parameters: Other parameters of the node, each as ``name:=value``.
    """

    size: Size
    rate_hz: float = 30.0
    seconds: float = 20.0
    weights: str = "untrained:compact"
    device: str = "auto"
    parameters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("rate_hz", "seconds"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ConfigError(f"{name}={getattr(self, name)}; expected a positive number")
        wrong = [each for each in self.parameters if ":=" not in each]
        if wrong:
            raise ConfigError(f"parameter '{wrong[0]}'; expected NAME:=VALUE")


class NodeRig:
    """Starts node and probe at once; the camera plays when told to.

    Args:
        settings: What is measured.
        folder: Where the processes write their reports; created here.
        index: Number of the rig; rigs with different numbers do not hear each other.
    """

    def __init__(self, settings: RigSettings, folder: Path, index: int) -> None:
        folder.mkdir(parents=True)
        self._log = folder / "log.txt"
        self._settings = settings
        self._folder = folder
        domain = 1 + (os.getpid() + 37 * index) % 100
        self._environment = {**os.environ, "ROS_DOMAIN_ID": str(domain)}
        parameters = (
            f"weights:={settings.weights}",
            f"device:={settings.device}",
            f"report_file:={folder / 'node.json'}",
            *settings.parameters,
        )
        words = [word for each in parameters for word in ("-p", each)]
        node = _EXECUTABLES / "affordance_node"
        if not node.exists():
            raise SourceError(f"{node} does not exist; expected a build: run `make setup`")
        self._node = self._start([str(node), "--ros-args", *words])
        probe = [*_python("mask_probe.py"), "--report", str(folder / "probe.json")]
        self._probe = self._start(probe, stdout=subprocess.PIPE)
        self._player: subprocess.Popen[str] | None = None
        self._cpu_s = 0.0

    def wait_until_ready(self) -> None:
        """Wait until the node publishes and the probe listens.

        Raises:
            SourceError: One of them ended, or it took two minutes.
        """
        assert self._probe.stdout is not None
        deadline = time.monotonic() + _START_S
        while self._node.poll() is None and self._probe.poll() is None:
            if select.select([self._probe.stdout], [], [], 0.2)[0]:
                if self._probe.stdout.readline().strip() == READY:
                    return
            elif time.monotonic() > deadline:
                break
        raise SourceError(
            f"the node did not publish its mask topic; its last words: {self._last_words()}"
        )

    def play(self) -> None:
        """Start the camera."""
        settings = self._settings
        frames = max(2, round(settings.seconds * settings.rate_hz))
        self._player = self._start(
            [
                *_python("scene_player.py"),
                *("--size", str(settings.size), "--rate", str(settings.rate_hz)),
                *("--frames", str(frames), "--report", str(self._folder / "played.json")),
            ]
        )
        self._cpu_s = -cpu_seconds(self._node.pid)

    def wait_until_played(self) -> None:
        """Wait until the camera has played everything.

        Raises:
            SourceError: The camera failed, or the node ended first.
        """
        assert self._player is not None
        code = self._player.wait()
        if code or self._node.poll() is not None:
            raise SourceError(
                f"player {code}, node {self._node.poll()}; expected 0 and a running node; last "
                f"words: {self._last_words()}"
            )
        self._cpu_s += cpu_seconds(self._node.pid)

    def stop(self) -> None:
        """End all processes."""
        for process in (self._player, self._node, self._probe):
            if process is None:
                continue
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def result(self) -> dict[str, Any]:
        """Return what player, node and probe reported; call it after `stop`.

        Raises:
            SourceError: No mask arrived.
        """
        node, played, probe = (
            json.loads((self._folder / name).read_text())
            for name in ("node.json", "played.json", "probe.json")
        )
        shutil.rmtree(self._folder)
        if not probe["ages_ms"]:
            raise SourceError(f"no mask came; last error of the node: '{node['last_error']}'")
        stages = node["stage_ms"]
        return {
            "camera_to_mask_ms": spread(probe["ages_ms"])._asdict(),
            "pipeline_ms": {"p50": sum(stages[name]["p50"] for name in StageTimes._fields)},
            "overhead_ms": stages["overhead"],
            "stage_ms": stages,
            "published": played["frames_published"],
            "taken": node["frames_processed"],
            "masks": len(probe["ages_ms"]),
            "dropped": node["frames_dropped"],
            "unpaired": node["unpaired"],
            "received": node["received"],
            "cpu_cores": self._cpu_s / self._settings.seconds,
            "device": node["device"],
            "weights": node["weights"],
        }

    def _start(self, words: list[str], stdout: int | None = None) -> "subprocess.Popen[str]":
        with self._log.open("a") as log:
            return subprocess.Popen(
                words, env=self._environment, stdout=stdout, stderr=log, text=True
            )

    def _last_words(self) -> str:
        lines = self._log.read_text().strip().splitlines()
        return lines[-1] if lines else "nothing"


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process and its threads have used [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return _TICK_S * (int(fields[11]) + int(fields[12]))


def _python(name: str) -> list[str]:
    return [sys.executable, str(_HERE / name)]
