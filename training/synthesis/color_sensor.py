# SPDX-License-Identifier: Apache-2.0
"""What a colour camera makes of a rendered picture: blur, noise, JPEG."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ColorSensor:
    """One camera's imperfections.

    Attributes:
        blur_px: Standard deviation of the lens blur [px].
        noise: Standard deviation of the noise in dark grey, out of 255.
        chroma: Share of the noise that differs between channels.
        gain: Contrast around middle grey.
        jpeg_quality: JPEG quality, out of 100.
    """

    blur_px: float
    noise: float
    chroma: float
    gain: float
    jpeg_quality: int


def draw_color_sensor(rng: np.random.Generator) -> ColorSensor:
    """Draw a camera."""
    return ColorSensor(
        blur_px=float(rng.uniform(0.3, 0.75)),
        noise=float(rng.uniform(0.8, 3.0)),
        chroma=float(rng.uniform(0.2, 0.6)),
        gain=float(rng.uniform(0.92, 1.08)),
        jpeg_quality=int(rng.integers(80, 92)),
    )


def sense_color(sensor: ColorSensor, picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture as the camera would see it, before compression."""
    blurred = cv2.GaussianBlur(picture, (0, 0), sensor.blur_px).astype(np.float32)
    grey = rng.standard_normal(picture.shape[:2], np.float32)[..., None]
    color = rng.standard_normal(picture.shape, np.float32)
    # Raw noise grows with light, but the display curve compresses it in bright areas.
    scale = sensor.noise * (1.15 - 0.6 * blurred / 255)
    noisy = blurred + scale * ((1 - sensor.chroma) * grey + sensor.chroma * color)
    contrasted = (noisy - 118) * sensor.gain + 118
    return np.clip(np.rint(contrasted), 0, 255).astype(np.uint8)


def as_jpeg(picture: Picture, quality: int) -> bytes:
    """Return an (H, W, 3) RGB picture as a JPEG file."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()
