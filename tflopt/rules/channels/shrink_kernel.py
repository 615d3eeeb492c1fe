"""Drop rows and columns at the rim of a kernel that are zero for all channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import numpy as np

from tflopt.facts.convolution import INT8_VERSION, Convolution, convolution
from tflopt.facts.operators import CONVOLUTIONS
from tflopt.facts.windows import Axis, Window, is_open, padding_for, window_of
from tflopt.ir import Op, OpCode
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.channels.links import Mask
from tflopt.search.worth import FormRule

MOST_TAPS = 1 << 10
"""Along one axis: a longer kernel isn't looked at."""


class ShrinkKernel(FormRule):
    """Drop a kernel's outer rows and columns where all weights are zero, if that is better.

    Only where SAME or VALID arrives at the same places with the smaller kernel: a 3x3 kernel with a
    stride of 1 whose rim is zero becomes 1x1. Exact: a weight of zero adds nothing to the sum,
    whatever it meets.
    """

    name: ClassVar[str] = "shrink-kernel"
    number: ClassVar[int] = 83
    rank: ClassVar[int] = 5
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = CONVOLUTIONS

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        conv, window = convolution(op), window_of(op)
        if conv is None or window is None or is_open(conv.data) or not conv.weights.has_array:
            return
        used = np.asarray(conv.weights.array().any(axis=(0, 3)))
        if not used.any() or all(edge.any() for edge in (used[0], used[-1], *used.T[[0, -1]])):
            return
        require(conv.is_int8, Why.NOT_QUANTIZED("only int8 convolutions are compared"), at=op)
        smaller = next(_smaller(window, used), None)
        require(smaller is not None, "no padding puts a kernel without zeros in place", at=op)
        assert smaller is not None
        sketch = _drawn(conv, window, smaller)
        choice = self.worth.compare([op], sketch)
        require(choice.is_worth_it, choice.why_not("the kernel without them"), at=op)
        sketch.graft(rw, op)


def _smaller(window: Window, used: Mask) -> Iterator[Window]:
    """The windows without some of the zeros that a padding arrives at, the fewest taps first."""
    rows, columns = (_cut(axis, np.asarray(used.any(axis=1 - i))) for i, axis in enumerate(window))
    candidates = [(high, wide) for high in rows for wide in columns]
    candidates.sort(key=lambda candidate: candidate[0].kernel * candidate[1].kernel)
    for candidate in candidates:
        if candidate != window and padding_for(candidate) is not None:
            yield candidate


def _cut(axis: Axis, used: Mask) -> list[Axis]:
    """The axis without as many of the zeros in front and behind as can go together."""
    if axis.kernel > MOST_TAPS or not used.any():
        return [axis]
    first, last = int(used.argmax()), int(used[::-1].argmax())
    return [
        replace(axis, kernel=axis.kernel - a - b, before=axis.before - a * axis.dilation)
        for a in range(first + 1)
        for b in range(last + 1)
    ]


def _drawn(conv: Convolution, old: Window, new: Window) -> Sketch:
    sketch, weights, op = Sketch(), conv.weights.array(), conv.op
    cuts = []
    for one, two in zip(old, new, strict=True):
        first = (one.before - two.before) // one.dilation
        cuts.append(slice(first, first + two.kernel))
    padding = padding_for(new)
    assert padding is not None
    data = np.ascontiguousarray(weights[:, cuts[0], cuts[1]])
    constant = sketch.constant(data, conv.weights.dtype, conv.weights.quant)
    sketch.results[op.output] = sketch.op(
        op.code,
        [sketch.read(conv.data), constant, *sketch.read_present(conv.bias)],
        op.output.shape,
        options=replace(conv.options, padding=padding),
        quant=op.output.quant,
        version=INT8_VERSION,
    )
    return sketch
