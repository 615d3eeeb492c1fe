"""Why a copy is left, in words that a user understands."""

from __future__ import annotations

from collections.abc import Iterator

from tflopt.ir import Graph, Op, Value
from tflopt.layout.dense import ReshapeRole
from tflopt.layout.problem import Problem
from tflopt.layout.readings import Reading
from tflopt.rewrite import Reason, Rewriter, Why

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


def _why(problem: Problem, reading: Reading, view: Op, fixed: set[Op]) -> Reason:
    """The caller, else a reader or producer that takes one shape only, else the sum of it all."""
    root, ends = reading.group.root, list(_ends(view, reading))
    is_main = problem.graph is problem.graph.model.main
    caller, hint = (Why.IO_LAYOUT, HINT) if is_main else (Why.INTERFACE, "")
    producer = root.producer
    for user, value in ends:
        if isinstance(user, Graph):
            made = "feeds" if producer is None else f"{producer.opcode.label} writes"
            read, own = str(list(value.shape)), str(list(root.shape))
            text = f"the caller reads {{read}}, {{writer}} {{written}}{hint}"
            return caller(text, read=read, writer=made, written=own)
    needs = {user.opcode.label: list(value.shape) for user, value in ends if isinstance(user, Op)}
    reads = ", ".join(f"{name} reads {shape}" for name, shape in needs.items())
    if producer is None:
        text = f"the caller feeds {{fed}}, {{readers}}{hint}"
        return caller(text, fed=str(list(root.shape)), readers=reads or "nobody reads it")
    for user, value in ends:
        if user in fixed and isinstance(user, Op):
            shape = str(list(value.shape))
            return Why.ONE_ARRANGEMENT(
                "{reader} takes {shape} only", reader=user.opcode.label, shape=shape
            )
    if producer in fixed:
        shape = str(list(root.shape))
        return Why.OTHER(
            "{producer} gives {shape} only", producer=producer.opcode.label, shape=shape
        )
    text = "{producer} writes {shape}, {readers}; any other place would move as much or more"
    made = str(list(root.shape))
    return Why.CHEAPEST(text, producer=producer.opcode.label, shape=made, readers=reads)


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


def _why_reshape(op: Op) -> Reason:
    source = op.operand(0)
    shapes = [str(list(value.shape)) for value in (source, op.output)]
    return Why.AXES(
        "{source} to {result} merges or splits axes", source=shapes[0], result=shapes[1]
    )
