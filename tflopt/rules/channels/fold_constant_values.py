"""Replace tensors that are the same for every input by constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tflopt.facts.operators import RECURRENT, VARIABLES, VIEWS
from tflopt.ir import Graph, Model, Op, Value
from tflopt.ir.node import Array
from tflopt.ranges import Ranges, ranges_of
from tflopt.ranges.interval import open_axes
from tflopt.rewrite import BY_ARITHMETIC, Exactness, ModelRule, Rewriter, Stage
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.channels.plan import held_by_others, is_strange

GROWTH_BYTES = 256
"""About what an operator with its tensors and options takes in the file and in the arena."""


@dataclass(frozen=True)
class FoldConstantValues(ModelRule):
    """Store tensors that no input can change, where they take no more than what computes them.

    Exact: the range of every element is computed in the kernels' integer arithmetic, for every
    input, and each has one value. What computed them is dead then, with all that only it read. An
    output of the model is copied from the constant by RESHAPE.

    Args:
        growth_bytes: by how much a constant may be larger than the constants of its producer.
    """

    name: ClassVar[str] = "fold-constant-values"
    number: ClassVar[int] = 47
    stages: ClassVar[tuple[Stage, ...]] = (Stage.SIMPLIFY,)
    rank: ClassVar[int] = 434
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    growth_bytes: int = GROWTH_BYTES

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Graph by graph."""
        for graph in model.graphs:
            ranges, held = ranges_of(graph), set(held_by_others(graph))
            for op in list(graph.ops):
                read = [v for v in op.outputs if v.uses and v not in held]
                if is_strange(op):
                    continue
                for value in read:
                    self._fold(value, ranges, rw)
                if any(value.is_graph_output for value in op.outputs):
                    self._copy(op, ranges, rw)

    def _copy(self, op: Op, ranges: Ranges, rw: Rewriter) -> None:
        """Replace what computes outputs of the model; a view copies already."""
        values = [value for value in op.outputs if value.uses]
        plain = all(value.shape and not open_axes(value) for value in values)
        if op.code in VIEWS or not plain:
            return
        if not all(_is_constant(value, ranges) for value in values):
            return
        if not self._fits(op, sum(value.size_bytes or 0 for value in values), rw):
            return
        sketch = Sketch()
        for value in values:
            constant = sketch.constant(_content(value, ranges), value.dtype, value.quant)
            sketch.results[value] = sketch.reshape(constant, value.shape)
        sketch.graft(rw, op)

    def _fits(self, op: Op, size_bytes: int, rw: Rewriter) -> bool:
        """Whether constants of this size may take the place of what an operator reads."""
        freed = sum(v.size_bytes or 0 for v in op.inputs if v is not None and v.is_constant)
        fits = size_bytes <= freed + self.growth_bytes
        if not fits:
            rw.remark(op, "it is the same for every input, but takes more than what computes it")
        return fits

    def _fold(self, value: Value, ranges: Ranges, rw: Rewriter) -> None:
        op = value.producer
        if op is None or not _is_constant(value, ranges):
            return
        if not self._fits(op, value.size_bytes or 0, rw):
            return
        constant = rw.constant(_content(value, ranges), value, quant=value.quant, name=value.name)
        rw.replace_uses(value, constant)


def _is_constant(value: Value, ranges: Ranges) -> bool:
    """Whether no input can change an element."""
    interval = ranges.of(value)
    return interval is not None and value.dtype.numpy is not None and interval.is_constant


def _content(value: Value, ranges: Ranges) -> Array:
    """The elements of a constant value; its size is known to fit."""
    interval = ranges.of(value)
    assert interval is not None
    return np.broadcast_to(interval.low, value.shape).astype(value.dtype.numpy)


def constant_outputs(graph: Graph) -> list[Value]:
    """The outputs that are the same for every input, as far as that can be proved.

    Those of types without ranges too, where all that they come from is constant.
    """
    ranges, fixed = ranges_of(graph), set[Value]()
    for op in graph.ops:
        read = [value for value in op.inputs if value is not None]
        pure = not is_strange(op) and op.code not in RECURRENT | VARIABLES
        steady = pure and bool(read) and all(v.is_constant or v in fixed for v in read)
        for value in op.outputs:
            interval = ranges.of(value)
            if steady or (interval is not None and interval.is_constant):
                fixed.add(value)
    return [value for value in graph.outputs if value in fixed and not value.is_variable]
