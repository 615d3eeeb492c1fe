"""Two-dimensional operators: height and width may change places, and 1-D ones lie either way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tflopt.facts.operators import Kind, facts_of, kind_of
from tflopt.ir import DType, Op, Options, Value
from tflopt.ir.node import Array
from tflopt.ir.options import (
    Conv2DOptions,
    DepthwiseConv2DOptions,
    Pool2DOptions,
    TransposeConvOptions,
)
from tflopt.layout.groups import Groups
from tflopt.layout.labels import Label
from tflopt.layout.role import Candidates, Form, MovableRole, Role, operands_of, used_axes
from tflopt.rewrite import Rewriter

BATCH, HEIGHT, WIDTH, CHANNELS = range(4)
INTEGERS = frozenset({DType.INT8, DType.INT16, DType.UINT8})
"""A sum of floats depends on its order; one of integers doesn't."""


@dataclass(frozen=True)
class Span:
    """The window along one axis."""

    size: int = 1
    stride: int = 1
    dilation: int = 1

    @property
    def is_trivial(self) -> bool:
        """Whether each output element has the input element of its own index."""
        return self.size == 1 and self.stride == 1


@dataclass(frozen=True)
class WindowRole(MovableRole):
    """Four axes, the channels last; an axis with a window stands at height or width.

    Exact for integers: the kernels treat height and width alike, and the same products are summed.
    An axis along which the operator does nothing may take any place but the last.
    """

    height: Span = Span()
    width: Span = Span()

    def proposals(self, candidates: Candidates) -> Iterator[Label]:
        """Arrangements worth a try, and height and width exchanged."""
        own = self.original.arrangement
        yield (own[BATCH], own[WIDTH], own[HEIGHT], own[CHANNELS])
        yield from super().proposals(candidates)

    def is_legal(self, arrangement: Label) -> bool:
        """Whether the operator computes the same with its axes in this order."""
        own = self.original.arrangement
        if len(arrangement) != 4 or arrangement[CHANNELS] != own[CHANNELS]:
            return False
        return all(self._span(axis).is_trivial for axis in arrangement[:1] if axis is not None)

    def _span(self, axis: int | None) -> Span:
        return {HEIGHT: self.height, WIDTH: self.width}.get(-1 if axis is None else axis, Span())

    def apply(self, form: Form, rw: Rewriter) -> None:
        """Edit the operator to work in this form."""
        op, arrangement = self.operator, form.arrangement
        spans = self._span(arrangement[HEIGHT]), self._span(arrangement[WIDTH])
        facts = facts_of(op)
        if facts.weights is not None:
            _set_weights(op, arrangement, spans, rw)
        for index in facts.controls:
            _set_sizes(op, index, arrangement, rw)
        options = _options(op, *spans)
        if options is not None:
            rw.set_options(op, options)


def _set_weights(op: Op, arrangement: Label, spans: tuple[Span, Span], rw: Rewriter) -> None:
    weights = op.operand(1)
    data = weights.array()
    if _exchanges(arrangement):
        data = data.transpose(0, WIDTH, HEIGHT, CHANNELS)
    shape = (data.shape[0], spans[0].size, spans[1].size, data.shape[3])
    moved = np.ascontiguousarray(data).reshape(shape)
    rw.set_input(op, 1, rw.constant(moved, weights, quant=weights.quant, name=weights.name))


def _exchanges(arrangement: Label) -> bool:
    places = [arrangement.index(axis) for axis in (HEIGHT, WIDTH) if axis in arrangement]
    return places == sorted(places, reverse=True) and len(places) == 2


def _set_sizes(op: Op, index: int, arrangement: Label, rw: Rewriter) -> None:
    sizes = op.operand(index)
    data = sizes.array()
    first = BATCH if data.size == 4 else HEIGHT
    output = op.output.shape
    shape = [1 if axis is None else output[axis] for axis in arrangement]
    moved: Array = np.asarray(shape[first : first + data.size], dtype=data.dtype)
    rw.set_input(op, index, rw.constant(moved, sizes, name=sizes.name))


def _options(op: Op, height: Span, width: Span) -> Options | None:
    options = op.options
    if isinstance(options, (Conv2DOptions, DepthwiseConv2DOptions)):
        return replace(
            options,
            stride_h=height.stride,
            stride_w=width.stride,
            dilation_h_factor=height.dilation,
            dilation_w_factor=width.dilation,
        )
    if isinstance(options, Pool2DOptions):
        return replace(
            options,
            stride_h=height.stride,
            stride_w=width.stride,
            filter_height=height.size,
            filter_width=width.size,
        )
    if isinstance(options, TransposeConvOptions):
        return replace(options, stride_h=height.stride, stride_w=width.stride)
    return None


def window_role(op: Op, groups: Groups) -> Role | None:
    """The role of a 2-D operator on integers, None where an operand is out of the ordinary."""
    data = op.input(facts_of(op).data)
    if data is None or data not in groups or len(op.outputs) != 1 or op.output not in groups:
        return None
    if len(data.shape) != 4 or len(op.output.shape) != 4 or data.dtype not in INTEGERS:
        return None
    spans = _spans(op)
    if spans is None or not _constants_are_plain(op):
        return None
    operands = operands_of(op, groups, [facts_of(op).data], 4)
    also = [axis for axis, span in zip((HEIGHT, WIDTH), spans, strict=True) if span.size != 1]
    return WindowRole(op, operands, "", used_axes(operands, 4, also), 4, (), *spans)


def _constants_are_plain(op: Op) -> bool:
    facts = facts_of(op)
    if facts.weights is not None:
        weights = op.input(facts.weights)
        if weights is None or not _is_plain(weights) or len(weights.shape) != 4:
            return False
    return all(_is_list(op.input(index)) for index in facts.controls)


def _is_list(sizes: Value | None) -> bool:
    return sizes is not None and sizes.dtype is DType.INT32 and sizes.ints() is not None


def _is_plain(value: Value) -> bool:
    return value.has_array


def _spans(op: Op) -> tuple[Span, Span] | None:
    options, weights = op.options, op.input(1)
    if isinstance(options, Pool2DOptions):
        return (
            Span(options.filter_height, options.stride_h),
            Span(options.filter_width, options.stride_w),
        )
    if kind_of(op) is Kind.RESIZE:
        data = op.operand(0)
        pairs = [(data.shape[axis], op.output.shape[axis]) for axis in (HEIGHT, WIDTH)]
        height, width = (Span() if old == new else Span(new, old) for old, new in pairs)
        return height, width
    if weights is None or len(weights.shape) != 4:
        return None
    _, height_size, width_size, _ = weights.shape
    if isinstance(options, (Conv2DOptions, DepthwiseConv2DOptions)):
        return (
            Span(height_size, options.stride_h, options.dilation_h_factor),
            Span(width_size, options.stride_w, options.dilation_w_factor),
        )
    if isinstance(options, TransposeConvOptions):
        return Span(height_size, options.stride_h), Span(width_size, options.stride_w)
    return None
