# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from affordance_seg_ros.config import InputConfig
from affordance_seg_ros.errors import ConfigError
from affordance_seg_ros.flow.colorize import colorize
from affordance_seg_ros.frames import SceneFlow

ENCODINGS = InputConfig.infos()["flow_encoding"].choices


def flow(*, scale=1.0):
    """Random motion of up to ±0.05 m and ±5 px, with invalid pixels on the left."""
    generator = torch.manual_seed(0)
    valid = torch.ones(10, 12, dtype=torch.bool)
    valid[:, :3] = False
    motion_m = scale * 0.1 * (torch.rand(3, 10, 12, generator=generator) - 0.5) * valid
    flow_px = scale * 10 * (torch.rand(2, 10, 12, generator=generator) - 0.5)
    return SceneFlow(flow_px, motion_m[2], motion_m, valid)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("mode", ["2d", "3d"])
@pytest.mark.parametrize("scale", [0.0, 1e-6, 1.0, 1000.0])
def test_every_encoding_of_any_motion_is_within_zero_and_one(encoding, mode, scale):
    color = colorize(flow(scale=scale), InputConfig(flow_encoding=encoding), mode=mode)
    assert color.shape == (3, 10, 12)
    assert color.dtype == torch.float32
    assert color.min() >= 0
    assert color.max() <= 1


@pytest.mark.parametrize(
    ("encoding", "still"), [("signed", 0.5), ("stretched", 0.5), ("viewer", 0)]
)
@pytest.mark.parametrize("mode", ["2d", "3d"])
def test_no_motion_has_one_colour(encoding, still, mode):
    color = colorize(flow(scale=0.0), InputConfig(flow_encoding=encoding), mode=mode)
    assert (color == still).all()


def test_signed_colours_invert_to_the_motion_and_show_invalid_pixels_as_still():
    config = InputConfig(flow_range_m=0.06)
    color = colorize(flow(), config, mode="3d")
    torch.testing.assert_close((color - 0.5) * 2 * 0.06, flow().motion_m)
    garbage = flow()._replace(motion_m=torch.full((3, 10, 12), 0.02))
    assert (colorize(garbage, config, mode="3d")[:, :, :3] == 0.5).all()


def test_signed_colours_of_optical_flow_saturate_at_the_range_times_the_longer_side():
    config = InputConfig(flow_range_m=0.075, height=32, width=40)  # whatever window is shown
    color = colorize(flow(), config, mode="2d")
    torch.testing.assert_close((color[:2] - 0.5) * 2 * 0.075 * 40, flow().flow_px.clamp(-3, 3))
    assert (color[2] == 0.5).all()


def test_signed_colours_do_not_depend_on_what_else_moves_but_stretched_ones_do():
    faster = flow()
    faster.motion_m[:, 9, 11] = 0.09
    same = {
        encoding: torch.equal(
            *(
                colorize(f, InputConfig(flow_encoding=encoding), mode="3d")[:, :9]
                for f in (flow(), faster)
            )
        )
        for encoding in ENCODINGS
    }
    assert same == {"signed": True, "stretched": False, "viewer": False}


def test_stretched_colours_reach_both_ends_on_each_axis():
    color = colorize(flow(), InputConfig(flow_encoding="stretched"), mode="3d")
    assert (color.amin((1, 2)) == 0).all()
    assert (color.amax((1, 2)) == 1).all()


def test_viewer_colours_are_sizes_with_red_for_depth_and_blue_for_columns():
    color = colorize(flow(), InputConfig(flow_encoding="viewer"), mode="3d")
    size = flow().motion_m.abs()
    torch.testing.assert_close(color, size[[2, 1, 0]] / size.max())


def test_an_unknown_mode_is_refused():
    with pytest.raises(ConfigError, match="flow mode '4d'; expected one of 2d, 3d"):
        colorize(flow(), InputConfig(), mode="4d")
