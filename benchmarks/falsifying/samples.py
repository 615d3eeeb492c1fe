"""Inputs of many kinds: noise, walks, flat colours, gratings, boards, patches, discs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tflopt.arith.fixed_point import Ints

Rng = np.random.Generator
Shape = tuple[int, ...]
EXTREMES = (-128, -60, 0, 60, 127)


def draw(rng: Rng, shape: Shape) -> Ints:
    """One sample as int8 numbers."""
    kinds = KINDS if len(shape) == 4 and min(shape[1:3]) > 3 else KINDS[:5]
    return np.clip(np.rint(kinds[int(rng.integers(len(kinds)))](rng, shape)), -128, 127).astype(
        np.int64
    )


def _noise(rng: Rng, shape: Shape) -> Ints:
    return rng.integers(-128, 128, shape)


def _walk(rng: Rng, shape: Shape) -> Ints:
    return np.asarray(np.cumsum(rng.normal(0, 6, shape), axis=min(1, len(shape) - 1)))


def _cloud(rng: Rng, shape: Shape) -> Ints:
    return np.asarray(rng.normal(rng.integers(-90, 90), 30, shape))


def _flat(rng: Rng, shape: Shape) -> Ints:
    return np.full(shape, rng.integers(-128, 128))


def _corners(rng: Rng, shape: Shape) -> Ints:
    return rng.choice([-128, 127], shape)


def _two_colours(rng: Rng, shape: Shape, mask: Ints) -> Ints:
    colours = rng.choice(EXTREMES, (2, shape[3]))
    return np.asarray(np.where(mask[..., None], colours[0], colours[1])[None])


def _grating(rng: Rng, shape: Shape) -> Ints:
    rows, columns = np.mgrid[: shape[1], : shape[2]]
    angle = rng.uniform(0, np.pi)
    wave = np.sin(rng.uniform(0.02, 3.2) * (np.cos(angle) * rows + np.sin(angle) * columns))
    return _two_colours(rng, shape, wave > rng.uniform(-0.8, 0.8))


def _board(rng: Rng, shape: Shape) -> Ints:
    rows, columns = np.mgrid[: shape[1], : shape[2]]
    size = int(rng.integers(1, 20))
    return _two_colours(rng, shape, (rows // size + columns // size) % 2)


def _patches(rng: Rng, shape: Shape) -> Ints:
    size = int(rng.integers(1, 20))
    _, high, wide, channels = shape
    cells = rng.choice([-128, 127], (-(-high // size), -(-wide // size), channels))
    return np.asarray(np.kron(cells, np.ones((size, size, 1)))[None, :high, :wide])


def _disc(rng: Rng, shape: Shape) -> Ints:
    rows, columns = np.mgrid[: shape[1], : shape[2]]
    middle = rng.uniform(0, shape[1]), rng.uniform(0, shape[2])
    far = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2
    return _two_colours(rng, shape, far < rng.uniform(2, shape[1]) ** 2)


KINDS: tuple[Callable[[Rng, Shape], Ints], ...] = (
    _noise,
    _walk,
    _cloud,
    _flat,
    _corners,
    _grating,
    _board,
    _patches,
    _disc,
)
