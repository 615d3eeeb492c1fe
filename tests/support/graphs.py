"""Pieces of test models: valid on TFLM and on LiteRT."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tflopt.ir import DType, OpCode, Padding, Quantization, Value
from tflopt.ir.builder import Builder
from tflopt.ir.options import (
    AddOptions,
    ConcatenationOptions,
    Conv2DOptions,
    ExpandDimsOptions,
    FullyConnectedOptions,
    PadOptions,
    ReshapeOptions,
    SliceOptions,
    SplitOptions,
    SqueezeOptions,
    StridedSliceOptions,
    TransposeOptions,
)

QUANT = (0.05, 3)


class Net(Builder):
    """A builder with one method for each operator that the tests use."""

    def feed(self, *shape: int) -> Value:
        """A graph input."""
        return self.input(shape, quant=QUANT)

    def reshape(self, x: Value, *shape: int, quant: tuple[float, int] | None = None) -> Value:
        """RESHAPE with the shape in both places, as converters write it."""
        options = ReshapeOptions(shape)
        inputs = [x, self.constant(shape)]
        return self.op(OpCode.RESHAPE, inputs, shape, options=options, quant=quant)

    def expand(self, x: Value, axis: int) -> Value:
        """EXPAND_DIMS."""
        shape = (*x.shape[:axis], 1, *x.shape[axis:])
        options = ExpandDimsOptions()
        return self.op(OpCode.EXPAND_DIMS, [x, self.constant(axis)], shape, options=options)

    def squeeze(self, x: Value, axis: int) -> Value:
        """SQUEEZE of one axis."""
        shape = (*x.shape[:axis], *x.shape[axis + 1 :])
        return self.op(OpCode.SQUEEZE, [x], shape, options=SqueezeOptions((axis,)))

    def transpose(self, x: Value, *perm: int) -> Value:
        """TRANSPOSE."""
        shape = [x.shape[axis] for axis in perm]
        inputs = [x, self.constant(perm)]
        return self.op(OpCode.TRANSPOSE, inputs, shape, options=TransposeOptions(), version=2)

    def relu(self, x: Value) -> Value:
        """An operator that no rule removes."""
        return self.op(OpCode.RELU, [x], x.shape, version=2)

    def pad(self, x: Value, *amounts: tuple[int, int]) -> Value:
        """PAD."""
        shape = [n + a + b for n, (a, b) in zip(x.shape, amounts, strict=True)]
        inputs = [x, self.constant(amounts)]
        return self.op(OpCode.PAD, inputs, shape, options=PadOptions(), version=2)

    def slice(self, x: Value, begin: Sequence[int], size: Sequence[int]) -> Value:
        """SLICE; a size of -1 takes the rest."""
        shape = [n - b if s == -1 else s for n, b, s in zip(x.shape, begin, size, strict=True)]
        inputs = [x, self.constant(begin), self.constant(size)]
        return self.op(OpCode.SLICE, inputs, shape, options=SliceOptions(), version=2)

    def strided(self, x: Value, begin: Sequence[int], end: Sequence[int], step: int = 1) -> Value:
        """STRIDED_SLICE with the same step everywhere; a negative one runs to the start."""
        shape = [-(-(e - b) // step) for b, e in zip(begin, end, strict=True)]
        steps = [step] * len(shape)
        end_mask = 0 if step > 0 else (1 << len(shape)) - 1
        if step < 0:
            shape = list(x.shape)
        inputs = [x, self.constant(begin), self.constant(end), self.constant(steps)]
        options = StridedSliceOptions(end_mask=end_mask)
        return self.op(OpCode.STRIDED_SLICE, inputs, shape, options=options, version=2)

    def concat(self, *values: Value, axis: int = 0) -> Value:
        """CONCATENATION."""
        shape = list(values[0].shape)
        shape[axis] = sum(value.shape[axis] for value in values)
        options = ConcatenationOptions(axis)
        return self.op(OpCode.CONCATENATION, values, shape, options=options, version=2)

    def split(self, x: Value, parts: int, axis: int = 0) -> list[Value]:
        """SPLIT."""
        shape = list(x.shape)
        shape[axis] //= parts
        inputs = [self.constant(axis), x]
        options = SplitOptions(parts)
        return self.ops(OpCode.SPLIT, inputs, [shape] * parts, options, x.quant, x.dtype, 2)

    def add(self, x: Value, y: Value) -> Value:
        """ADD."""
        return self.op(OpCode.ADD, [x, y], x.shape, options=AddOptions(), version=2)

    def conv(self, x: Value, channels: int, kernel: tuple[int, int] = (1, 3)) -> Value:
        """CONV_2D with SAME padding and seeded weights."""
        rng = np.random.default_rng(len(self.graph.values))
        shape = (channels, *kernel, x.shape[3])
        weights = self.constant(
            rng.integers(-127, 128, shape),
            DType.INT8,
            quant=Quantization.per_channel([0.01] * channels, 0),
        )
        bias = self.constant(
            rng.integers(-500, 500, (channels,)),
            quant=Quantization.per_channel([0.0005] * channels, 0),
        )
        options = Conv2DOptions(padding=Padding.SAME, stride_w=1, stride_h=1)
        out = (*x.shape[:3], channels)
        return self.op(
            OpCode.CONV_2D, [x, weights, bias], out, options=options, quant=QUANT, version=3
        )

    def dense(self, x: Value, units: int, rows: int = 1, keep_num_dims: bool = False) -> Value:
        """FULLY_CONNECTED without bias."""
        rng = np.random.default_rng(units)
        weights = self.constant(
            rng.integers(-127, 128, (units, x.elements // rows)), DType.INT8, quant=(0.005, 0)
        )
        out = (*x.shape[:-1], units) if keep_num_dims else (rows, units)
        options = FullyConnectedOptions(keep_num_dims=keep_num_dims)
        return self.op(
            OpCode.FULLY_CONNECTED, [x, weights, None], out, options=options, quant=QUANT, version=4
        )
