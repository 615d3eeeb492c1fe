"""Convolutions and pooling: sizes that the kernels take from the file and don't check."""

from __future__ import annotations

from collections.abc import Callable

from tflopt.facts.operators import Kind
from tflopt.facts.windows import extents, span_of
from tflopt.ir.node import Op, Value
from tflopt.ir.options import (
    Conv2DOptions,
    DepthwiseConv2DOptions,
    Pool2DOptions,
    TransposeConvOptions,
)
from tflopt.ir.types import Padding

LARGEST = (1 << 15) - 1
"""TFLM holds strides, dilations and paddings in 16 bits."""
RANK = 4


def _option_flaw(**sizes: int) -> str:
    for name, size in sizes.items():
        if not 1 <= size <= LARGEST:
            return f"{name} of {size}"
    return ""


def _rank_flaw(**values: Value) -> str:
    for name, value in values.items():
        if len(value.shape) != RANK or 0 in value.shape:
            return f"its {name} has the shape {list(value.shape)}, not four sizes"
    return ""


def _windows(extent: int, window: int, stride: int, padding: Padding) -> int:
    """How many windows fit along an axis; ``window`` includes its dilation."""
    return max(0, extents(padding, extent, window, stride)[1])


def _output_flaw(op: Op, expected: tuple[int, ...]) -> str:
    shape = op.output.shape
    if shape == expected:
        return ""
    return f"its output has the shape {list(shape)}, its input and options give {list(expected)}"


def _bias_flaw(op: Op, index: int, channels: int) -> str:
    bias = op.input(index)
    if bias is None or bias.elements == channels:
        return ""
    return f"a bias of {bias.elements} for {channels} output channels"


def _conv(op: Op) -> str:
    data, weights, options = op.operand(0), op.operand(1), op.options
    if not isinstance(options, Conv2DOptions | DepthwiseConv2DOptions):
        return "its options are missing, or have a padding or an activation that there isn't"
    flaw = _rank_flaw(input=data, weights=weights, output=op.output) or _option_flaw(
        stride_h=options.stride_h,
        stride_w=options.stride_w,
        dilation_h_factor=options.dilation_h_factor,
        dilation_w_factor=options.dilation_w_factor,
    )
    if flaw:
        return flaw
    channels = weights.shape[0]
    if isinstance(options, DepthwiseConv2DOptions):
        channels = weights.shape[3]
        if weights.shape[0] != 1 or data.shape[3] * options.depth_multiplier != channels:
            times = f"{data.shape[3]} channels times {options.depth_multiplier}"
            return f"weights of the shape {list(weights.shape)} for {times}"
    elif data.shape[3] % weights.shape[3] or channels % (data.shape[3] // weights.shape[3]):
        return f"weights of the shape {list(weights.shape)} for {data.shape[3]} channels"
    high = span_of(weights.shape[1], options.dilation_h_factor)
    wide = span_of(weights.shape[2], options.dilation_w_factor)
    rows = _windows(data.shape[1], high, options.stride_h, options.padding)
    columns = _windows(data.shape[2], wide, options.stride_w, options.padding)
    expected = (data.shape[0], rows, columns, channels)
    return _output_flaw(op, expected) or _bias_flaw(op, 2, channels)


def _pool(op: Op) -> str:
    data, options = op.operand(0), op.options
    if not isinstance(options, Pool2DOptions):
        return "its options are missing, or have a padding or an activation that there isn't"
    flaw = _rank_flaw(input=data, output=op.output) or _option_flaw(
        stride_h=options.stride_h,
        stride_w=options.stride_w,
        filter_height=options.filter_height,
        filter_width=options.filter_width,
    )
    if flaw:
        return flaw
    high, wide, padding = options.filter_height, options.filter_width, options.padding
    rows = _windows(data.shape[1], high, options.stride_h, padding)
    columns = _windows(data.shape[2], wide, options.stride_w, padding)
    return _output_flaw(op, (data.shape[0], rows, columns, data.shape[3]))


def _transpose_conv(op: Op) -> str:
    weights, data, options = op.operand(1), op.operand(2), op.options
    if not isinstance(options, TransposeConvOptions):
        return "its options are missing, or have a padding or an activation that there isn't"
    output = op.output.shape
    flaw = _rank_flaw(input=data, weights=weights, output=op.output) or _option_flaw(
        stride_h=options.stride_h, stride_w=options.stride_w
    )
    if flaw:
        return flaw
    if weights.shape[0] != output[3] or weights.shape[3] != data.shape[3]:
        channels = f"{data.shape[3]} channels in and {output[3]} out"
        return f"weights of the shape {list(weights.shape)} for {channels}"
    for axis, stride in ((1, options.stride_h), (2, options.stride_w)):
        if (data.shape[axis] - 1) * stride >= output[axis] + weights.shape[axis]:
            steps = f"{data.shape[axis]} steps of {stride}"
            return f"{steps} reach beyond its output of the shape {list(output)}"
    if output[0] != data.shape[0]:
        return f"its output has the shape {list(output)}, its input {list(data.shape)}"
    return _bias_flaw(op, 3, output[3])


WINDOWS: dict[Kind, Callable[[Op], str]] = {
    **dict.fromkeys((Kind.CONVOLUTION, Kind.DEPTHWISE), _conv),
    **dict.fromkeys((Kind.POOL, Kind.L2_POOL), _pool),
    Kind.TRANSPOSE_CONV: _transpose_conv,
}
