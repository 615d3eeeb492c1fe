"""Put the branch that is always taken in the place of an IF."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tflopt.config import Config
from tflopt.facts.large import MANY
from tflopt.ir import DType, Graph, Op, OpCode
from tflopt.ir.calls import called
from tflopt.ir.options import IfOptions
from tflopt.rewrite import BIT_EXACT, Exactness, Rewriter, Rule, Why, require
from tflopt.rules.calls.inline import (
    copy_in,
    drop_uncalled,
    outside,
    require_copyable,
    require_no_other_caller_of_numbers,
    require_replaceable,
    require_same,
)


@dataclass(frozen=True)
class TakeBranch(Rule):
    """Run the operators of a branch where an IF always takes it, and drop the other one.

    Exact: TFLM copies the inputs and the outputs of the branch as bytes between tensors of one type
    (``if.cc``), and the same kernels run. A branch that something else calls stays, as the file
    would hold it twice, and so does one with a state.
    """

    name: ClassVar[str] = "take-branch"
    number: ClassVar[int] = 103
    exactness: ClassVar[Exactness] = BIT_EXACT
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.IF})
    keep: frozenset[str] = frozenset()

    @classmethod
    def from_config(cls, config: Config) -> TakeBranch:
        """The rule with the names that stay."""
        return cls(config.keep)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Put copies of the branch's operators in front of the IF, and drop it."""
        branches, taken = _branches(op), _condition(op)
        if branches is None or taken is None or not op.outputs:
            return
        branch, values = branches[not taken], op.inputs[1:]
        if (len(values), len(op.outputs)) != (len(branch.inputs), len(branch.outputs)):
            return
        alone = not any(other is not op and branch.index in called(other) for other in _ops(op))
        signed = any(entry.graph is branch for entry in rw.model.signatures or ())
        require(alone and not signed, Why.SHARED("something else calls the branch"), at=op)
        require(len(op.graph.ops) + len(branch.ops) <= MANY, "the graph is too large", at=op)
        require_no_other_caller_of_numbers(op)
        require_copyable(branch, self.keep, op)
        sides = [*zip(values, branch.inputs, strict=True)]
        for pair in (*sides, *zip(op.outputs, branch.outputs, strict=True)):
            require_same(pair, op)
        known = {inner: value for value, inner in sides if value is not None}
        ends = [known.get(v, v if v.is_constant else None) for v in branch.outputs]
        require_replaceable(rw, zip(op.outputs, ends, strict=True), op)
        made = [v for v, old in zip(branch.outputs, op.outputs, strict=True) if old.is_graph_output]
        apart = len(set(made)) == len(made)
        require(apart, Why.INTERFACE("two outputs of the model would be one tensor"), at=op)
        same = dict(known)
        known = copy_in(rw, op, branch, known, same)
        for old, inner in zip(op.outputs, branch.outputs, strict=True):
            rw.replace_uses(old, outside(rw, op, inner, known, same))
        rw.remove(op)
        rw.note("the branch that is always taken takes the place of IF")
        drop_uncalled(rw, branches)


def _ops(op: Op) -> list[Op]:
    return list(op.graph.model.ops())


def _branches(op: Op) -> tuple[Graph, Graph] | None:
    """The subgraphs for true and for false, other ones than the operator's own."""
    options, graphs = op.options, op.graph.model.graphs
    if not isinstance(options, IfOptions):
        return None
    numbers = options.then_subgraph_index, options.else_subgraph_index
    if not all(0 <= number < len(graphs) for number in numbers):
        return None
    first, second = (graphs[number] for number in numbers)
    return None if op.graph in (first, second) else (first, second)


def _condition(op: Op) -> bool | None:
    """What the condition always is, None where that isn't known."""
    flag = op.input(0)
    if flag is None or flag.dtype is not DType.BOOL or flag.elements != 1 or not flag.has_array:
        return None
    return bool(flag.array().reshape(-1)[0])
