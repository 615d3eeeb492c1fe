"""Other forms of a convolution that compute the same: each builder returns a sketch.

In all of them the same products with the same int32 bias are summed up, some with products with a
weight of zero between them, and ``PopulateConvolutionQuantizationParams`` computes the multipliers
of CONV_2D and DEPTHWISE_CONV_2D alike.
"""

from __future__ import annotations

import numpy as np

from tflopt.facts.convolution import Convolution
from tflopt.ir import DType, Quantization, Value
from tflopt.ir.node import Array
from tflopt.ir.options import Conv2DOptions, DepthwiseConv2DOptions
from tflopt.rewrite.sketch import Sketch

MOST_PARTS = 10
"""Inputs that TFLM's CONCATENATION takes."""
LARGEST = 1 << 18
"""Weights of a layer of one group that is worth a look: wider ones never gain by zeros."""
WIDTHS = (16, 8, 4)
"""Input channels of a group that take little scratch on MVE."""


def wider(conv: Convolution) -> list[int]:
    """Numbers of groups of :data:`WIDTHS` channels that the present ones fill."""
    present = conv.groups
    numbers = [conv.input_c // width for width in WIDTHS if conv.input_c % width == 0]
    return [n for n in numbers if 1 < n < present and present % n == 0 and conv.output_c % n == 0]


def as_depthwise(conv: Convolution) -> Sketch:
    """A CONV_2D with as many groups as channels: weights O,H,W,1 to 1,H,W,O."""
    sketch = Sketch()
    weights = np.transpose(conv.weights.array(), (3, 1, 2, 0))
    draw_depthwise(sketch, conv, weights)
    return sketch


def as_grouped(conv: Convolution) -> Sketch:
    """A DEPTHWISE_CONV_2D as CONV_2D with as many groups as channels: 1,H,W,O to O,H,W,1."""
    return _as_conv(conv, np.transpose(conv.weights.array(), (3, 1, 2, 0)))


def as_dense(conv: Convolution, groups: int = 1) -> Sketch:
    """Fewer groups, one by default, with zeros for the channels of those that were others.

    Args:
        groups: a divisor of the groups that it has.
    """
    return _as_conv(conv, dense_array(conv, groups))


def dense_array(conv: Convolution, groups: int = 1) -> Array:
    """The weights of :func:`as_dense`: O, H, W, channels of a group."""
    weights = conv.weights.array()
    if conv.is_depthwise:
        weights = np.transpose(weights, (3, 1, 2, 0))
    outputs, high, wide, depth = weights.shape
    present = conv.input_c // depth
    joined = present // groups
    dense = np.zeros((outputs, high, wide, depth * joined), dtype=np.int8)
    for group in range(present):
        rows = slice(group * outputs // present, (group + 1) * outputs // present)
        first = group % joined * depth
        dense[rows, :, :, first : first + depth] = weights[rows]
    return dense


def filled_elements(conv: Convolution) -> int:
    """The weights of :func:`without_dilation`."""
    _, high, wide, channels = conv.weights.shape
    rows, columns = conv.dilation
    return int(((high - 1) * rows + 1) * ((wide - 1) * columns + 1) * channels)


def without_dilation(conv: Convolution) -> Sketch:
    """The same depthwise kernel with zeros between its taps instead of dilation."""
    options = conv.options
    weights = conv.weights.array()
    _, high, wide, channels = weights.shape
    rows, columns = options.dilation_h_factor, options.dilation_w_factor
    shape = (1, (high - 1) * rows + 1, (wide - 1) * columns + 1, channels)
    filled = np.zeros(shape, dtype=np.int8)
    filled[:, ::rows, ::columns] = weights
    sketch = Sketch()
    draw_depthwise(sketch, conv, filled, dilated=False)
    return sketch


def draw_depthwise(
    sketch: Sketch, conv: Convolution, weights: Array, *, dilated: bool = True
) -> None:
    """A DEPTHWISE_CONV_2D with the options, the bias and the scales of ``conv``."""
    data = sketch.read(conv.data)
    sketch.results[conv.op.output] = sketch.depthwise(
        [data, _constant(sketch, weights, conv, 3), *sketch.read_present(conv.bias)],
        conv.op.output.shape,
        depthwise_options(conv, weights.shape[3] // data.shape[3], dilated=dilated),
        conv.op.output.quant,
    )


def depthwise_options(
    conv: Convolution, multiplier: int, *, dilated: bool = True
) -> DepthwiseConv2DOptions:
    """The options of ``conv`` for a DEPTHWISE_CONV_2D."""
    options = conv.options
    return DepthwiseConv2DOptions(
        padding=options.padding,
        stride_w=options.stride_w,
        stride_h=options.stride_h,
        depth_multiplier=multiplier,
        fused_activation_function=options.fused_activation_function,
        dilation_w_factor=options.dilation_w_factor if dilated else 1,
        dilation_h_factor=options.dilation_h_factor if dilated else 1,
    )


def conv_options(conv: Convolution) -> Conv2DOptions:
    """The options of ``conv`` for a CONV_2D."""
    options = conv.options
    return Conv2DOptions(
        padding=options.padding,
        stride_w=options.stride_w,
        stride_h=options.stride_h,
        fused_activation_function=options.fused_activation_function,
        dilation_w_factor=options.dilation_w_factor,
        dilation_h_factor=options.dilation_h_factor,
    )


def _as_conv(conv: Convolution, weights: Array) -> Sketch:
    sketch = Sketch()
    kernel = _constant(sketch, weights, conv, 0)
    sketch.results[conv.op.output] = sketch.convolution(
        [sketch.read(conv.data), kernel, _bias(sketch, conv)],
        conv.op.output.shape,
        conv_options(conv),
        conv.op.output.quant,
    )
    return sketch


def _bias(sketch: Sketch, conv: Convolution) -> Value:
    """LiteRT's CONV_2D demands a bias, its DEPTHWISE_CONV_2D does not."""
    if conv.bias is not None:
        return sketch.read(conv.bias)
    return sketch.constant(np.zeros(conv.output_c))


def _constant(sketch: Sketch, weights: Array, conv: Convolution, dimension: int) -> Value:
    quant = conv.weights.quant
    along = None if quant is None else Quantization(quant.scale, quant.zero_point, dimension)
    return sketch.constant(weights, DType.INT8, along)
