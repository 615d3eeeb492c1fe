"""Operators that handle every channel alike, and those that join or part channels."""

from __future__ import annotations

import numpy as np

from tflopt.facts import operators
from tflopt.facts.joins import join_of, split_of
from tflopt.facts.operators import POOLS, RESIZES, Kind, facts_of, of_kind
from tflopt.facts.pads import amounts_of
from tflopt.facts.slices import region_of
from tflopt.ir import Op, OpCode, Value
from tflopt.ir.options import SplitVOptions, StridedSliceOptions
from tflopt.ranges.interval import open_axes
from tflopt.rewrite import Rewriter
from tflopt.rules.channels.links import Links, Mask
from tflopt.rules.channels.plan import Plan

ELEMENTWISE = operators.ELEMENTWISE | {OpCode.SELECT_V2}
"""Each element of the output comes from the elements at its place, broadcast or not."""
BY_CHANNEL = POOLS | RESIZES | of_kind(Kind.BLOCK)
"""Each channel of the output, the last axis, comes from that channel of the input."""
SPLIT_V_VERSION = 2
"""The first version of SPLIT_V that takes int8."""


def link_elementwise(op: Op, links: Links) -> bool:
    """Axes are aligned from the last on; an axis of 1 is read for every index of the output's."""
    sources = [value for value in op.inputs if value is not None]
    shape = op.output.shape
    if any(len(value.shape) > len(shape) for value in sources) or len(op.outputs) != 1:
        return False
    for value in sources:
        shift = len(shape) - len(value.shape)
        if not _is_plain(value):
            return False
        for axis, size in enumerate(value.shape):
            if size not in (1, shape[axis + shift]):
                return False
    for value in sources:
        shift = len(shape) - len(value.shape)
        for axis, size in enumerate(value.shape):
            if value.is_constant:
                continue  # it is cut as the output is, in a copy where others read it too
            if size == shape[axis + shift]:
                links.tie((value, axis), (op.output, axis + shift))
            else:
                links.hold(value, (axis,))
    return True


def cut_elementwise(op: Op, plan: Plan, rw: Rewriter) -> None:
    """Constants lose what the output loses."""
    rank = len(op.output.shape)
    for index, value in enumerate(op.inputs):
        if value is None or not value.is_constant:
            continue
        array, shift = value.array(), rank - len(value.shape)
        for axis, size in enumerate(value.shape):
            kept = plan.of(op.output, axis + shift)
            if kept is not None and len(kept) == size:
                array = np.compress(kept, array, axis)
        if array.shape != value.shape:
            rw.set_input(op, index, rw.constant(array, value, quant=value.quant, name=value.name))


def cut_constants(op: Op, plan: Plan, rw: Rewriter) -> None:
    """Only constants among what it reads have to be cut."""
    for index, value in enumerate(op.inputs):
        if value is None or not value.is_constant:
            continue
        data, axes = value, plan.of_axes(value)
        if not axes:
            continue
        array = data.array()
        for axis, kept in axes.items():
            array = np.compress(kept, array, axis)
        rw.set_input(op, index, rw.constant(array, value, quant=value.quant, name=value.name))


def link_by_channel(op: Op, links: Links) -> bool:
    """The last axis of four."""
    data = op.input(0)
    if data is None or len(data.shape) != 4 or len(op.output.shape) != 4:
        return False
    if data.shape[3] != op.output.shape[3] or not _is_plain(data):
        return False
    links.hold(data, (0, 1, 2))
    links.hold(op.output, (0, 1, 2))
    links.tie((data, 3), (op.output, 3))
    return True


def _is_plain(value: Value) -> bool:
    """A constant can be cut only where its data can be read."""
    return not value.is_constant or value.has_array


def link_concatenation(op: Op, links: Links) -> bool:
    """Along its axis each input's indices are some of the output's."""
    join, rank = join_of(op), len(op.output.shape)
    if join is None or not all(map(_is_plain, join.parts)):
        return False
    sources, axis = join.parts, join.axis
    if any(len(value.shape) != rank for value in sources):
        return False
    if sum(value.shape[axis] for value in sources) != op.output.shape[axis]:
        return False
    if any(_others(value, axis) != _others(op.output, axis) for value in sources):
        return False
    begin = 0
    for value in sources:
        size = value.shape[axis]
        links.tie((value, axis), (op.output, axis), second=slice(begin, begin + size))
        begin += size
        for other in range(rank):
            if other != axis:
                links.tie((value, other), (op.output, other))
    return True


def _others(value: Value, axis: int) -> tuple[int, ...]:
    return (*value.shape[:axis], *value.shape[axis + 1 :])


