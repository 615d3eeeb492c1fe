"""Why a copy is left, in words that a user understands."""

from __future__ import annotations

from collections.abc import Iterator

from tflopt.ir import Graph, Op, Value
from tflopt.layout.dense import ReshapeRole
from tflopt.layout.problem import Problem
from tflopt.layout.readings import Reading
from tflopt.rewrite import Rewriter

HINT = "; --io-layout nhwc leaves that to the caller"


def explain(problem: Problem, rw: Rewriter) -> None:
    """Remark on every view and transpose of a graph whose layout is the best that was found."""
    fixed = {
        role.op
        for role, forms in zip(problem.roles, problem.forms, strict=True)
        if len(forms) == 1 and role.op is not None
    }
    for reading in problem.readings:
        for view in reading.group.views:
            rw.remark(view, _why(problem, reading, view, fixed))
    for role in problem.roles:
        if isinstance(role, ReshapeRole) and role.op is not None:
            rw.remark(role.op, _why_reshape(role.op))


def _why(problem: Problem, reading: Reading, view: Op, fixed: set[Op]) -> str:
    """The caller, else a reader or producer that takes one shape only, else the sum of it all."""
    root, ends = reading.group.root, list(_ends(view, reading))
    hint = HINT if problem.graph is problem.graph.model.main else ""
    producer = root.producer
    for user, value in ends:
        if isinstance(user, Graph):
            made = "feeds" if producer is None else f"{producer.opcode.label} writes"
            return f"the caller reads {list(value.shape)}, {made} {list(root.shape)}{hint}"
    needs = {user.opcode.label: list(value.shape) for user, value in ends if isinstance(user, Op)}
    wanted = ", ".join(f"{name} reads {shape}" for name, shape in needs.items())
    if producer is None:
        return f"the caller feeds {list(root.shape)}, {wanted or 'nobody reads it'}{hint}"
    for user, value in ends:
        if user in fixed and isinstance(user, Op):
            return f"{user.opcode.label} takes {list(value.shape)} only"
    if producer in fixed:
        return f"{producer.opcode.label} gives {list(root.shape)} only"
    written = f"{producer.opcode.label} writes {list(root.shape)}"
    return f"{written}, {wanted}; any other place would move as much or more"


def _ends(view: Op, reading: Reading) -> Iterator[tuple[Op | Graph, Value]]:
    """Who reads a view in the end, through further views, and what."""
    pending = [view.output]
    while pending:
        value = pending.pop()
        for use in value.uses:
            if use.op is not None and use.op in reading.group.views:
                pending.append(use.op.output)
            else:
                yield use.user, value


def _why_reshape(op: Op) -> str:
    source = op.inputs[0]
    assert source is not None
    return f"{list(source.shape)} to {list(op.output.shape)} merges or splits axes"
