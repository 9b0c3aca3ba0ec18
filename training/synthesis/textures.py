# SPDX-License-Identifier: Apache-2.0
"""Procedural textures: wood grain, weaves, prints, labels, a phone's screen."""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.float32]

SIZE_PX = 256


def cloud(
    rng: np.random.Generator, *, falloff: float = 1.2, stretch: tuple[float, float] = (1, 1)
) -> Image:
    """Return tileable fractal noise in [0, 1]; `stretch` > 1 slows its variation along x, y."""
    frequency = np.fft.fftfreq(SIZE_PX, 1 / SIZE_PX).astype(np.float32)
    radius = np.hypot(frequency[:, None] * stretch[1], frequency[None] * stretch[0])
    radius[0, 0] = 1
    spectrum = np.fft.rfft2(rng.standard_normal((SIZE_PX, SIZE_PX), np.float32))
    noise = np.fft.irfft2(spectrum / radius[:, : spectrum.shape[1]] ** falloff, s=(SIZE_PX,) * 2)
    noise -= noise.min()
    return (noise / max(float(noise.max()), 1e-9)).astype(np.float32)


def _grid() -> tuple[Image, Image]:
    y, x = np.mgrid[:SIZE_PX, :SIZE_PX].astype(np.float32) / SIZE_PX
    return x, y


def _grey(values: Image) -> Image:
    return np.repeat(values[..., None], 3, 2)


def _wave(phase: Image) -> Image:
    return (0.5 + 0.5 * np.sin(2 * np.pi * phase)).astype(np.float32)


def _plain(rng: np.random.Generator) -> Image:
    return _grey(0.93 + 0.06 * cloud(rng))


def _wood(rng: np.random.Generator) -> Image:
    _, y = _grid()
    rings = _wave(y * rng.integers(5, 9) + 1.6 * cloud(rng, falloff=1.5, stretch=(5, 1)))
    fibre = cloud(rng, falloff=0.5, stretch=(16, 1))
    return _grey(0.68 + 0.18 * rings + 0.22 * (fibre - 0.5) + 0.1 * cloud(rng))


def _weave(rng: np.random.Generator) -> Image:
    x, y = _grid()
    threads = _wave(x * 32) * _wave(y * 32 + 0.25)
    return _grey(0.78 + 0.16 * threads + 0.1 * cloud(rng, falloff=0.7))


def _foam(rng: np.random.Generator) -> Image:
    pores = cv2.GaussianBlur(rng.random((SIZE_PX, SIZE_PX), np.float32), (0, 0), 2.2)
    pores = (pores - pores.mean()) / pores.std()
    return _grey(np.clip(0.93 - 0.3 * np.clip(pores - 1.0, 0, 1) + 0.05 * cloud(rng), 0, 1))


def _brushed(rng: np.random.Generator) -> Image:
    return _grey(0.82 + 0.14 * (cloud(rng, falloff=0.5, stretch=(20, 1)) - 0.5))


def _bristle(rng: np.random.Generator) -> Image:
    return _grey(0.55 + 0.45 * cloud(rng, falloff=0.3, stretch=(30, 1)))


def _paper(rng: np.random.Generator) -> Image:
    _, y = _grid()
    return _grey(0.86 + 0.1 * _wave(y * 40 + cloud(rng)) + 0.04 * cloud(rng))


def _skin(rng: np.random.Generator) -> Image:
    blush = cloud(rng, falloff=1.0) - 0.5
    image = _grey(0.96 + 0.05 * (cloud(rng, falloff=0.5) - 0.5))
    image[..., 1:] -= 0.09 * blush[..., None]
    return image


def _plaster(rng: np.random.Generator) -> Image:
    return _grey(0.9 + 0.12 * (cloud(rng, falloff=0.6) - 0.5))


def _color(rng: np.random.Generator) -> Image:
    return rng.random(3, np.float32)


def _check(rng: np.random.Generator) -> Image:
    x, y = _grid()
    columns = np.clip((_wave(x * 4) - 0.5) * 12 + 0.5, 0, 1)
    rows = np.clip((_wave(y * 4) - 0.5) * 12 + 0.5, 0, 1)
    image = 1 - (columns + rows)[..., None] * 0.5 * (0.25 + 0.6 * _color(rng))
    return image * _weave(rng)


def _stripes(rng: np.random.Generator) -> Image:
    x, _ = _grid()
    stripe = np.clip((_wave(x * rng.integers(3, 8)) - 0.5) * 14 + 0.5, 0, 1)
    return (1 - stripe[..., None] * (0.2 + 0.7 * _color(rng))) * _weave(rng)


def _dots(rng: np.random.Generator) -> Image:
    x, y = _grid()
    distance = np.hypot((x * 6) % 1 - 0.5, (y * 6) % 1 - 0.5)
    dot = np.clip((0.26 - distance) * 25, 0, 1)[..., None]
    return (1 - dot * (0.2 + 0.7 * _color(rng))) * _weave(rng)


def _herringbone(rng: np.random.Generator) -> Image:
    x, y = _grid()
    zigzag = _wave(y * 12 + np.abs((x * 6) % 2 - 1) * 2)
    bone = np.clip((zigzag - 0.5) * 8 + 0.5, 0, 1)[..., None]
    return (1 - bone * (0.15 + 0.5 * _color(rng))) * _weave(rng)


def _blocks(rng: np.random.Generator, image: Image, count: int, longest_px: int) -> Image:
    for _ in range(count):
        x, y = rng.integers(0, SIZE_PX - 8, 2).tolist()
        width, height = rng.integers(4, longest_px, 2).tolist()
        cv2.rectangle(image, (x, y), (x + width, y + height), _color(rng).tolist(), -1)
    return image


