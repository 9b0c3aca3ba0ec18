# SPDX-License-Identifier: Apache-2.0
"""Primal-dual scene flow of a stream on a GPU: fused kernels, one CUDA graph per frame."""

from dataclasses import replace

import torch

from affordance_seg_ros.camera import Camera
from affordance_seg_ros.config import FlowConfig
from affordance_seg_ros.errors import DeviceError
from affordance_seg_ros.flow.flow_input import FlowInput, check_input
from affordance_seg_ros.flow.incremental import Work, schedule, warps
from affordance_seg_ros.flow.iterations import Iterations
from affordance_seg_ros.flow.kernels.buffers import Buffers
from affordance_seg_ros.flow.kernels.graphs import GraphCache
from affordance_seg_ros.flow.kernels.solver import INTERPRETED, FusedSolver
from affordance_seg_ros.flow.motion import no_motion, rays
from affordance_seg_ros.flow.variation import PixelGrid
from affordance_seg_ros.frames import SceneFlow


class FusedPrimalDualFlow:
    """The same as `PrimalDualFlow`, up to rounding, in kernels that never wait for the host.

    The choice between a warm and a cold start is made on the device, by the same rule and for the
    same pair. Only `work` queries the device, when it is read.
    """

    def __init__(self, config: FlowConfig, device: torch.device) -> None:
        if (device.type == "cuda") == INTERPRETED:
            wanted = "cpu, since TRITON_INTERPRET is set" if INTERPRETED else "a CUDA device"
            raise DeviceError(f"flow.estimator=primal_dual_fused on {device}; expected {wanted}")
        self._config = config
        self._iterations = Iterations.of(config)
        self._device = device
        self._buffers: Buffers | None = None
        self.reset()

    def set_budget(self, budget: float) -> None:
        """Change the share of the iterations to run; see `FlowEstimator`.

        The first pair with a new share records a graph, which takes longer.
        """
        self._config = replace(self._config, budget=budget)
        self._iterations = Iterations.of(self._config)

    def reset(self) -> None:
        """Forget the previous frame and its motion."""
        self._older: FlowInput | None = None
        self._solved: Iterations | None = None

    @property
    def work(self) -> Work:
        """How the last pair was solved; reading it waits for the device."""
        if self._buffers is None or self._solved is None:
            return Work(0, False, torch.nan)
        cold, warm = self._buffers.runs.tolist()
        pixels = [height * width for height, width in (x.size for x in self._buffers.levels)]
        done = warm * self._solved.warm * pixels[0]
        iterations = schedule(self._solved.cold, len(pixels))
        for k, count in enumerate(pixels):
            done += cold * count * iterations[k] * warps(k)
        return Work(done, bool(warm), self._buffers.rise.item())

    @torch.no_grad()
    def step(self, frame: FlowInput) -> SceneFlow:
        """Return the motion from the previous frame to this one; see `FlowEstimator`."""
        older = self._older
        check_input(frame, older)
        buffers = self._ready(frame)
        buffers.gray.copy_(frame.gray, non_blocking=True)
        buffers.levels[0].newer[1].copy_(frame.depth_m, non_blocking=True)
        self._older = frame
        if older is None:
            buffers.first.fill_(1)
            self._graphs.run("first", self._first)
            return no_motion(frame.to(self._device))
        self._solved = self._iterations
        self._graphs.run(self._iterations, self._pair)
        # Clones: the next frame overwrites the buffers.
        flow, valid = buffers.flow.clone(), buffers.valid.clone().view(torch.bool)
        return SceneFlow(flow[:2], flow[2], flow[3:], valid)

    def _first(self) -> None:
        self._solver.prepare()
        self._solver.advance()

    def _pair(self) -> None:
        self._solver.prepare()
        self._solver.solve(self._iterations)
        self._solver.advance()

    def _ready(self, frame: FlowInput) -> Buffers:
        """Return buffers of the frame's size that hold its camera and the previous one."""
        size = (frame.camera.height, frame.camera.width)
        buffers = self._buffers
        if buffers is None or buffers.levels[0].size != size:
            with torch.inference_mode(False):  # or else they could not be written outside of it
                buffers = Buffers(*size, self._device)
            self._buffers = buffers
            self._solver = FusedSolver(buffers, self._config)
            self._graphs = GraphCache(self._device)
            self._cameras: tuple[Camera | None, Camera | None] = (None, None)
        older = self._older.camera if self._older else frame.camera
        if self._cameras != (older, frame.camera):
            self._cameras = (older, frame.camera)
            buffers.older_rays.copy_(rays(older, self._device))
            buffers.newer_rays.copy_(rays(frame.camera, self._device))
            grids = [PixelGrid.of(frame.camera)]
            for _ in buffers.levels[1:]:
                grids.append(grids[-1].halved())
            buffers.cameras.copy_(torch.tensor(grids))
        return buffers
