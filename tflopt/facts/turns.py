"""How often a loop turns, as far as its operators say it before it runs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tflopt.ir import Activation, DType, Graph, Op, OpCode, Value
from tflopt.ir.model import Ports
from tflopt.ir.options import AddOptions, SubOptions, WhileOptions

COUNTERS = frozenset({DType.INT32, DType.INT64})
"""What is added and compared as it is stored; smaller types are scaled."""
COMPARISONS = {
    OpCode.LESS: (1, 0),
    OpCode.LESS_EQUAL: (1, 1),
    OpCode.GREATER: (-1, 0),
    OpCode.GREATER_EQUAL: (-1, 1),
}
"""``a OP b`` as ``sign * a < sign * b + more``."""
MIRRORED = {
    OpCode.LESS: OpCode.GREATER,
    OpCode.LESS_EQUAL: OpCode.GREATER_EQUAL,
    OpCode.GREATER: OpCode.LESS,
    OpCode.GREATER_EQUAL: OpCode.LESS_EQUAL,
}
MOST_PARTS = 8
"""Comparisons of one condition."""


class Loop(NamedTuple):
    """A WHILE with what it calls."""

    op: Op
    condition: Graph
    body: Graph


def loop_of(op: Op) -> Loop | None:
    """A WHILE whose graphs take and give as many tensors as it does; else None."""
    options, graphs = op.options, op.graph.model.graphs
    if not isinstance(options, WhileOptions) or op.code is not OpCode.WHILE:
        return None
    indices = (options.cond_subgraph_index, options.body_subgraph_index)
    if not all(0 <= index < len(graphs) for index in indices):
        return None
    condition, body = (graphs[index] for index in indices)
    counts = {len(op.inputs), len(op.outputs), *map(len, (body.inputs, body.outputs))}
    counts.add(len(condition.inputs))
    plain = all(_are_plain(graph.inputs) for graph in (condition, body))
    return Loop(op, condition, body) if len(counts) == 1 and plain else None


def trip_count(op: Op) -> int | None:
    """How often the body of a WHILE runs, None where that isn't ``for (i = a; i < b; i += c)``.

    Counters that start at constants, a condition that compares each with a constant or with a
    value that the body hands on unchanged, and goes on where all comparisons hold, and a body that
    adds a constant to each. TFLM and LiteRT add and compare int32 and int64 as they are.
    """
    loop = loop_of(op)
    if loop is None or not len(loop.condition.outputs):
        return None
    parts = _parts(loop.condition.outputs[0])
    counts = [_count(loop, part) for part in parts]
    known = [count for count in counts if count is not None]
    return min(known) if known and len(known) == len(counts) else None


def _are_plain(ports: Ports) -> bool:
    """Whether each is a tensor of its own that the caller fills."""
    single = len(set(ports)) == len(ports)
    return single and not any(v.is_constant or v.is_variable or v.producer for v in ports)


def _parts(flag: Value) -> list[Op]:
    """The comparisons that must all hold, nothing where it is something else or there are many."""
    waiting, parts = [flag], list[Op]()
    while waiting:
        maker = waiting.pop().producer
        if maker is None or len(maker.inputs) != 2 or len(parts) + len(waiting) >= MOST_PARTS:
            return []
        if maker.code is OpCode.LOGICAL_AND:
            waiting += [maker.operand(0), maker.operand(1)] if None not in maker.inputs else []
        elif maker.code in COMPARISONS:
            parts.append(maker)
        else:
            return []
    return parts


def _count(loop: Loop, compare: Op) -> int | None:
    """In how many turns one comparison holds before it first doesn't."""
    for place, code in ((0, compare.code), (1, MIRRORED[compare.code])):
        counter, limit = compare.input(place), compare.input(1 - place)
        if counter is None or limit is None or not counter.is_graph_input:
            continue
        if counter.dtype not in COUNTERS:
            return None
        slot = list(loop.condition.inputs).index(counter)
        step, start, stop = (
            _step(loop.body, slot),
            _number(loop.op.input(slot)),
            _limit(loop, limit),
        )
        if step is not None and start is not None and stop is not None:
            sign, more = COMPARISONS[code]
            return _turns(counter.dtype, (start, step), sign, sign * stop + more)
    return None


def _turns(dtype: DType, counter: tuple[int, int], sign: int, stop: int) -> int | None:
    """How often ``sign * counter < stop``; None for ever, or where the counter would overflow."""
    start, step = (sign * number for number in counter)
    if start >= stop:
        return 0
    if step <= 0:
        return None
    turns = -(-(stop - start) // step)
    limits = np.iinfo(np.int32 if dtype is DType.INT32 else np.int64)
    last = sign * (start + turns * step)
    return turns if limits.min <= last <= limits.max else None


def _limit(loop: Loop, limit: Value) -> int | None:
    if not limit.is_graph_input:
        return _number(limit)
    slot = list(loop.condition.inputs).index(limit)
    unchanged = loop.body.outputs[slot] is loop.body.inputs[slot]
    return _number(loop.op.input(slot)) if unchanged else None


def _step(body: Graph, slot: int) -> int | None:
    """What the body adds to the tensor at ``slot``."""
    add, counter = body.outputs[slot].producer, body.inputs[slot]
    if add is None or len(add.inputs) != 2 or not isinstance(add.options, AddOptions | SubOptions):
        return None
    if add.options.fused_activation_function is not Activation.NONE:
        return None
    first, second = add.inputs
    if first is counter:
        number = _number(second)
        return number if number is None or add.code is OpCode.ADD else -number
    return _number(first) if second is counter and add.code is OpCode.ADD else None


def _number(value: Value | None) -> int | None:
    if value is None or value.elements != 1 or value.dtype not in COUNTERS:
        return None
    ints = value.ints()
    return ints[0] if ints else None
