"""Random parameters of kernels, the extremes included, within what TFLM accepts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tests.arith.slots import Drawn
from tflopt.arith.affine import Affine

Floats = npt.NDArray[np.float64]
Rng = np.random.Generator
COMMON_RATIO = (-8.0, 8.0)
WHOLE_RATIO = (-33.0, 21.0)


def scales(rng: Rng, count: int, low: float = -14.0, high: float = 4.0) -> Floats:
    """Scales between 2^low and 2^high, some of them powers of two."""
    exponents = rng.uniform(low, high, (count, 1))
    whole = rng.random((count, 1)) < 0.1
    return np.asarray(2.0 ** np.where(whole, np.round(exponents), exponents))


def ratios(
    rng: Rng, count: int, whole: tuple[float, float] = WHOLE_RATIO, tight: float = 8.0
) -> Floats:
    """Ratios of scales: mostly common ones, some over the whole range, some exactly 1."""
    common = rng.uniform(max(-tight, whole[0]), min(tight, whole[1]), (count, 1))
    kind = rng.random((count, 1))
    exponents = np.where(kind < 0.2, rng.uniform(*whole, (count, 1)), common)
    exponents = np.where(kind > 0.9, np.round(exponents), exponents)
    return np.asarray(2.0 ** np.where(kind > 0.95, 0.0, exponents))


def zero_points(rng: Rng, count: int) -> npt.NDArray[np.int64]:
    """Zero points, half of them extreme."""
    anywhere = rng.integers(-128, 128, (count, 1))
    extreme = rng.choice([-128, 127, 0, -127], (count, 1))
    return np.where(rng.random((count, 1)) < 0.5, anywhere, extreme)


def affine(rng: Rng, scale: Floats) -> Affine:
    """These scales with random zero points."""
    return Affine.make(scale, zero_points(rng, len(scale)))


def pair(
    rng: Rng, count: int, whole: tuple[float, float] = WHOLE_RATIO, tight: float = 8.0
) -> tuple[Affine, Affine]:
    """Parameters of input and output, by the ratio of their scales."""
    target = scales(rng, count)
    return affine(rng, target * ratios(rng, count, whole, tight)), affine(rng, target)


def every_int8() -> npt.NDArray[np.int8]:
    """All 256 values."""
    return np.arange(-128, 128, dtype=np.int8)


def int8s(rng: Rng, *shape: int) -> npt.NDArray[np.int8]:
    """Random values, a fifth of them extreme."""
    values = rng.integers(-128, 128, shape)
    extreme = rng.choice([-128, 127], shape)
    return np.where(rng.random(shape) < 0.2, extreme, values).astype(np.int8)


def draw_sum(rng: Rng, count: int) -> Drawn:
    """The larger input scale stays below 2^18 outputs, and the smaller above 2^-20 of it."""
    out = scales(rng, count)
    one = out * ratios(rng, count, (-20.0, 17.9))
    two = one * ratios(rng, count, (-18.0, 0.0), 4.0)
    if rng.random() < 0.5:
        one, two = two, one
    return Drawn({"one": affine(rng, one), "two": affine(rng, two), "out": affine(rng, out)}, {})


def draw_product(rng: Rng, count: int) -> Drawn:
    """The product of 16 bits is shifted by at most 14."""
    out, one = scales(rng, count), scales(rng, count)
    two = out * ratios(rng, count, (-33.0, 13.9)) / one
    return Drawn({"one": affine(rng, one), "two": affine(rng, two), "out": affine(rng, out)}, {})


def draw_inputs(rng: Rng, count: int) -> Drawn:
    one, two = scales(rng, count), scales(rng, count)
    return Drawn({"one": affine(rng, one), "two": affine(rng, two)}, {})
