# SPDX-License-Identifier: Apache-2.0
"""Options of the nodes: default, range, unit and description."""

from dataclasses import dataclass

from affordance_seg_ros.errors import CalibrationError, ConfigError
from affordance_seg_ros.options import Options, option
from affordance_seg_ros.rigid_motion import parse_motion

MOTION_SOURCES = ("tf", "realsense", "orbbec")
"""Where `NodeConfig.depth_to_color` can be taken from, beside seven numbers."""


@dataclass(frozen=True)
class NodeConfig(Options):
    """The affordance node, beyond the pipeline."""

    weights: str = option(
        "", "Weight file (.safetensors); empty uses the package's default weights, and parts uses "
        "the package's weights that mark every part in view"
    )  # fmt: skip
    device: str = option("auto", "Compute device: auto, cpu, cuda or cuda:N")
    autostart: bool = option(True, "Configure and activate at once, without a lifecycle manager")
    max_skew_s: float = option(
        0.0, "Largest difference between the stamps of a colour and a depth image that are paired, "
        "limited to half a frame period, which is learned from the stream; 0 uses half a period",
        unit="s", minimum=0.0, maximum=1.0,
    )  # fmt: skip
    color_transport: str = option(
        "raw", "Transport of the colour images, as image_transport names it: compressed listens "
        "on `<topic>/compressed`", choices=("raw", "compressed"),
    )  # fmt: skip
    depth_transport: str = option(
        "raw", "Transport of the depth images: compressed_depth listens on "
        "`<topic>/compressedDepth`, compressed on `<topic>/compressed`",
        choices=("raw", "compressed", "compressed_depth"),
    )  # fmt: skip
    align_depth: bool = option(
        False,
        "Align depth to colour; for depth images as their own camera sees them, with "
        "depth/camera_info",
    )
    depth_to_color: str = option(
        "tf", "Pose of the depth camera, for align_depth: tf reads it from /tf_static, realsense "
        "and orbbec from the driver's message on depth/to_color; 'x y z qx qy qz qw' gives it in "
        "the colour camera's optical frame (metres, unit quaternion)",
    )  # fmt: skip
    latency_budget_ms: float = option(
        22.0, "Longest time from decoding a frame to its published mask; if it is exceeded, the "
        "work of the flow is reduced first, then the rate. On a CPU a frame may take until the "
        "next one is due, whatever the value; 0 reduces nothing", unit="ms", minimum=0.0,
        maximum=10_000.0, live=True,
    )  # fmt: skip
    rectified: bool = option(
        False, "The colour images are rectified (image_rect): camera_info's P holds, without "
        "distortion"
    )  # fmt: skip
    reliability: str = option(
        "best_effort", "QoS reliability of the image subscriptions",
        choices=("best_effort", "reliable"),
    )  # fmt: skip
    queue_depth: int = option(
        5, "QoS depth of the image subscriptions; with 1 a busy machine loses one image of most "
        "pairs, and whatever the depth, only the newest pair is processed", minimum=1, maximum=100,
    )  # fmt: skip
    output_reliability: str = option(
        "reliable", "QoS reliability of the published topics: reliable serves subscribers of both "
        "kinds; best_effort never waits for a subscriber that is slow or gone, but subscribers "
        "that request reliable get nothing", choices=("reliable", "best_effort"),
    )  # fmt: skip
    wait_warning_s: float = option(
        5.0, "Time without messages on an expected topic after which the node says what it is "
        "waiting for",
        unit="s", minimum=0.5, maximum=3600.0,
    )  # fmt: skip
    publish_overlay: bool = option(
        True, "Publish the overlay while somebody subscribes to it", live=True
    )
    publish_regions: bool = option(True, "Publish 3D regions", live=True)
    publish_markers: bool = option(
        True, "Publish the regions as markers while somebody subscribes to them", live=True
    )
    publish_points: bool = option(
        True, "Publish labelled points while somebody subscribes to them", live=True
    )
    points_layout: str = option(
        "labelled", "Points of the cloud: only the pixels with both an affordance and depth, or "
        "all pixels in rows and columns, with NaN where there is no depth",
        choices=("labelled", "organised"), live=True,
    )  # fmt: skip
    target_frame: str = option(
        "", "Coordinate frame into which tf2 transforms regions, points and markers at the stamp "
        "of the image; empty leaves them in the camera's frame"
    )  # fmt: skip
    transform_timeout_s: float = option(
        0.05, "How long to wait for a transform that has not arrived yet; without it, the regions, "
        "points and markers of that image are not published", unit="s", minimum=0.0, maximum=10.0,
    )  # fmt: skip
    snapshot_s: float = option(
        0.0, "Time that is kept for ~/snapshot; 0 keeps nothing. A frame takes 5 bytes per pixel, "
        "7 with 32FC1 depth: 10 s of 1280x720 at 10 frames/s take 465 MB", unit="s", minimum=0.0,
        maximum=600.0, live=True,
    )  # fmt: skip
    snapshot_memory_mb: int = option(
        512, "Memory for the frames kept for ~/snapshot; if it is not enough, less time is kept. "
        "Twice as much is in use while a snapshot is written", unit="MB", minimum=1, maximum=65536,
        live=True,
    )  # fmt: skip
    snapshot_folder: str = option(
        "", "Folder in which ~/snapshot creates a clip; empty uses affordance_snapshots "
        "in $ROS_HOME or ~/.ros",
        live=True,
    )  # fmt: skip
    report_file: str = option(
        "", "JSON file for counters and latencies, written when the node stops; empty for none"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth_to_color in MOTION_SOURCES:
            return
        try:
            parse_motion(self.depth_to_color)
        except CalibrationError as error:
            raise ConfigError(
                f"depth_to_color='{self.depth_to_color}': {error}, or one of "
                f"{', '.join(MOTION_SOURCES)}"
            ) from None


@dataclass(frozen=True)
class KinectConfig(Options):
    """The Azure Kinect node: a camera or a recording of one."""

    recording: str = option("", "Recording (.mkv) to play; empty opens the camera")
    loop: bool = option(False, "Play the recording in a loop")
    rate: float = option(
        1.0, "Playback speed as a multiple of the recorded speed", minimum=0.01, maximum=100.0
    )
    stamps: str = option(
        "now", "Stamps of a recording: the node's clock at publication, or the recorded device "
        "time", choices=("now", "recorded"),
    )  # fmt: skip
    wait_for_subscribers: bool = option(
        True, "Begin to play only when both images have a subscriber"
    )
    frame_id: str = option("rgb_camera_link", "Optical frame of the colour camera")
    device_index: int = option(
        0, "Index of the camera among those connected; their order is the SDK's and may change",
        minimum=0, maximum=15,
    )  # fmt: skip
    serial_number: str = option(
        "", "Serial number of the camera, with quotes that the shell does not remove; empty uses "
        "the camera of `device_index`",
    )  # fmt: skip
    color_resolution: str = option(
        "720p", "Colour resolution of the camera",
        choices=("720p", "1080p", "1440p", "1536p", "2160p", "3072p"),
    )  # fmt: skip
    depth_mode: str = option(
        "nfov_unbinned", "Depth mode of the camera",
        choices=("nfov_2x2binned", "nfov_unbinned", "wfov_2x2binned", "wfov_unbinned"),
    )  # fmt: skip
    frame_rate: str = option("30", "Frame rate of the camera [Hz]", choices=("5", "15", "30"))
    reconnect_s: float = option(
        1.0, "Pause before a lost camera is opened again, doubled after each attempt up to 30 s; "
        "0 ends the node instead", unit="s", minimum=0.0, maximum=30.0,
    )  # fmt: skip
