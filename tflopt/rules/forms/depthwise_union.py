"""One depthwise kernel for several that read neighbouring channels of a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd

import numpy as np

from tflopt.facts.blocks import Block
from tflopt.facts.convolution import Convolution
from tflopt.facts.slices import Region, whole
from tflopt.facts.windows import SPATIAL, Axis, Window, padding_for, window_of
from tflopt.ir import DType, OpCode, Padding, Quantization, Value
from tflopt.ir.options import SliceOptions
from tflopt.ir.quantization import Floats
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.convolution_forms import depthwise_options
from tflopt.rules.movement.write import SLICE_VERSION
from tflopt.search.worth import MOST_ELEMENTS

CHANNELS = 3


@dataclass(frozen=True)
class Branch:
    """A depthwise convolution, and of which tensor it reads which block."""

    conv: Convolution
    block: Block


@dataclass(frozen=True)
class Union:
    """The window that spans those of all branches.

    Args:
        region: what it reads of the source.
        window: over that.
        firsts: the element of the source that the first tap of the first output stands at, by
            axis; negative in front of the tensor.
    """

    region: Region
    window: Window
    padding: Padding
    firsts: tuple[int, int]


def union_of(branches: Sequence[Branch]) -> Union | None:
    """The window for all branches, None where padding stands in for elements that exist."""
    source = branches[0].block.source
    channels = sum(branch.block.region.size[CHANNELS] for branch in branches)
    first = branches[0].block.region.begin[CHANNELS]
    axes = []
    for number in range(len(SPATIAL)):
        axis = _axis(branches, number)
        if axis is None:
            return None
        axes.append(axis)
    firsts = (-axes[0].before, -axes[1].before)
    read = whole(source.shape).with_axis(CHANNELS, first, channels)
    for region, window in ((read, (axes[0], axes[1])), _cut(read, axes)):
        padding = padding_for(window)
        if padding is not None and _elements(window, branches) <= MOST_ELEMENTS:
            return Union(region, window, padding, firsts)
    return None


def _cut(region: Region, axes: Sequence[Axis]) -> tuple[Region, Window]:
    """The rows and columns that the window reads, and the window over these."""
    cut_axes = []
    for place, axis in zip(SPATIAL, axes, strict=True):
        begin, stop = max(0, -axis.before), min(axis.size, axis.last + 1)
        region = region.with_axis(place, begin, stop - begin)
        cut_axes.append(replace(axis, size=stop - begin, before=max(0, axis.before)))
    return region, (cut_axes[0], cut_axes[1])


def _elements(window: Window, branches: Sequence[Branch]) -> int:
    outputs = sum(branch.conv.output_c for branch in branches)
    return window[0].kernel * window[1].kernel * outputs


def _axis(branches: Sequence[Branch], number: int) -> Axis | None:
    """Height or width of the common window over the source; ``before`` may be negative."""
    place, source = SPATIAL[number], branches[0].block.source
    size = source.shape[place]
    axes, firsts = [], []
    for branch in branches:
        window = window_of(branch.conv.op)
        if window is None:
            return None
        axis, region = window[number], branch.block.region
        pads = axis.before > 0 or axis.last >= axis.size
        if pads and (region.begin[place], region.size[place]) != (0, size):
            return None
        axes.append(axis)
        firsts.append(region.begin[place] - axis.before)
    if len({axis.out for axis in axes}) != 1:
        return None
    first = min(firsts)
    stop = max(begin + axis.span for begin, axis in zip(firsts, axes, strict=True))
    steps = [axis.dilation for axis in axes if axis.kernel > 1]
    step = gcd(*steps, *(begin - first for begin in firsts)) or 1
    kernel = (stop - 1 - first) // step + 1
    return Axis(size, kernel, axes[0].stride, step, -first, axes[0].out)


def draw_union(sketch: Sketch, branches: Sequence[Branch], union: Union) -> Value:
    """The one convolution, behind a SLICE where it reads a part of the source."""
    first, source = branches[0].conv, branches[0].block.source
    data = sketch.read(source)
    if union.region != whole(source.shape):
        data = _slice(sketch, data, union.region)
    shape = (*first.op.output.shape[:CHANNELS], sum(b.conv.output_c for b in branches))
    options = replace(
        depthwise_options(first, first.multiplier),
        padding=union.padding,
        dilation_h_factor=union.window[0].dilation,
        dilation_w_factor=union.window[1].dilation,
    )
    return sketch.depthwise(
        [data, _weights(sketch, branches, union), *_bias(sketch, branches)],
        shape,
        options,
        first.op.output.quant,
    )


def _slice(sketch: Sketch, data: Value, region: Region) -> Value:
    inputs = [data, sketch.constant(region.begin), sketch.constant(region.size)]
    options = SliceOptions()
    return sketch.op(OpCode.SLICE, inputs, region.size, options=options, version=SLICE_VERSION)


def _weights(sketch: Sketch, branches: Sequence[Branch], union: Union) -> Value:
    height, width = union.window
    parts, scales = [], []
    for branch in branches:
        weights, quant = branch.conv.weights.array(), branch.conv.weights.quant
        assert quant is not None
        window = window_of(branch.conv.op)
        assert window is not None
        part = np.zeros((1, height.kernel, width.kernel, weights.shape[3]), np.int8)
        rows, columns = (
            _places(branch, union, number, window[number]) for number in range(len(SPATIAL))
        )
        part[:, rows, columns] = weights
        parts.append(part)
        scales.append(np.broadcast_to(quant.scales, weights.shape[3]))
    quant = Quantization.per_channel(np.concatenate(scales), CHANNELS)
    return sketch.constant(np.concatenate(parts, CHANNELS), DType.INT8, quant)


def _places(branch: Branch, union: Union, number: int, axis: Axis) -> slice:
    """Where a branch's taps stand among those of the common window."""
    step = union.window[number].dilation
    first = branch.block.region.begin[SPATIAL[number]] - axis.before - union.firsts[number]
    spacing = axis.dilation // step if axis.kernel > 1 else 1
    begin = first // step
    return slice(begin, begin + (axis.kernel - 1) * spacing + 1, spacing)


def _bias(sketch: Sketch, branches: Sequence[Branch]) -> list[Value]:
    """Those of all branches, zeros where one has none; nothing where none has one."""
    biases = [branch.conv.bias for branch in branches]
    if all(bias is None for bias in biases):
        return []
    parts, scales = [], []
    for branch, bias in zip(branches, biases, strict=True):
        zeros = np.zeros(branch.conv.output_c, np.int32)
        parts.append(zeros if bias is None else bias.array().reshape(-1))
        scales.append(_bias_scales(branch, bias))
    known = [scale for scale in scales if scale is not None]
    quant = None
    if len(known) == len(scales):
        quant = Quantization.per_channel(np.concatenate(known), 0)
    return [sketch.constant(np.concatenate(parts), DType.INT32, quant)]


def _bias_scales(branch: Branch, bias: Value | None) -> Floats | None:
    """One for each channel; None of a bias that has none, as some tools write it."""
    if bias is not None:
        scale = None if bias.quant is None else bias.quant.scale
        return None if scale is None else np.broadcast_to(scale, branch.conv.output_c)
    data, weights = branch.conv.data.quant, branch.conv.weights.quant
    if data is None or weights is None or data.scale is None or weights.scale is None:
        return None
    return np.broadcast_to(data.scale * weights.scale, branch.conv.output_c)
