"""What the layers of the grid are drawn from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from random import Random

import numpy as np
import numpy.typing as npt

from tflopt.ir import DType, Padding, Quantization, Value
from tflopt.ir.builder import Builder

MAX_MACS = 600_000
SPREAD = 0.0075
MAX_BYTES = 60_000
QUANT = (0.05, 3)
INPUT_QUANTS = {DType.INT8: QUANT, DType.INT16: (0.001, 0), DType.INT32: (0.0001, 0)}
OUTPUT_QUANTS = {DType.INT8: QUANT, DType.INT16: (0.002, 0)}
Make = Callable[["Sampler"], Value | Sequence[Value]]


@dataclass
class Sampler:
    """A builder to add one layer to, and the dice."""

    builder: Builder
    dice: Random = field(default_factory=lambda: Random(1))

    def size(self, low: int, high: int) -> int:
        """An integer whose logarithm is uniform, so that small ones are not rare."""
        return min(
            high, max(low, round(math.exp(self.dice.uniform(math.log(low), math.log(high)))))
        )

    def shape(self, rank: int, largest: int = 24, elements: int = 8_000) -> tuple[int, ...]:
        """Dimensions with at most so many elements together, the first one 1 from rank 4 on."""
        while True:
            found = tuple(self.size(1, largest) for _ in range(rank))
            found = (1, *found[1:]) if rank > 3 else found
            if 4 <= prod(found) <= elements:
                return found

    def feed(self, shape: Sequence[int], dtype: DType = DType.INT8) -> Value:
        """A graph input."""
        return self.builder.input(shape, dtype, INPUT_QUANTS.get(dtype))

    def numbers(self, low: int, high: int, shape: Sequence[int]) -> npt.NDArray[np.int64]:
        """Integers, both ends included."""
        return np.random.default_rng(self.dice.getrandbits(32)).integers(low, high + 1, shape)

    def weights(
        self,
        shape: Sequence[int],
        dimension: int | None = None,
        dtype: DType = DType.INT8,
        scale: float | None = None,
    ) -> Value:
        """Constant int8 weights, with a scale for each index of ``dimension``; or float ones.

        The default scale spreads the outputs over the int8 range without much saturation, which
        takes other branches.
        """
        if dtype is DType.FLOAT32:
            return self.builder.constant(self.numbers(-9, 9, shape) / 9, dtype)
        data = self.numbers(-127, 127, shape)
        if scale is None:
            channels = shape[0 if dimension is None else dimension]
            scale = SPREAD / math.sqrt(prod(shape) / channels)
        if dimension is None:
            return self.builder.constant(data, DType.INT8, quant=(scale, 0))
        scales = [scale * self.dice.uniform(0.5, 1.5) for _ in range(shape[dimension])]
        return self.builder.constant(data, DType.INT8, Quantization.per_channel(scales, dimension))

    def bias(self, channels: int, scale: float | None = None, dtype: DType = DType.INT8) -> Value:
        """A constant bias as activations of ``dtype`` need it: int32, int64 or float."""
        data = self.numbers(-2000, 2000, (channels,))
        quant = None if scale is None else (scale, 0)
        types = {DType.INT16: DType.INT64, DType.FLOAT32: DType.FLOAT32}
        return self.builder.constant(data, types.get(dtype, DType.INT32), quant=quant)

    def padding(self) -> Padding:
        """SAME or VALID."""
        return self.dice.choice([Padding.SAME, Padding.VALID])


def out_size(padding: Padding, size: int, kernel: int, stride: int, dilation: int = 1) -> int:
    """The output of a window along one axis, 0 where it does not fit."""
    if padding is Padding.SAME:
        return -(-size // stride)
    return max(0, (size - (kernel - 1) * dilation - 1) // stride + 1)


@dataclass(frozen=True)
class Group:
    """Layers of one kind: how many, and how one is made."""

    name: str
    count: int
    make: Make
