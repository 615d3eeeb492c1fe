"""Regions of elementwise int8 operators that compute one tensor from another by several paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tflopt.arith.affine import Precision
from tflopt.arith.fixed_point import Ints
from tflopt.facts.tables import EVERY_INT8, OF_ONE, OF_TWO, combined, compose, table
from tflopt.ir import DType, Op, OpCode, Value

ELEMENTWISE = OF_ONE | OF_TWO | {OpCode.RESHAPE}
"""RESHAPE to the same shape is what is left of an operator that only changes the scale."""
MOST_OPS = 8
"""Of a region; what exporters write takes at most seven."""
EVERY_ROW: Ints = np.stack([EVERY_INT8] * len(Precision))


@dataclass(frozen=True, eq=False)
class Region:
    """All that lies between ``source`` and the output of the last operator, and its map.

    Args:
        ops: each after those whose outputs it reads.
        table: the output for each of the 256 values of the source, shaped (2, 256).
    """

    source: Value
    ops: tuple[Op, ...]
    table: Ints

    @property
    def last(self) -> Op:
        """The operator whose output is the region's."""
        return self.ops[-1]

    def dying(self) -> list[Op]:
        """The last operator and those that nobody else reads, in the order of ``ops``."""
        gone: set[Op] = set()
        for op in reversed(self.ops):
            value = op.output
            read = value.is_graph_output or any(use.op not in gone for use in value.uses)
            if op is self.last or not read:
                gone.add(op)
        return [op for op in self.ops if op in gone]


def regions(op: Op) -> Iterator[Region]:
    """The regions that end with ``op``, have two paths at least and a known map, largest first."""
    for source, ops in sorted(_diamonds(op), key=lambda pair: -len(pair[1])):
        results = _results(ops, source)
        if results is not None:
            yield Region(source, ops, results)


def _diamonds(op: Op) -> list[tuple[Value, tuple[Op, ...]]]:
    """Sources and operators of the regions that end with ``op``, whatever they compute."""
    near = _near(op)
    if not any(len(operands(other)) > 1 for other in near):
        return []
    diamonds = []
    for source in dict.fromkeys(value for other in near for value in operands(other)):
        ops: dict[Op, None] = {}
        if source.is_variable or not _collect(op, source, near, ops):
            continue
        if any(len(operands(inner)) > 1 for inner in ops):
            diamonds.append((source, tuple(ops)))
    return diamonds


def operands(op: Op) -> list[Value]:
    """What an elementwise int8 operator reads beside constants; empty for other operators.

    A value that it reads twice is there twice. Nothing broadcasts but constants of one number.
    """
    if op.code not in ELEMENTWISE or len(op.outputs) != 1:
        return []
    values = [value for value in op.inputs if value is not None and not value.is_constant]
    like = op.output
    if any(value.shape != like.shape or value.dtype is not DType.INT8 for value in values):
        return []
    return values if like.dtype is DType.INT8 and len(values) <= 2 else []


def _near(op: Op) -> dict[Op, None]:
    """Elementwise operators from which ``op`` computes its output, the nearest first."""
    near: dict[Op, None] = {op: None}
    for current in (queue := [op]):
        for value in operands(current):
            before = value.producer
            known = before is None or before in near or not operands(before)
            if before is not None and not known and len(near) < MOST_OPS:
                near[before] = None
                queue.append(before)
    return near if operands(op) else {}


def _collect(op: Op, source: Value, near: dict[Op, None], ops: dict[Op, None]) -> bool:
    """Gather the operators between; False where another value than ``source`` has a part in it."""
    if op in ops:
        return True
    for value in operands(op):
        before = value.producer
        if value is source:
            continue
        if before is None or before not in near or not _collect(before, source, near, ops):
            return False
    ops[op] = None
    return True


def _results(ops: Sequence[Op], source: Value) -> Ints | None:
    known: dict[Value, Ints] = {source: EVERY_ROW}
    for op in ops:
        values = operands(op)
        if len(values) > 1:
            results = combined(op, [known[value] for value in values])
        else:
            step = EVERY_ROW if op.code is OpCode.RESHAPE else table(op)
            results = None if step is None else compose(known[values[0]], step)
        if results is None:
            return None
        known[op.output] = results
    return known[ops[-1].output]
