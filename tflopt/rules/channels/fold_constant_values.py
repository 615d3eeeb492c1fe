"""Replace tensors that are the same for every input by constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tflopt.facts.operators import RECURRENT, VARIABLES
from tflopt.ir import Graph, Model, Value
from tflopt.ranges import Ranges, ranges_of
from tflopt.rewrite import BY_ARITHMETIC, Exactness, ModelRule, Rewriter, Stage
from tflopt.rules.channels.plan import held_by_others, is_strange

GROWTH_BYTES = 256
"""About what an operator with its tensors and options takes in the file and in the arena."""


@dataclass(frozen=True)
class FoldConstantValues(ModelRule):
    """Store tensors that no input can change, where they take no more than what computes them.

    Exact: the range of every element is computed in the kernels' integer arithmetic, for every
    input, and each has one value. What computed them is dead then, with all that only it read.

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
                for value in read if read and not is_strange(op) else ():
                    self._fold(value, ranges, rw)

    def _fold(self, value: Value, ranges: Ranges, rw: Rewriter) -> None:
        interval, dtype, op = ranges.of(value), value.dtype.numpy, value.producer
        if interval is None or dtype is None or op is None or not interval.is_constant:
            return
        freed = sum(v.size_bytes or 0 for v in op.inputs if v is not None and v.is_constant)
        if (value.size_bytes or 0) > freed + self.growth_bytes:
            rw.remark(op, "it is the same for every input, but takes more than what computes it")
            return
        data = np.broadcast_to(interval.low, value.shape).astype(dtype)
        constant = rw.constant(data, value, quant=value.quant, name=value.name)
        rw.replace_uses(value, constant)


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
