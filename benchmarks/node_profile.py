# SPDX-License-Identifier: Apache-2.0
"""What the node adds to the pipeline: `python benchmarks/node_profile.py --size 1280x720`.

A camera in this process publishes as an Azure Kinect does (bgra8, 16UC1), over DDS, to the node in
another. Prints the node's own stage times per frame and the total processor time of its two
threads; with `--profile` also where that time goes, by function.
"""

import argparse
import cProfile
import json
import os
import pstats
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

STAGES = ("queue", "decode", "preprocess", "flow", "network", "postprocess", "publish", "overhead")
SHOWN = 14
STOP_S = 30.0


def main() -> int:
    """Run the camera and, as a child process, the node."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="1280x720", help="size of the pictures [px]")
    parser.add_argument("--rate", type=float, default=10.0, help="rate of the camera [Hz]")
    parser.add_argument("--frames", type=int, default=150, help="frames to publish")
    parser.add_argument("--listen", nargs="*", default=["mask"], help="topics to subscribe to")
    parser.add_argument("--profile", action="store_true", help="time by function; slows it down")
    parser.add_argument("--json", type=Path, help="write the node's report to this file")
    arguments = parser.parse_args()
    width, height = (int(side) for side in arguments.size.split("x"))
    os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            sys.executable, __file__, "--as-node", *(["--profile"] if arguments.profile else []),
            "--ros-args", "-p", f"report_file:={report}", "-p", "reliability:=reliable",
            "-p", "latency_budget_ms:=0.0", "-p", "min_confidence:=0.0",
        ]  # fmt: skip
        node = subprocess.Popen(command)
        try:
            publish(width, height, arguments.rate, arguments.frames, arguments.listen)
        finally:
            node.terminate()
            node.wait(STOP_S)
        found: dict[str, Any] = json.loads(report.read_text())
    print(f"{arguments.size}, {arguments.rate:g} frames/s, listening to {arguments.listen}")
    print(f"{found['frames_processed']} processed, {found['frames_dropped']} dropped")
    for stage in STAGES:
        times = found["stage_ms"][stage]
        print(f"{stage:12} p50 {times['p50']:7.2f}  p95 {times['p95']:7.2f} ms")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


def publish(width: int, height: int, rate_hz: float, count: int, topics: list[str]) -> None:
    """Publish frames of noise, with a gradient as depth, once the node listens."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import CameraInfo, Image

    from affordance_seg_ros.camera import Camera
    from affordance_seg_ros.msg import AffordanceRegionArray
    from affordance_seg_ros.ros import encode

    rclpy.init()
    node = rclpy.create_node("camera")
    qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
    color = node.create_publisher(Image, "color/image", qos)
    depth = node.create_publisher(Image, "depth/image", qos)
    info = node.create_publisher(CameraInfo, "color/camera_info", qos)
    for topic in topics:
        kind = AffordanceRegionArray if topic == "regions" else Image
        node.create_subscription(kind, f"/affordance/{topic}", lambda message: None, 5)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while not all(p.get_subscription_count() for p in (color, depth, info)):
        executor.spin_once(timeout_sec=0.1)
    rng = np.random.default_rng(0)
    camera = Camera(width, height, width, width, width / 2, height / 2)
    pictures = [rng.integers(0, 256, (height, width, 4), np.uint8) for _ in range(4)]
    ramp = np.linspace(800, 1500, width).astype(np.uint16)
    depths = [np.tile(ramp, (height, 1)) + np.uint16(index) for index in range(4)]
    start = time.monotonic()
    for index in range(count):
        while (left_s := start + index / rate_hz - time.monotonic()) > 0:
            executor.spin_once(timeout_sec=left_s)
        head = encode.header(node.get_clock().now().nanoseconds, "camera")
        info.publish(encode.camera_info(camera, head))
        color.publish(encode.image(pictures[index % 4], "bgra8", head))
        depth.publish(encode.image(depths[index % 4], "16UC1", head))
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        executor.spin_once(timeout_sec=0.1)
    rclpy.try_shutdown()


def run_node(*, profiled: bool) -> int:
    """Run the node as its executable does; time, or profile, each of its threads."""
    from affordance_seg_ros.ros import affordance_node

    profiles: dict[str, cProfile.Profile] = {}
    seconds: dict[str, float] = {}
    run_thread = threading.Thread.run

    def watched(name: str, work: Any) -> Any:
        start_s = time.thread_time()
        profile = cProfile.Profile(time.thread_time)
        try:
            return profile.runcall(work) if profiled else work()
        finally:
            profiles[name] = profile
            seconds[name] = time.thread_time() - start_s

    threading.Thread.run = lambda self: watched(self.name, lambda: run_thread(self))  # type: ignore[method-assign]
    code: int = watched("executor", affordance_node.main)
    for name in ("executor", "worker"):
        print(f"thread {name}: {seconds[name]:.2f} s of processor time")
        if profiled:
            stats = pstats.Stats(profiles[name])
            stats.sort_stats("tottime").print_stats(SHOWN)
            stats.sort_stats("cumtime").print_stats("/ros/|rclpy/ex|rclpy_pybind", 2 * SHOWN)
    return code


if __name__ == "__main__":
    if "--as-node" in sys.argv:
        sys.argv.remove("--as-node")
        wanted = "--profile" in sys.argv
        sys.argv = [word for word in sys.argv if word != "--profile"]
        sys.exit(run_node(profiled=wanted))
    sys.exit(main())
