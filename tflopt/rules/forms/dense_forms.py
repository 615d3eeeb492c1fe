"""FULLY_CONNECTED and 1x1 convolutions as forms of each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tflopt.arith.accumulator import convolution_multiplier, dense_multiplier
from tflopt.arith.affine import affine_of
from tflopt.facts.biases import bias_quantization
from tflopt.ir import Activation, DType, Op, Padding, Quantization, Value
from tflopt.ir.node import Array
from tflopt.ir.options import Conv2DOptions, FullyConnectedOptions
from tflopt.rewrite.sketch import Sketch

BIAS_LIMIT = 0.02


@dataclass(frozen=True)
class Dense:
    """A matrix product with constant weights.

    Args:
        op: the operator whose output it makes.
        data: the left factor, rows of ``weights.shape[1]`` elements.
        weights: O,K.
        quant: of the weights.
    """

    op: Op
    data: Value
    weights: Array
    quant: Quantization
    bias: Value | None
    fused: Activation

    @property
    def rows(self) -> int:
        """How many rows the data has."""
        return self.data.elements // int(self.weights.shape[1])

    @property
    def outputs(self) -> int:
        """How many elements a row of the output has."""
        return int(self.weights.shape[0])


def same_multipliers(dense: Dense) -> bool:
    """Whether CONV_2D and FULLY_CONNECTED requantize alike.

    With one weight scale FULLY_CONNECTED multiplies the scales in single precision, CONV_2D in
    double; with one for each channel both take double.
    """
    source, target = affine_of(dense.data), affine_of(dense.op.output)
    if source is None or target is None:
        return False
    if dense.quant.is_per_channel:
        return True
    scale = dense.quant.scales
    one, two = (f(source, scale, target) for f in (convolution_multiplier, dense_multiplier))
    return all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def as_fully_connected(dense: Dense) -> Sketch:
    """FULLY_CONNECTED on rows, and the view that the output needs."""
    sketch = Sketch()
    data = sketch.read(dense.data)
    if dense.rows > 1:
        data = sketch.view(data, (dense.rows, int(dense.weights.shape[1])))
    weights = sketch.constant(dense.weights, DType.INT8, _along(dense, 0))
    result = sketch.fully_connected(
        [data, weights, *_dense_bias(sketch, dense)],
        (dense.rows, dense.outputs),
        FullyConnectedOptions(dense.fused),
        dense.op.output.quant,
    )
    sketch.results[dense.op.output] = sketch.view(result, dense.op.output.shape)
    return sketch


def as_convolution(dense: Dense, shown: Value) -> Sketch:
    """A 1x1 CONV_2D on one pixel for each row, between the views that it needs.

    Args:
        shown: the output, or what a view shows of it.
    """
    sketch = Sketch()
    inputs = int(dense.weights.shape[1])
    data = sketch.view(sketch.read(dense.data), (1, dense.rows, 1, inputs))
    kernel = dense.weights.reshape(dense.outputs, 1, 1, inputs)
    weights = sketch.constant(kernel, DType.INT8, _along(dense, 0))
    if dense.bias is None:
        scales = bias_quantization(dense.data, weights)
        bias = sketch.constant(np.zeros(dense.outputs), DType.INT32, scales)
    else:
        bias = sketch.read(dense.bias)
    result = sketch.convolution(
        [data, weights, bias],
        (1, dense.rows, 1, dense.outputs),
        Conv2DOptions(Padding.VALID, 1, 1, dense.fused),
        dense.op.output.quant,
    )
    sketch.results[shown] = sketch.view(result, shown.shape)
    return sketch


def _along(dense: Dense, dimension: int) -> Quantization:
    return Quantization(dense.quant.scale, dense.quant.zero_point, dimension)


def _dense_bias(sketch: Sketch, dense: Dense) -> list[Value]:
    """The bias with the scale that FULLY_CONNECTED compares with the product of the others."""
    source = affine_of(dense.data)
    assert source is not None
    if dense.bias is None:
        return []
    if dense.quant.is_per_channel:
        return [sketch.read(dense.bias)]
    scale = float(source.scale * dense.quant.scales[0])
    return [sketch.constant(dense.bias.array(), DType.INT32, (scale, 0))]
