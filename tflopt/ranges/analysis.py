"""The walk over a graph that gives every value its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from tflopt.arith.fixed_point import Ints
from tflopt.facts.large import MANY
from tflopt.facts.operators import WEIGHTED, data_of
from tflopt.ir import DType, Graph, Op, OpCode, Value
from tflopt.ir.node import Bytes
from tflopt.ranges.accumulators import accumulator_of
from tflopt.ranges.elementwise import BINARY, by_table, of_two
from tflopt.ranges.interval import MOST_CELLS, Interval, of_constant, whole
from tflopt.ranges.movement import moved
from tflopt.ranges.reductions import REDUCTIONS, pooled, reduced, softmax_of_constants
from tflopt.ranges.remembered import Remembered, contents, op_key
from tflopt.ranges.splitting import Splitting
from tflopt.ranges.states import States

POOLS = frozenset({OpCode.AVERAGE_POOL_2D, OpCode.MAX_POOL_2D})


@dataclass(frozen=True)
class Ranges:
    """Between which numbers the elements of each value of a graph lie, whatever the inputs.

    Sound for every input, every state and every invocation. Where nothing is known of an operator,
    its output takes its type's whole range; floats and other types that are not tracked have none.
    """

    graph: Graph
    intervals: dict[Value, Interval] = field(default_factory=dict)

    def of(self, value: Value) -> Interval | None:
        """The interval of a value; None for types that are not tracked."""
        if value not in self.intervals:
            known = of_constant(value) if value.is_constant else whole(value)
            if known is None:
                return None
            self.intervals[value] = known
        return self.intervals[value]

    def along(self, value: Value, axis: int) -> tuple[Ints, Ints] | None:
        """Low and high for each index of an axis."""
        interval = self.of(value)
        return None if interval is None else interval.along(axis, value.shape[axis])


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # scales may be any float32
def ranges_of(graph: Graph) -> Ranges:
    """Analyse a graph, operator by operator, in time that is linear in its size.

    Of a large graph only the first operators are followed, which is sound: what the others give
    may be anything.

    Several rules ask in turn: what was found stays with the graph until its model changes.
    Inputs, variables of recurrent operators, and what subgraphs or unknown operators give may hold
    anything. Resource variables hold what they start with and what is assigned: the graph is walked
    again, a few times at most, until that is all.
    """
    scope = _scope(graph)
    contents = [v.buffer.data for member in scope for v in member.values if v.buffer]
    state, known = [*_state(graph, scope), *map(id, contents)], graph.derived.get(Ranges)
    if isinstance(known, _Known) and known.state == state:
        return known.ranges
    states = States.of(graph)
    while True:
        ranges = _walk(graph, states)
        if not states.intervals or not states.grow(ranges.intervals):
            break
    graph.derived[Ranges] = _Known(state, ranges, contents)
    return ranges


@dataclass(frozen=True)
class _Known:
    state: list[object]
    ranges: Ranges
    contents: list[Bytes | None]
    """Kept, so that what the state tells apart by ``id`` can't be taken for something else."""


def _scope(graph: Graph) -> list[Graph]:
    """The graphs that its ranges depend on: others assign the variables that it reads."""
    reads = any(op.code is OpCode.READ_VARIABLE for op in graph.ops)
    return graph.model.graphs if reads else [graph]


def _state(graph: Graph, scope: Sequence[Graph]) -> list[object]:
    """All that the ranges of a graph depend on but contents."""
    parts: list[object] = [*graph.inputs]
    for member in scope:
        for op in member.ops:
            parts += (op, op.opcode, op.options, op.inputs, op.outputs)
        for value in member.values:
            fields = (value.dtype, value.shape, value.quant, value.is_variable)
            parts.append((value, value.buffer, value.extra.shape_signature, *fields))
    return parts


def _walk(graph: Graph, states: States) -> Ranges:
    ranges, splitting = Ranges(graph), Splitting.of(graph)
    for op in graph.ops[:MANY]:
        intervals = _known_outputs(op, ranges, states)
        if len(intervals) != len(op.outputs):
            continue
        if len(intervals) == 1 and intervals[0] is not None and op.inputs:
            intervals = [splitting.tightened(op, ranges.of, intervals[0])]
        for value, interval in zip(op.outputs, intervals, strict=True):
            full = whole(value)
            if interval is None or full is None or value.is_variable:
                continue
            if _is_sound_shape(interval, value):
                ranges.intervals[value] = _limited(interval, graph)
    return ranges


def _limited(interval: Interval, graph: Graph) -> Interval:
    """The same one each time, for what rests on it."""
    if interval.low.size <= MOST_CELLS:
        return interval
    return Remembered.by(graph).of(("limited",), [interval], interval.limited)


def _is_sound_shape(interval: Interval, value: Value) -> bool:
    """Whether each axis is the value's or alike throughout."""
    if len(interval.shape) != len(value.shape):
        return False
    return all(one in (1, two) for one, two in zip(interval.shape, value.shape, strict=True))


def _known_outputs(op: Op, ranges: Ranges, states: States) -> Sequence[Interval | None]:
    """As :func:`_outputs`, which another walk may have asked for these ranges before."""
    remembered = Remembered.by(op.graph)
    make = partial(_outputs, op, ranges, states)
    key = None if op.code is OpCode.READ_VARIABLE else op_key(op)
    if key is None:
        return [remembered.same(interval) for interval in make()]
    read = [value for value in op.inputs if value is not None and not value.is_constant]
    sources = [*map(ranges.of, read), *contents(op)]
    return remembered.of(key, sources, lambda: [remembered.same(interval) for interval in make()])


def _outputs(op: Op, ranges: Ranges, states: States) -> Sequence[Interval | None]:
    if op.code is OpCode.READ_VARIABLE:
        return [states.read(op)]
    if op.code in WEIGHTED:
        data = data_of(op)
        return [_weighted(op, None if data is None else ranges.of(data))]
    sources = [None if value is None else ranges.of(value) for value in op.inputs]
    intervals = moved(op, sources)
    if intervals is not None:
        return intervals
    if len(op.outputs) != 1 or not sources:
        return [None] * len(op.outputs)
    return [_computed(op, sources)]


def _computed(op: Op, sources: Sequence[Interval | None]) -> Interval | None:
    first = sources[0]
    if op.code in POOLS:
        return None if first is None else pooled(op, first)
    if op.code in REDUCTIONS:
        return None if first is None else reduced(op, first)
    if op.code is OpCode.SOFTMAX:
        return None if first is None else softmax_of_constants(op, first)
    if op.code in BINARY and len(sources) == 2:
        second = sources[1]
        return None if first is None or second is None else of_two(op, (first, second))
    known = first is not None and len(sources) == 1
    if not known or op.inputs[0] is None or op.inputs[0].dtype is not DType.INT8:
        return None
    assert first is not None
    return by_table(op, first)


def _weighted(op: Op, source: Interval | None) -> Interval | None:
    sums = accumulator_of(op, source)
    if sums is None or op.output.shape[-1:] != sums.low.shape:
        return None
    shape = (*(1,) * (len(op.output.shape) - 1), -1)
    low, high = (np.asarray(end).reshape(shape) for end in sums.output())
    return Interval(low, high)