def _text(rng: np.random.Generator, image: Image, top_px: int, bottom_px: int) -> None:
    ink = (0.06, 0.06, 0.08) if rng.random() < 0.7 else (0.95, 0.95, 0.92)
    for y in range(top_px, bottom_px, int(rng.integers(9, 16))):
        x = int(rng.integers(12, 60))
        while x < SIZE_PX - 30:
            word = int(rng.integers(6, 30))
            cv2.rectangle(image, (x, y), (x + word, y + 3), ink, -1)
            x += word + int(rng.integers(4, 9))


def _label(rng: np.random.Generator) -> Image:
    image = np.ones((SIZE_PX, SIZE_PX, 3), np.float32) * 0.96
    top, bottom = int(rng.integers(40, 90)), int(rng.integers(160, 220))
    image[top:bottom] = 0.15 + 0.8 * _color(rng)
    for x in (0, SIZE_PX // 2):  # the same picture on both sides
        centre = (x + SIZE_PX // 4, (top + bottom) // 2)
        cv2.ellipse(image, centre, (42, 24), float(rng.uniform(-20, 20)), 0, 360,
                    _color(rng).tolist(), -1, cv2.LINE_AA)  # fmt: skip
    _text(rng, image, bottom - 22, bottom - 4)
    return image


def _print(rng: np.random.Generator) -> Image:
    image = np.ones((SIZE_PX, SIZE_PX, 3), np.float32) * (0.7 + 0.3 * _color(rng))
    _blocks(rng, image, int(rng.integers(4, 9)), 110)
    for _ in range(int(rng.integers(1, 4))):
        centre = tuple(rng.integers(50, 200, 2).tolist())
        cv2.circle(image, centre, int(rng.integers(14, 50)), _color(rng).tolist(), -1, cv2.LINE_AA)
    _text(rng, image, 20, int(rng.integers(40, 70)))
    _text(rng, image, 215, 245)
    return image


def _screen(rng: np.random.Generator) -> Image:
    image = np.ones((SIZE_PX, SIZE_PX, 3), np.float32) * (0.1 + 0.7 * rng.random())
    for row in range(5):
        for column in range(4):
            corner = (14 + column * 60, 30 + row * 42)
            far = (corner[0] + 44, corner[1] + 30)
            cv2.rectangle(image, corner, far, (0.1 + 0.85 * _color(rng)).tolist(), -1)
    image[:16] *= 0.5
    return image


def _keys(rng: np.random.Generator) -> Image:
    image = np.ones((SIZE_PX, SIZE_PX, 3), np.float32) * (0.75 + 0.2 * rng.random())
    _text(rng, image, 16, 120)
    for row in range(4):
        for column in range(8):
            corner = (6 + column * 31, 140 + row * 28)
            cv2.rectangle(image, corner, (corner[0] + 25, corner[1] + 21), (0.2,) * 3, -1)
    return image


def _drawing(rng: np.random.Generator) -> Image:
    """Return a dark line drawing and some lettering on a light ground."""
    image = np.ones((SIZE_PX, SIZE_PX, 3), np.float32) * 0.97
    ink = (0.25 * _color(rng)).tolist()
    for _ in range(int(rng.integers(8, 22))):
        start, heading = rng.uniform(10, SIZE_PX - 10, 2), rng.uniform(0, 2 * np.pi)
        turns = heading + np.cumsum(rng.normal(rng.normal(0, 0.25), 0.2, int(rng.integers(6, 24))))
        steps = rng.uniform(2, 6) * np.stack([np.cos(turns), np.sin(turns)], 1)
        stroke = np.rint(start + np.cumsum(steps, 0)).astype(np.int32)
        cv2.polylines(image, [stroke], False, ink, int(rng.integers(1, 4)), cv2.LINE_AA)
    for _ in range(int(rng.integers(1, 5))):
        centre = tuple(rng.integers(20, SIZE_PX - 20, 2).tolist())
        cv2.circle(image, centre, int(rng.integers(5, 24)), ink, 2, cv2.LINE_AA)
    _text(rng, image, 100, int(rng.integers(105, 125)))
    return image


_PAINTERS: Mapping[str, Callable[[np.random.Generator], Image]] = MappingProxyType(
    {
        "plain": _plain,
        "wood": _wood,
        "weave": _weave,
        "foam": _foam,
        "brushed": _brushed,
        "bristle": _bristle,
        "paper": _paper,
        "skin": _skin,
        "plaster": _plaster,
        "check": _check,
        "stripes": _stripes,
        "dots": _dots,
        "herringbone": _herringbone,
        "label": _label,
        "print": _print,
        "screen": _screen,
        "keys": _keys,
        "drawing": _drawing,
    }
)

LAYERS: Mapping[str, int] = MappingProxyType({name: k for k, name in enumerate(_PAINTERS)})
"""Layer of each texture in the array, by name."""


WEAR_LAYER = LAYERS["plaster"]
"""The texture that stains are made of."""


def paint_textures(rng: np.random.Generator, used: Collection[int]) -> npt.NDArray[np.uint8]:
    """Return (layers, SIZE_PX, SIZE_PX, 3) uint8 textures, multipliers of a surface's colour.

    Args:
        rng: Source of randomness.
        used: Layers that are needed in addition to that of stains; the others stay black.
    """
    seed = int(rng.integers(2**32))
    textures = np.zeros((len(_PAINTERS), SIZE_PX, SIZE_PX, 3), np.uint8)
    for layer, paint in enumerate(_PAINTERS.values()):
        if layer in used or layer == WEAR_LAYER:
            # Each has its own seed, so that it does not depend on which others are painted.
            image = paint(np.random.default_rng([seed, layer]))
            textures[layer] = (np.clip(image, 0, 1) * 255).astype(np.uint8)
    return textures
