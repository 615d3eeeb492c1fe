"""The convolutions that can sum up the elements of a MEAN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tflopt.facts.biases import bias_quantization
from tflopt.facts.exact_sums import WeightedSum
from tflopt.facts.reductions import Extents
from tflopt.ir import DType, Op, Padding, Quantization, Value
from tflopt.ir.options import Conv2DOptions, DepthwiseConv2DOptions
from tflopt.rewrite.sketch import Sketch

WIDE = 124
"""CMSIS-NN's depthwise function on MVE reads the bias of further channels even without one."""
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """One way to lay the elements before a kernel that covers all that are summed up."""

    is_depthwise: bool
    fits: Callable[[Extents], bool]
    data: Callable[[Extents], Shape]
    kernel: Callable[[Extents], Shape]
    result: Callable[[Extents], Shape]
    transposes: bool = False


WINDOWS = (
    Window(
        True,
        lambda e: e.inner > 1,
        lambda e: (e.outer, e.count, 1, e.inner),
        lambda e: (1, e.count, 1, e.inner),
        lambda e: (e.outer, 1, 1, e.inner),
    ),
    Window(
        False,
        lambda e: e.inner > 1,
        lambda e: (e.outer, e.count, e.inner, 1),
        lambda e: (1, e.count, 1, 1),
        lambda e: (e.outer, 1, e.inner, 1),
    ),
    Window(
        False,
        lambda e: e.inner > 1,
        lambda e: (e.outer, e.count, 1, e.inner),
        lambda e: (e.inner, e.count, 1, 1),
        lambda e: (e.outer, 1, 1, e.inner),
    ),
    Window(
        False,
        lambda e: e.inner == 1,
        lambda e: (1, e.outer, 1, e.count),
        lambda e: (1, 1, 1, e.count),
        lambda e: (1, e.outer, 1, 1),
    ),
    Window(
        False,
        lambda e: e.inner > 1,
        lambda e: (1, e.outer, e.count, e.inner),
        lambda e: (1, 1, 1, e.count),
        lambda e: (1, e.outer, e.inner, 1),
        transposes=True,
    ),
)
"""A channel each; one channel, its rows under each other; a group each, which needs little scratch;
the elements as channels; the same after a TRANSPOSE, which needs no scratch at all."""


def draw(
    op: Op, extents: Extents, sums: Sequence[WeightedSum], window: Window, for_litert: bool
) -> Sketch:
    """The convolutions, their ADD where there are two, and the views around them.

    ``for_litert``: LiteRT loads them too, which needs a bias (:mod:`tflopt.facts.biases`).
    """
    source = op.operand(0)
    sketch = Sketch()
    shape, kernel = window.data(extents), window.kernel(extents)
    if shape[1:] == (extents.count, 1, extents.inner) and _is_image(source.shape, extents):
        first, *_, last = kernel
        shape, kernel = source.shape, (first, *source.shape[1:3], last)
    data = sketch.view(sketch.read(source), shape)
    if window.transposes:
        data = _transposed(sketch, data)
    layer = _Layer(sketch, op, data, kernel, window, extents, for_litert)
    parts = [layer.convolution(weighted_sum) for weighted_sum in sums]
    result = parts[0]
    if len(parts) > 1:
        result = sketch.add(parts, result.shape, op.output.quant)
    sketch.results[op.output] = sketch.view(result, op.output.shape)
    return sketch


def _transposed(sketch: Sketch, data: Value) -> Value:
    """The last two axes exchanged."""
    return sketch.transpose(data, (0, 1, 3, 2))


def _is_image(shape: Shape, extents: Extents) -> bool:
    """A batch of images that is averaged over height and width: no view is needed."""
    return len(shape) == 4 and (shape[0], shape[1] * shape[2]) == (extents.outer, extents.count)


@dataclass(frozen=True)
class _Layer:
    """What the convolutions of one sketch have in common."""

    sketch: Sketch
    op: Op
    data: Value
    kernel: Shape
    window: Window
    extents: Extents
    for_litert: bool
    weights: dict[tuple[int, float], Value] = field(default_factory=dict)

    def convolution(self, form: WeightedSum) -> Value:
        """One weighted sum; equal weights are shared."""
        quant, depthwise = self.op.output.quant, self.window.is_depthwise
        assert quant is not None
        key = form.weight, form.scale
        if key not in self.weights:
            numbers = np.full(self.kernel, form.weight, dtype=np.int8)
            scale = Quantization.per_tensor(form.scale)
            self.weights[key] = self.sketch.constant(numbers, DType.INT8, scale)
        shape = self.window.result(self.extents)
        # LiteRT's CONV_2D demands a bias whatever runs it.
        needs_bias = form.bias != 0 or shape[3] > WIDE or not depthwise or self.for_litert
        bias = []
        if needs_bias:
            scales = bias_quantization(self.data, self.weights[key])
            bias = [self.sketch.constant(np.full(shape[3], form.bias), DType.INT32, scales)]
        inputs, target = [self.data, self.weights[key], *bias], (quant.scalar()[0], form.zero_point)
        if depthwise:
            one_tap = DepthwiseConv2DOptions(Padding.VALID, 1, 1, 1)
            return self.sketch.depthwise(inputs, shape, one_tap, target)
        return self.sketch.convolution(inputs, shape, Conv2DOptions(Padding.VALID, 1, 1), target)
