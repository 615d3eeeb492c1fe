"""Seeded inputs: the extremes, the zero point, and values that keep away from saturation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tflopt.errors import UnsupportedError
from tflopt.facts.rows import row_count
from tflopt.ir import DType, Model, Value

Array = npt.NDArray[np.generic]
Sample = list[Array]
MAX_ONE_BYTES = 1 << 24
"""Inputs and outputs of one invocation; drawing takes 24 times as much for int8."""
MAX_SAMPLE_BYTES = 1 << 28
"""All samples together; fewer are made where inputs are large, and the report says how many."""
NARROW = 24
INDEX_LIMIT = 4
WHOLE = (DType.INT8, DType.UINT8, DType.INT16, DType.UINT16)


@dataclass(frozen=True)
class SampleOptions:
    """How many input sets, from which seed."""

    count: int = 32
    seed: int = 0


def make_samples(model: Model, options: SampleOptions) -> list[Sample]:
    """Input sets for the main graph: all lowest, all highest, all zero point, a mix of these,
    then in turn over the whole range, near the zero point, and mixed with extremes.

    Raises:
        UnsupportedError: an input has a type or size for which none can be made.
    """
    inputs = list(model.main.inputs)
    total = 0
    for value in inputs:
        size = value.size_bytes
        if size is None or value.dtype.numpy is None:
            raise UnsupportedError(f"no inputs of type {value.dtype.name} can be made")
        total += size
    results = sum(value.size_bytes or 0 for value in model.main.outputs)
    if max(total, results) > MAX_ONE_BYTES:
        what = f"inputs of {total:,} bytes and outputs of {results:,}"
        raise UnsupportedError(f"{what} are too large to make samples of")
    count = min(options.count, max(1, MAX_SAMPLE_BYTES // max(total, results, 1)))
    rng = np.random.default_rng(options.seed)
    rows = {value: row_count(value) for value in inputs}
    return [[_draw(value, number, rng, rows[value]) for value in inputs] for number in range(count)]


def _draw(value: Value, number: int, rng: np.random.Generator, rows: int | None) -> Array:
    dtype = value.dtype.numpy
    assert dtype is not None
    if rows is not None:
        return _places(value, number, rng, rows).astype(dtype)
    if value.dtype in WHOLE:
        return _quantized(value, number, rng).astype(dtype)
    if value.dtype is DType.BOOL:
        return rng.integers(0, 2, value.shape).astype(dtype)
    if dtype.kind in "iu":
        return rng.integers(0, INDEX_LIMIT, value.shape).astype(dtype)
    return _float(value.shape, number, rng).astype(dtype)


def _places(
    value: Value, number: int, rng: np.random.Generator, rows: int
) -> npt.NDArray[np.int64]:
    """Numbers of rows, first the first, then the last: a kernel fails on any other number."""
    ends = {0: 0, 1: rows - 1}
    if number in ends:
        return np.full(value.shape, ends[number])
    return rng.integers(0, rows, value.shape)


def _quantized(value: Value, number: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    assert value.dtype.numpy is not None
    low, high = _limits(value.dtype.numpy)
    zero = 0
    if value.quant is not None and value.quant.is_set and value.quant.zero_point is not None:
        zero = int(np.clip(value.quant.zero_point[0], low, high))
    extremes = np.array([low, high, zero])
    if number < len(extremes):
        return np.full(value.shape, extremes[number])
    if number == len(extremes):
        return rng.choice(extremes, value.shape)
    wide = rng.integers(low, high, value.shape, endpoint=True)
    if number % 3 == 0:
        return wide
    narrow = np.clip(zero + rng.integers(-NARROW, NARROW, value.shape, endpoint=True), low, high)
    if number % 3 == 1:
        return narrow
    return np.where(rng.random(value.shape) < 0.1, rng.choice(extremes, value.shape), wide)


def _limits(dtype: np.dtype[np.generic]) -> tuple[int, int]:
    signed = dtype.kind == "i"
    bits = dtype.itemsize * 8
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)


def _float(
    shape: tuple[int, ...], number: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    special = {0: 0.0, 1: 1.0, 2: -1.0, 3: 1e6, 4: -1e6}
    if number in special:
        return np.full(shape, special[number])
    scale = (0.1, 1.0, 10.0, 100.0)[number % 4]
    return rng.standard_normal(shape) * scale
