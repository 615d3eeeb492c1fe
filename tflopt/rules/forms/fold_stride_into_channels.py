"""Take as many neighbouring pixels for one as a convolution's stride steps over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from tflopt.facts.convolution import Convolution, convolution
from tflopt.facts.pads import Pad, pad_above
from tflopt.facts.windows import (
    HEIGHT,
    RANK,
    WIDTH,
    Axis,
    Window,
    is_open,
    padding_for,
    window_of,
)
from tflopt.ir import DType, Op, OpCode, Padding, Value
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, require
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.convolution_forms import conv_options
from tflopt.rules.movement.write import pad_options
from tflopt.search.worth import MOST_ELEMENTS, FormRule

MOST_GROWTH = 1.4
"""Three taps and a zero are a third more. What is predicted are instructions; on silicon a vector
product takes longer than most of the copying that it saves."""


class FoldStrideIntoChannels(FormRule):
    """Read neighbouring pixels of a CONV_2D with a stride as channels of one, if that is better.

    ``arm_convolve_s8`` copies each window tap by tap, and an image's first layer has few channels
    to a tap: with a stride of 2 a 5x5 kernel on 3 channels is one of 5x3 on 6. Exact: a RESHAPE
    joins pixels that lie beside each other in memory; what the kernel gains is zeros, and int8
    weights are symmetric, so a zero adds nothing to the sum, whatever it meets. Where the input
    is no multiple of the stride, a PAD in front pads as much more.
    """

    name: ClassVar[str] = "fold-stride-into-channels"
    number: ClassVar[int] = 99
    rank: ClassVar[int] = 166
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.CONV_2D})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator by a view of its input and a convolution of stride 1."""
        conv, window = convolution(op), window_of(op)
        if conv is None or window is None or not conv.is_dense or not conv.is_int8:
            return
        axis = _axis(conv, window)
        if axis is None or is_open(conv.data):
            return
        along = window[axis - HEIGHT]
        pad = _own_pad(op) if along.size % along.stride else None
        whole = along.size % along.stride == 0 or pad is not None
        require(whole, "the input is no multiple of the stride", at=op)
        folded = next(_folded(window, axis), None)
        require(folded is not None, "no padding fits the joined pixels", at=op)
        assert folded is not None
        grown = along.kernel + sum(folded.zeros)
        require(grown <= MOST_GROWTH * along.kernel, "it would multiply too much more", at=op)
        small = conv.dense_weights * along.stride <= MOST_ELEMENTS
        require(small, "the kernel would be too large", at=op)
        sketch = _drawn(conv, axis, along.stride, folded, pad)
        old = [op] if pad is None else [pad.op, op]
        choice = self.worth.compare(old, sketch)
        require(choice.is_worth_it, choice.why_not("a kernel without stride"), at=op)
        sketch.graft(rw, op)
        if pad is not None:
            rw.remove(pad.op)


def _own_pad(op: Op) -> Pad | None:
    """The PAD in front, which may pad more: what it adds then meets zeros alone."""
    pad = pad_above(op)
    if pad is None or len(pad.amounts) != RANK or is_open(pad.source):
        return None
    padded = pad.op.output
    alone = len(padded.uses) == 1 and not padded.is_graph_output and not pad.source.is_variable
    return pad if alone else None


@dataclass(frozen=True)
class Folded:
    """The kernel along one axis, in joined pixels: zeros around its taps, and the padding."""

    zeros: tuple[int, int]
    padding: Padding


def _axis(conv: Convolution, window: Window) -> int | None:
    """The axis whose neighbours lie beside each other: the width, the height of one column."""
    for axis in (WIDTH, HEIGHT):
        along = window[axis - HEIGHT]
        if along.stride > 1 and along.kernel > 1 and along.dilation == 1:
            return axis
        if conv.data.shape[axis] > 1:
            return None
    return None


def _folded(window: Window, axis: int) -> Iterator[Folded]:
    """The ways in which a padding gives the same windows, that with the fewest zeros first."""
    along = window[axis - HEIGHT]
    stride = along.stride
    for more in range(3):
        for joined in range(more + 1):
            lead = -along.before % stride + joined * stride
            behind = -(lead + along.kernel) % stride + (more - joined) * stride
            folded = _joined(along, lead, behind)
            other = window[WIDTH - axis]
            both = (folded, other) if axis == HEIGHT else (other, folded)
            padding = padding_for(both)
            if padding is not None:
                yield Folded((lead, behind), padding)


def _joined(along: Axis, lead: int, behind: int) -> Axis:
    stride = along.stride
    return replace(
        along,
        size=-(-along.size // stride),
        kernel=(lead + along.kernel + behind) // stride,
        stride=1,
        before=(along.before + lead) // stride,
    )


def _drawn(conv: Convolution, axis: int, stride: int, folded: Folded, pad: Pad | None) -> Sketch:
    sketch, weights, output = Sketch(), conv.weights, conv.op.output
    amounts = [(0, 0)] * 4
    amounts[axis] = folded.zeros
    kernel = np.pad(weights.array(), amounts)
    options = replace(conv_options(conv), padding=folded.padding)
    options = replace(options, stride_w=1) if axis == WIDTH else replace(options, stride_h=1)
    read = sketch.read(conv.data) if pad is None else _padded(sketch, pad, axis, stride)
    data = sketch.view(read, _shape(read.shape, axis, stride))
    joined = kernel.reshape(_shape(kernel.shape, axis, stride))
    sketch.results[output] = sketch.convolution(
        [
            data,
            sketch.constant(joined, DType.INT8, weights.quant),
            *sketch.read_present(conv.bias),
        ],
        output.shape,
        options,
        output.quant,
        conv.op.opcode.version,
    )
    return sketch


def _padded(sketch: Sketch, pad: Pad, axis: int, stride: int) -> Value:
    """What the PAD gives, with as many more behind as make a multiple of the stride."""
    amounts, shape = list(pad.amounts), list(pad.op.output.shape)
    more = -shape[axis] % stride
    before, behind = amounts[axis]
    amounts[axis] = (before, behind + more)
    shape[axis] += more
    control = sketch.constant(amounts)
    inputs = [sketch.read(pad.source), control]
    for value in pad.op.inputs[2:]:
        inputs += sketch.read_present(value)
    options, output = pad_options(pad.op.code), pad.op.output
    version = pad.op.opcode.version
    return sketch.op(
        pad.op.code, inputs, shape, options=options, quant=output.quant, version=version
    )


def _shape(shape: tuple[int, ...], axis: int, stride: int) -> tuple[int, ...]:
    """``stride`` neighbours along ``axis`` as the channels of one."""
    extents = list(shape)
    extents[axis] //= stride
    extents[3] *= stride
    return tuple(extents)
