"""What resource variables can hold: whatever they start with, and all that is ever assigned."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tflopt.facts.pads import zero_of
from tflopt.facts.state import named
from tflopt.ir import DType, Graph, Op, OpCode, Value
from tflopt.ranges.interval import Interval, of_constant, scalar, whole

Name = tuple[str, str]
ROUNDS = 6
"""A state that still grows after as many walks may hold anything."""
HANDLED = frozenset({OpCode.READ_VARIABLE, OpCode.ASSIGN_VARIABLE})


@dataclass
class States:
    """Intervals of the variables that a graph reads, which grow until nothing new is assigned.

    A variable starts with zeros, or with the zero point, as versions of TFLM do it. Other graphs,
    as that of a CALL_ONCE, may assign constants; what they compute isn't followed.
    """

    graph: Graph
    intervals: dict[Name, Interval] = field(default_factory=dict)
    rounds: int = 0

    @classmethod
    def of(cls, graph: Graph) -> States:
        """What all variables start with."""
        states = cls(graph)
        reads = [op for op in graph.ops if op.code is OpCode.READ_VARIABLE and op.outputs]
        if not reads:
            return states
        others = [op for other in graph.model.graphs if other is not graph for op in other.ops]
        writers: dict[Name | None, list[Op]] = {}
        for op in (*graph.ops, *others):
            writers.setdefault(_name(op), []).append(op)
        for read in reads:
            name = _name(read)
            if name is None:
                continue
            start = _start(read.output, writers.get(name, []))
            known = states.intervals.get(name, start)
            if start is not None and known is not None and len(known.shape) == len(start.shape):
                states.intervals[name] = known.join(start)
        if any(_escapes(op) for op in (*graph.ops, *others)):
            states.intervals.clear()
        return states

    def read(self, op: Op) -> Interval | None:
        """What a READ_VARIABLE gives, None where nothing is known."""
        name = _name(op)
        return None if name is None else self.intervals.get(name)

    def grow(self, intervals: dict[Value, Interval]) -> bool:
        """Add what one walk over the graph assigns; whether that was new."""
        self.rounds += 1
        grew = False
        for op in self.graph.ops:
            name = _name(op)
            if op.code is not OpCode.ASSIGN_VARIABLE or name is None or name not in self.intervals:
                continue
            more = _assigned(op, intervals)
            known = self.intervals[name]
            wider = None if more is None or more.low.ndim != known.low.ndim else known.join(more)
            if wider is None or (self.rounds >= ROUNDS and not _is_within(wider, known)):
                del self.intervals[name]
                grew = True
            elif not _is_within(wider, known):
                self.intervals[name] = wider
                grew = True
        return grew


def _name(op: Op) -> Name | None:
    handle = op.input(0) if op.code in HANDLED else None
    return None if handle is None else named(handle)


def _escapes(op: Op) -> bool:
    """Whether a handle goes where nobody follows it."""
    if op.code in HANDLED:
        return _name(op) is None
    resources = [value for value in op.inputs if value is not None and _is_resource(value)]
    made = [value for value in op.outputs if _is_resource(value)]
    return bool(resources) or any(
        value.is_graph_output or op.code is not OpCode.VAR_HANDLE for value in made
    )


def _is_resource(value: Value) -> bool:
    return value.dtype is DType.RESOURCE


def _start(value: Value, users: list[Op]) -> Interval | None:
    """Zeros, the zero points of what is assigned, and what other graphs assign."""
    if value.dtype is not DType.INT8:
        return None
    interval = scalar(0, 0, len(value.shape))
    for op in users:
        given = op.input(1) if op.code is OpCode.ASSIGN_VARIABLE else op.output
        zero = None if given is None else zero_of(given)
        if given is None or zero is None or given.shape != value.shape:
            return None
        interval = interval.join(scalar(zero, zero, len(value.shape)))
        if op.graph is not value.graph and op.code is OpCode.ASSIGN_VARIABLE:
            known = of_constant(given) if given.is_constant else None
            if known is None:
                return None
            interval = interval.join(known)
    return interval


def _assigned(op: Op, intervals: dict[Value, Interval]) -> Interval | None:
    value = op.input(1)
    if value is None:
        return None
    return intervals.get(value) or (of_constant(value) if value.is_constant else whole(value))


def _is_within(one: Interval, two: Interval) -> bool:
    return bool(np.all(one.low >= two.low) and np.all(one.high <= two.high))