def link_slice(op: Op, links: Links) -> bool:
    """What is left out is not read."""
    data, region = op.input(0), region_of(op)
    if data is None or region is None or open_axes(data) or not _is_plain(data):
        return False
    if op.ints(2) is None:
        return False  # a size that is computed can't follow
    for axis, (begin, size) in enumerate(zip(region.begin, region.size, strict=True)):
        links.tie((data, axis), (op.output, axis), slice(begin, begin + size))
    return True


def cut_slice(op: Op, plan: Plan, rw: Rewriter) -> None:
    """The block begins after what stays in front of it."""
    data, region = op.operand(0), region_of(op)
    assert region is not None
    cut_constants(op, plan, rw)
    changes = {}
    for axis, source in plan.of_axes(data).items():
        begin, size = region.begin[axis], region.size[axis]
        changes[axis] = (int(source[:begin].sum()), int(source[begin : begin + size].sum()))
    begins = {axis: begin for axis, (begin, _) in changes.items()}
    is_strided = isinstance(op.options, StridedSliceOptions)
    ends = {axis: begin + size if is_strided else size for axis, (begin, size) in changes.items()}
    _set_numbers(op, 1, begins, rw)
    _set_numbers(op, 2, ends, rw)


def _set_numbers(op: Op, position: int, numbers: dict[int, int], rw: Rewriter) -> None:
    """Other numbers in a constant vector of shapes, axes or amounts."""
    old = op.operand(position)
    array = old.array().copy()
    for place, number in numbers.items():
        array.reshape(-1)[place] = number
    if numbers:
        rw.set_input(op, position, rw.constant(array, old, quant=old.quant, name=old.name))


def link_split(op: Op, links: Links) -> bool:
    """Each output has some of the input's indices."""
    split = split_of(op)
    if split is None or open_axes(split.data) or not _is_plain(split.data):
        return False
    data, axis, rank = split.data, split.axis, len(split.data.shape)
    if any(len(value.shape) != rank for value in op.outputs):
        return False
    if sum(value.shape[axis] for value in op.outputs) != data.shape[axis]:
        return False
    if any(_others(value, axis) != _others(data, axis) for value in op.outputs):
        return False
    begin = 0
    for value in op.outputs:
        size = value.shape[axis]
        links.tie((data, axis), (value, axis), slice(begin, begin + size))
        begin += size
        for other in range(rank):
            if other != axis:
                links.tie((data, other), (value, other))
    return True


def cut_split(op: Op, plan: Plan, rw: Rewriter) -> None:
    """Parts of unequal sizes are for SPLIT_V."""
    facts, split = facts_of(op), split_of(op)
    assert split is not None
    position, where = facts.data, facts.controls[-1]
    data, axis, control = split.data, split.axis, op.operand(where)
    cut_constants(op, plan, rw)
    if plan.of(data, axis) is None:
        return
    sizes = [_left(plan.of(value, axis), value.shape[axis]) for value in op.outputs]
    if op.code is OpCode.SPLIT and len(set(sizes)) == 1:
        return
    counts = rw.constant(np.asarray(sizes, dtype=np.int32), control)
    if op.code is OpCode.SPLIT:
        source = op.inputs[position]
        rw.set_code(op, OpCode.SPLIT_V, SplitVOptions(len(sizes)), SPLIT_V_VERSION)
        place = rw.constant(np.asarray(axis, dtype=np.int32), control)
        rw.set_inputs(op, [source, counts, place])
    else:
        rw.set_input(op, 1, counts)


def _left(kept: Mask | None, size: int) -> int:
    return size if kept is None else int(kept.sum())


def link_pad(op: Op, links: Links) -> bool:
    """What pads comes from nowhere."""
    data, amounts = op.input(0), amounts_of(op)
    if data is None or amounts is None or len(data.shape) != len(amounts) or not _is_plain(data):
        return False
    if open_axes(data):
        return False
    shape = tuple(n + a + b for n, (a, b) in zip(data.shape, amounts, strict=True))
    if shape != op.output.shape:
        return False
    for axis, (before, _) in enumerate(amounts):
        inner = slice(before, before + data.shape[axis])
        links.tie((data, axis), (op.output, axis), second=inner)
    return True


def cut_pad(op: Op, plan: Plan, rw: Rewriter) -> None:
    """Less is padded where some of the padding goes."""
    amounts = amounts_of(op)
    assert amounts is not None
    cut_constants(op, plan, rw)
    numbers = {}
    for axis, kept in plan.of_axes(op.output).items():
        before, after = amounts[axis]
        size = len(kept)
        numbers[2 * axis] = int(kept[:before].sum())
        numbers[2 * axis + 1] = int(kept[size - after :].sum()) if after else 0
    _set_numbers(op, 1, numbers, rw)
