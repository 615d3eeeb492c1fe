"""Drop the subgraph that only gives variables what TFLM gives them anyway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tflopt.config import Config, Runtime
from tflopt.facts.operators import EFFECTS
from tflopt.facts.state import Variable, named
from tflopt.ir import Graph, Op, OpCode, Value
from tflopt.ir.calls import called
from tflopt.rewrite import Exactness, Rewriter, Rule, Stage, require
from tflopt.rewrite.rule import BIT_EXACT

MAKES = frozenset({OpCode.VAR_HANDLE, OpCode.ASSIGN_VARIABLE})


@dataclass(frozen=True)
class DropInitialization(Rule):
    """Drop a CALL_ONCE that sets variables to their zero points (--runtime tflm only).

    Exact: TFLM fills the buffer of a resource variable with the zero point, as an int8, of the
    tensor that the first ASSIGN_VARIABLE takes, and with 0 where that has no quantization
    (``micro_resource_variable.cc``, 3b20912 and 90b983c): when it allocates, and whenever the
    interpreter is reset. Subgraphs prepare in their order, so that is one of the main graph. LiteRT
    refuses to read a variable that nothing has been assigned to.
    """

    name: ClassVar[str] = "drop-initialization"
    number: ClassVar[int] = 90
    stages: ClassVar[tuple[Stage, ...]] = (Stage.SETTLE,)
    rank: ClassVar[int] = 360
    exactness: ClassVar[Exactness] = BIT_EXACT
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.CALL_ONCE})
    keep: frozenset[str] = frozenset()

    @classmethod
    def from_config(cls, config: Config) -> DropInitialization:
        """The rule with the names that stay."""
        return cls(config.keep)

    @classmethod
    def suits(cls, config: Config) -> bool:
        """LiteRT refuses to run such a file."""
        return config.runtime is Runtime.TFLM

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Remove the call and all that it runs; what nothing calls any more goes with dead code."""
        graph, model = op.graph, op.graph.model
        if graph is not model.main or len(called(op)) != 1:
            return
        start = model.graphs[called(op)[0]]
        callers = [caller for caller in model.ops() if start.index in called(caller)]
        alone = len(callers) == 1 and start is not graph and not start.inputs and not start.outputs
        signed = any(signature.graph is start for signature in model.signatures or ())
        require(start.name not in self.keep, "--keep names the subgraph that it calls", at=op)
        require(alone and not signed, "something else uses the subgraph that it calls", at=op)
        first = graph.ops[: graph.ops.index(op)]
        effect = any(earlier.code in EFFECTS for earlier in first)
        require(not effect, "an operator with an effect runs before it", at=op)
        for inner in start.ops:
            require(inner.code in MAKES, "it does more than to assign constants", at=inner)
            if inner.code is OpCode.ASSIGN_VARIABLE:
                require(_is_default(inner, graph), "TFLM starts with other numbers", at=inner)
        rw.remove(op)
        for inner in reversed(list(start.ops)):
            rw.remove(inner)


def _is_default(assign: Op, main: Graph) -> bool:
    """Whether a variable has these bytes before anything is assigned to it."""
    handle, value = assign.input(0), assign.input(1)
    name = None if handle is None else named(handle)
    if name is None or value is None or not value.is_constant:
        return False
    later = _assigned(main, name)
    fills = {_fill(other) for other in later}
    sizes = {other.size_bytes for other in (value, *later)}
    if len(fills) != 1 or len(sizes) != 1:
        return False
    data = np.frombuffer(value.array().tobytes(), np.int8)
    return bool((data == fills.pop()).all())


def _assigned(graph: Graph, name: Variable) -> list[Value]:
    """What a graph's own operators assign to a variable."""
    values = []
    for op in graph.ops:
        handle, value = op.input(0), op.input(1)
        if op.code is OpCode.ASSIGN_VARIABLE and handle is not None and value is not None:
            values += [value] if named(handle) == name else []
    return values


def _fill(value: Value) -> int:
    """The byte that TFLM fills a variable with on account of a tensor."""
    quant = value.quant
    if quant is None or not quant.is_set or quant.zero_point is None:
        return 0
    return int(quant.zero_point[:1].astype(np.int8)[0])
