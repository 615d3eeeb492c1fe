"""Views, TRANSPOSE and reductions: channels on other axes, or spread over a longer one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from tflopt.facts.transposes import permutation_of
from tflopt.ir import Op, OpCode, Value
from tflopt.ir.options import ReshapeOptions
from tflopt.ranges.interval import open_axes
from tflopt.ranges.reductions import reduced_axes
from tflopt.rewrite import Rewriter
from tflopt.rules.channels.links import Indices, Links
from tflopt.rules.channels.plan import Plan

Segment = tuple[list[int], list[int]]


def link_view(op: Op, links: Links) -> bool:
    """Each run of axes that becomes another run of as many elements.

    Where several axes become one, its indices follow those of the last of them that is free.
    """
    data, output = op.input(0), op.output
    if data is None or data.is_constant or min((*data.shape, *output.shape), default=0) <= 0:
        return False
    if data.elements != output.elements or not _is_known(op, data):
        return False
    if (open_axes(data) | open_axes(output)) - {0}:
        return False
    links.hold(data, open_axes(data))
    links.hold(output, open_axes(output))
    for old, new in segments(data.shape, output.shape):
        if not old or not new:
            continue  # an axis of 1, which can't lose an index
        if len(old) == 1 and len(new) == 1:
            links.tie((data, old[0]), (output, new[0]))
        elif len(new) == 1:
            _follow(links, (data, old), (output, new[0]))
        elif len(old) == 1:
            _follow(links, (output, new), (data, old[0]))
        else:
            links.hold(data, old)
            links.hold(output, new)
    return True


def _is_known(op: Op, data: Value) -> bool:
    """RESHAPE needs a constant shape; SQUEEZE of all axes of 1 would squeeze one more."""
    if op.code is OpCode.SQUEEZE:
        return bool(getattr(op.options, "squeeze_dims", None))
    control = op.input(1)
    return control is None or control.ints() is not None


def segments(old: Sequence[int], new: Sequence[int]) -> list[Segment]:
    """The shortest runs of axes of both shapes with equally many elements, in order.

    Axes of 1 that are left over go with the run before, or the one after at the start.
    """
    parts: list[Segment] = []
    one, two = 0, 0
    while one < len(old) or two < len(new):
        first, second = [one] if one < len(old) else [], [two] if two < len(new) else []
        one, two = one + len(first), two + len(second)
        while (a := prod(old[i] for i in first)) != (b := prod(new[i] for i in second)):
            if a < b:
                first.append(one)
                one += 1
            else:
                second.append(two)
                two += 1
        parts.append((first, second))
    return parts


def _follow(links: Links, several: tuple[Value, list[int]], single: tuple[Value, int]) -> None:
    value, axes = several
    axis = links.free_axis(value, axes)
    links.hold(value, [other for other in axes if other != axis])
    links.tie((value, axis), single, followed(value.shape, axes, axis))


def followed(shape: Sequence[int], axes: Sequence[int], axis: int) -> Indices:
    """For each element of a run of axes its index along one of them."""
    inner = prod(shape[other] for other in axes if other > axis)
    count = prod(shape[other] for other in axes)
    return np.arange(count, dtype=np.int64) // inner % shape[axis]


def cut_view(op: Op, plan: Plan, rw: Rewriter) -> None:
    """A new shape in both places."""
    if op.code is not OpCode.RESHAPE:
        return
    left = {axis: int(kept.sum()) for axis, kept in plan.of_axes(op.output).items()}
    if not left:
        return
    control, options = op.input(1), op.options
    if control is not None and control.elements == len(op.output.shape):
        array = control.array().copy()
        for axis, size in left.items():
            array.reshape(-1)[axis] = size
        rw.set_input(op, 1, rw.constant(array, control, quant=control.quant, name=control.name))
    if isinstance(options, ReshapeOptions) and options.new_shape is not None:
        shape = list(options.new_shape)
        for axis, size in left.items():
            if len(shape) == len(op.output.shape):
                shape[axis] = size
        rw.set_options(op, replace(options, new_shape=tuple(shape)))


def link_transpose(op: Op, links: Links) -> bool:
    """Axes at other places."""
    data, perm = op.input(0), permutation_of(op)
    if data is None or perm is None:
        return False
    if tuple(data.shape[axis] for axis in perm) != op.output.shape or data.is_constant:
        return False
    for new, old in enumerate(perm):
        links.tie((data, old), (op.output, new))
    return True


def link_reduction(op: Op, links: Links) -> bool:
    """The axes that are left; all indices of the others meet."""
    data, axes = op.input(0), reduced_axes(op)
    if data is None or axes is None or data.is_constant:
        return False
    links.hold(data, axes)
    keeps = len(op.output.shape) == len(data.shape)
    new = 0
    for axis in range(len(data.shape)):
        if axis not in axes:
            links.tie((data, axis), (op.output, new))
        new += keeps or axis not in axes
    return True
