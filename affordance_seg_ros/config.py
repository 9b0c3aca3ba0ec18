# SPDX-License-Identifier: Apache-2.0
"""Options of the network, the flow and the pipeline: default, range, unit and description."""

from dataclasses import dataclass

from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.labels import SOR3D_AFF, LabelSet
from affordance_seg_ros.options import Options, option

STILL = 0.5
"""Colour of no motion, where the flow's encoding has a sign."""

NEAREST_DEPTH = 1e-4
"""What depth before the range becomes, in [0, 1] of it: 0 is that of a pixel without any."""


@dataclass(frozen=True)
class InputConfig(Options):
    """How frames become network input; fixed by the weights and stored with them."""

    height: int = option(300, "Height of the network input", unit="px", minimum=32, maximum=2048)
    width: int = option(300, "Width of the network input", unit="px", minimum=32, maximum=2048)
    fit: str = option(
        "stretch",
        "How a picture of another shape is fitted: stretched as in the paper, whole with padded "
        "borders, or cropped to its largest centred window of the input's shape",
        choices=("stretch", "letterbox", "center_crop"),
    )
    color_mean: tuple[float, ...] = option(
        (0.485, 0.456, 0.406), "Mean of RGB in [0, 1], which is subtracted (ImageNet's)"
    )
    color_std: tuple[float, ...] = option(
        (0.229, 0.224, 0.225), "Standard deviation of RGB, by which it is divided", minimum=1e-3
    )
    depth_near_m: float = option(
        0.3, f"Depth that becomes {NEAREST_DEPTH:g}, like all nearer depths; no depth becomes 0",
        unit="m", minimum=0.0, maximum=10.0,
    )  # fmt: skip
    depth_far_m: float = option(
        3.0, "Depth that becomes 1, like all greater depths", unit="m", minimum=0.1, maximum=20.0
    )
    flow_encoding: str = option(
        "signed",
        "Colouring of the flow: a fixed metric range with sign, each axis stretched to its own "
        "range as in the paper, or as in PD-Flow's viewer (no sign, maximum of the frame)",
        choices=("signed", "stretched", "viewer"),
    )
    flow_range_m: float = option(
        0.1, "Motion between two frames that saturates the signed encoding", unit="m",
        minimum=1e-3, maximum=10.0,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth_near_m >= self.depth_far_m:
            raise ConfigError(
                f"depth_near_m={self.depth_near_m} with depth_far_m={self.depth_far_m}; expected "
                "near below far"
            )
        for name in ("color_mean", "color_std"):
            if len(getattr(self, name)) != 3:
                raise ConfigError(f"{name}={getattr(self, name)}; expected 3 numbers")


@dataclass(frozen=True)
class NetworkConfig(Options):
    """Architecture of the autoencoder; fixed by the weights and stored with them."""

    width: int = option(
        64, "Channels of the first convolution; the paper uses 64 (67 M parameters)",
        minimum=4, maximum=128,
    )  # fmt: skip
    appearance: str = option("rgbd", "Input of the appearance stream", choices=("rgb", "rgbd"))
    depth_mask: bool = option(
        False, "In a network with depth, let the appearance stream tell missing depth from near "
        "depth; the paper does not"
    )  # fmt: skip
    flow: str = option(
        "3d", "Input of the flow stream; none leaves the stream out", choices=("none", "2d", "3d")
    )
    attention: bool = option(True, "Soft attention on the memory and after each upsampling")
    attention_norm: str = option(
        "softmax_max",
        "Softmax over all positions as in the paper, the same divided by its maximum, or a sigmoid",
        choices=("softmax", "softmax_max", "sigmoid"),
    )
    center_flow: bool = option(
        False, "Take the colour of no motion as 0, so that borders do not look like motion and "
        "small motion counts; the paper does not"
    )  # fmt: skip
    action_context: bool = option(
        False, "Tell the decoder the action whose affordance the mask should show; the paper does "
        "not"
    )  # fmt: skip
    decided_context: bool = option(
        False, "Tell the decoder the likeliest action as if it were certain, except in training; "
        "the uncertainty then lowers the confidence of the mask instead"
    )  # fmt: skip
    motion_memory: bool = option(
        False, "In a network with flow, remember the motion of the whole picture to recognise the "
        "action; the paper does not"
    )  # fmt: skip
    skips: str = option(
        "both", "Streams with skip connections to the decoder", choices=("appearance", "both")
    )
    norm: str = option(
        "none", "Normalisation after each convolution; the paper has none",
        choices=("none", "group"),
    )  # fmt: skip
    sequence_length: int = option(
        10, "Frames of a training sequence", unit="frames", minimum=1, maximum=1000
    )
    affordances: tuple[str, ...] = option(SOR3D_AFF, "Names of the mask classes 1..N")
    actions: tuple[str, ...] = option(SOR3D_AFF, "Names of the actions 0..M-1")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.decided_context and not self.action_context:
            raise ConfigError("decided_context without action_context; expected both, or neither")
        self.labels  # noqa: B018  (building the label set validates the names)

    @property
    def labels(self) -> LabelSet:
        """The label set of these names."""
        return LabelSet(self.affordances, self.actions)


PAPER = NetworkConfig()
"""The paper's network at full width, RGB-D with attention and 3D flow."""

COMPACT = NetworkConfig(width=16, norm="group")
"""A quarter of the paper's width, for two CPU cores."""

PAPER_INPUT = InputConfig()
COMPACT_INPUT = InputConfig(height=120, width=160, fit="letterbox")

NETWORKS = {"paper": (PAPER, PAPER_INPUT), "compact": (COMPACT, COMPACT_INPUT)}
"""Named architectures with the input each is made for."""


@dataclass(frozen=True)
class FlowConfig(Options):
    """Estimation of 3D flow between consecutive frames."""

    estimator: str = option(
        "auto", "Primal-dual scene flow, the same in fused Triton kernels, DIS optical flow with "
        "depth, or auto: fused kernels on a GPU where Triton works, otherwise DIS",
        choices=("auto", "primal_dual", "primal_dual_fused", "dis"),
    )  # fmt: skip
    iterations: int = option(
        100, "Primal-dual iterations at the finest level of a cold start; coarser levels use fewer",
        minimum=1, maximum=1000,
    )  # fmt: skip
    warm_iterations: int = option(
        50, "Primal-dual iterations of a warm start, at the finest level only; 0 always starts "
        "cold", minimum=0, maximum=1000,
    )  # fmt: skip
    warm_residual_ratio: float = option(
        3.0, "A warm start is abandoned when its warped residual, in any patch of the picture, "
        "exceeds this multiple of the last pair's", minimum=1.0, maximum=1000.0,
    )  # fmt: skip
    budget: float = option(
        1.0, "Share of the flow's work that is done; less work means more error. It scales the "
        "iterations of primal-dual, cold or warm, or the steps of DIS and, below 0.75, its "
        "resolution", minimum=0.05, maximum=1.0, live=True,
    )  # fmt: skip
    normalize_exposure: bool = option(
        True, "Normalise brightness locally, so that exposure jumps do not look like motion"
    )


@dataclass(frozen=True)
class PipelineConfig(Options):
    """From frames to predictions."""

    rate_hz: float = option(
        10.0, "Rate at which frames are processed (10 in the paper); 0 processes every frame",
        unit="Hz", minimum=0.0, maximum=120.0, live=True,
    )  # fmt: skip
    max_gap_s: float = option(
        1.0, "A longer gap between frames makes the pipeline forget the past", unit="s",
        minimum=0.01, maximum=3600.0, live=True,
    )  # fmt: skip
    rest_s: float = option(
        10.0, "After this long without motion, the first motion begins a new interaction and the "
        "network forgets the previous one; 0 never forgets", unit="s", minimum=0.0, maximum=3600.0,
        live=True,
    )  # fmt: skip
    min_confidence: float = option(
        0.75, "Pixels whose affordance is less probable become background (0.75 in the paper)",
        minimum=0.0, maximum=1.0, live=True,
    )  # fmt: skip
    min_region_area_px: int = option(
        64, "Smaller regions are left out of the region list, but stay in the mask", unit="px",
        minimum=1, maximum=1_000_000, live=True,
    )  # fmt: skip
    max_regions: int = option(
        32, "Maximum number of regions in the region list; the largest are kept", minimum=0,
        maximum=10_000, live=True,
    )  # fmt: skip
    network_backend: str = option(
        "auto", "What runs the network: eager PyTorch as the reference; the same with channels "
        "last in memory; PyTorch compiled by torch.compile; OpenVINO on a CPU; a CUDA graph on a "
        "GPU; or auto: the graph on a GPU, and on a CPU OpenVINO where it is installed, otherwise "
        "channels_last",
        choices=("auto", "eager", "channels_last", "compiled", "openvino", "cuda_graph"),
    )  # fmt: skip
    network_precision: str = option(
        "auto", "Number format of the network: float32; half, which is bfloat16 on a CPU and "
        "float16 on a GPU; or auto: half for a CUDA graph, otherwise float32",
        choices=("auto", "float32", "half"),
    )  # fmt: skip
    flow: FlowConfig = FlowConfig()

    def __post_init__(self) -> None:
        super().__post_init__()
        # Or else every frame comes after a gap, and nothing is ever remembered.
        if self.rate_hz > 0 and self.rate_hz * self.max_gap_s <= 1:
            raise ConfigError(
                f"rate_hz={self.rate_hz:g} with max_gap_s={self.max_gap_s:g}; expected a gap "
                f"longer than the {1 / self.rate_hz:g} s between frames"
            )
