"""Operators as rules make them, each with the version and the options that it needs.

:class:`Makers` draws them, the functions put them into a model. A rule names the operators that it
looks for, and asks here for those that take their place.
"""

from __future__ import annotations

from collections.abc import Sequence

from tflopt.facts.convolution import INT8_VERSION
from tflopt.facts.operators import VIEWS
from tflopt.ir import Activation, DType, Graph, Op, OpCode, Options, Quantization, Value
from tflopt.ir.builder import Builder
from tflopt.ir.options import (
    AddOptions,
    ConcatenationOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    FullyConnectedOptions,
    MulOptions,
    QuantizeOptions,
    ReshapeOptions,
    TransposeOptions,
)
from tflopt.rewrite.rewriter import Rewriter

DENSE_VERSION = 4
MOVING_VERSION = 2
"""The first of TRANSPOSE, CONCATENATION, QUANTIZE, ADD and MUL whose tensors may be int8."""
Quant = tuple[float, int] | Quantization | None
Inputs = Sequence[Value | None]


class Makers(Builder):
    """Draws operators with one output; without ``quant`` that of the first input is kept."""

    def reshape(self, value: Value, shape: Sequence[int], quant: Quant = None) -> Value:
        """RESHAPE, with its shape as an input and in the options."""
        inputs, options = [value, self.constant(shape)], ReshapeOptions(tuple(shape))
        return self.op(OpCode.RESHAPE, inputs, shape, options=options, quant=quant)

    def relabel(self, value: Value, shape: Sequence[int], quant: Quant) -> Value:
        """RESHAPE that gives other parameters to the same numbers; the options carry the shape."""
        options = ReshapeOptions(tuple(shape))
        return self.op(OpCode.RESHAPE, [value], shape, options=options, quant=quant)

    def view(self, value: Value, shape: tuple[int, ...]) -> Value:
        """``value`` under another shape, which is no scalar's."""
        return value if value.shape == shape else self.reshape(value, shape)

    def transpose(self, value: Value, perm: Sequence[int]) -> Value:
        """TRANSPOSE."""
        inputs, shape = [value, self.constant(perm)], [value.shape[axis] for axis in perm]
        options = TransposeOptions()
        return self.op(OpCode.TRANSPOSE, inputs, shape, options=options, version=MOVING_VERSION)

    def concatenation(self, parts: Inputs, shape: Sequence[int], axis: int, quant: Quant) -> Value:
        """CONCATENATION without activation."""
        options = ConcatenationOptions(axis)
        return self._made(OpCode.CONCATENATION, parts, shape, options, quant, MOVING_VERSION)

    def quantize(
        self, value: Value, quant: Quant, dtype: DType | None = None, version: int = MOVING_VERSION
    ) -> Value:
        """QUANTIZE."""
        return self.op(
            OpCode.QUANTIZE,
            [value],
            value.shape,
            options=QuantizeOptions(),
            quant=quant,
            dtype=dtype,
            version=version,
        )

    def add(
        self,
        inputs: Inputs,
        shape: Sequence[int],
        quant: Quant,
        fused: Activation = Activation.NONE,
    ) -> Value:
        """ADD of int8."""
        return self._made(OpCode.ADD, inputs, shape, AddOptions(fused), quant, MOVING_VERSION)

    def add_integers(self, one: Value, two: Value) -> Value:
        """ADD of int32, which TFLM has without quantization only."""
        return self.op(OpCode.ADD, [one, two], one.shape, options=AddOptions(), dtype=DType.INT32)

    def multiply(
        self, inputs: Inputs, shape: Sequence[int], quant: Quant, fused: Activation
    ) -> Value:
        """MUL of int8."""
        return self._made(OpCode.MUL, inputs, shape, MulOptions(fused), quant, MOVING_VERSION)

    def convolution(
        self,
        inputs: Inputs,
        shape: Sequence[int],
        options: Conv2DOptions,
        quant: Quant,
        version: int = INT8_VERSION,
    ) -> Value:
        """CONV_2D."""
        return self._made(OpCode.CONV_2D, inputs, shape, options, quant, version)

    def depthwise(
        self, inputs: Inputs, shape: Sequence[int], options: DepthwiseConv2DOptions, quant: Quant
    ) -> Value:
        """DEPTHWISE_CONV_2D of int8."""
        code = OpCode.DEPTHWISE_CONV_2D
        return self._made(code, inputs, shape, options, quant, INT8_VERSION)

    def fully_connected(
        self, inputs: Inputs, shape: Sequence[int], options: FullyConnectedOptions, quant: Quant
    ) -> Value:
        """FULLY_CONNECTED of int8."""
        return self._made(OpCode.FULLY_CONNECTED, inputs, shape, options, quant, DENSE_VERSION)

    def _made(
        self,
        code: OpCode,
        inputs: Inputs,
        shape: Sequence[int],
        options: Options,
        quant: Quant,
        version: int,
    ) -> Value:
        return self.op(code, inputs, shape, options=options, quant=quant, version=version)


def insert_reshape(
    rw: Rewriter, at: Op | Graph, source: Value, target: Value, shape: Sequence[int] | None = None
) -> None:
    """A RESHAPE in front of an operator or at the end; the options carry the shape."""
    options = ReshapeOptions(tuple(target.shape if shape is None else shape))
    rw.insert(at, OpCode.RESHAPE, [source], [target], options)


def insert_transpose(
    rw: Rewriter, at: Op | Graph, inputs: Sequence[Value], target: Value, version: int
) -> None:
    """A TRANSPOSE of a tensor by a permutation."""
    rw.insert(at, OpCode.TRANSPOSE, inputs, [target], TransposeOptions(), version)


def insert_quantize(rw: Rewriter, at: Op, source: Value, target: Value) -> None:
    """A QUANTIZE."""
    rw.insert(at, OpCode.QUANTIZE, [source], [target], QuantizeOptions(), MOVING_VERSION)


def insert_again(
    rw: Rewriter, op: Op, inputs: Sequence[Value | None], output: Value, options: Options | None
) -> None:
    """The operator once more in front of itself, of other values.

    A view becomes a RESHAPE of the first of ``inputs`` to the shape of ``output``.
    """
    if op.code in VIEWS:
        rw.insert(op, OpCode.RESHAPE, inputs[:1], [output], ReshapeOptions(output.shape))
    else:
        rw.insert(op, op.code, inputs, [output], options, op.opcode.version)


def turn_into_reshape(rw: Rewriter, op: Op, shape: Sequence[int] | None = None) -> None:
    """Make ``op`` a RESHAPE to its output's shape, or to the one given; its inputs stay."""
    options = ReshapeOptions(tuple(op.output.shape if shape is None else shape))
    rw.set_code(op, OpCode.RESHAPE, options)
