"""Merge operators that compute the same from the same inputs."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.operators import RECURRENT, VARIABLES, has_effect
from tflopt.ir import Op, OpCode, Options, Value, same_quantization
from tflopt.rewrite import Rewriter, require
from tflopt.rewrite.sketch import Sketch
from tflopt.search.book import Book
from tflopt.search.worth import Choice, FormRule

STATEFUL = RECURRENT | VARIABLES | {OpCode.CUSTOM}


class MergeDuplicates(FormRule):
    """Compute once what several equal operators compute from the same inputs, if better.

    Whole branches that are equal merge from their start. Exact: the same kernel with the same
    parameters gives the same output.
    """

    name: ClassVar[str] = "merge-duplicates"
    number: ClassVar[int] = 50
    rank: ClassVar[int] = 10
    anchors: ClassVar[frozenset[OpCode]] = frozenset(OpCode) - STATEFUL

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Let the readers read the earlier operator's outputs.

        The first of several merges the next one before it may itself become another form.
        """
        twin = _twin(op, self.worth.book)
        if twin is None:
            later = _twin(op, self.worth.book, is_later=True)
            if later is not None and _can_merge(later, op, rw):
                self._merge(later, op, rw)
            return
        bound = "the outputs of the model are tensors of their own"
        require(_can_merge(op, twin, rw), bound, at=op)
        choice = self._merge(op, twin, rw)
        require(choice.is_worth_it, choice.why_not("keeping one result"), at=op)

    def _merge(self, op: Op, twin: Op, rw: Rewriter) -> Choice:
        """Keep the result of the twin alone, if that is better."""
        sketch = Sketch()
        for old, new in zip(op.outputs, twin.outputs, strict=True):
            sketch.results[old] = sketch.read(new)
        choice = self.worth.compare([op], sketch)
        if choice.is_worth_it:
            sketch.graft(rw, op)
        return choice


def _can_merge(op: Op, twin: Op, rw: Rewriter) -> bool:
    return all(rw.can_replace(*pair) for pair in zip(op.outputs, twin.outputs, strict=True))


def _twin(op: Op, book: Book, *, is_later: bool = False) -> Op | None:
    """An earlier operator that computes the same, or the next of those behind it."""
    data = next((v for v in op.inputs if v is not None and not v.is_constant), None)
    if data is None or has_effect(op) or not isinstance(op.options, Options | None):
        return None
    if any(v is not None and v.is_variable for v in op.inputs):
        return None
    if book.follows:
        like = book.alike.later(op) if is_later else book.alike.earlier(op)
        return next((other for other in like if _same(op, other)), None)
    for other in data.users:
        one, two = (op, other) if is_later else (other, op)
        if other is not op and _same(op, other) and _is_earlier(one, two):
            return other
    return None


def _same(op: Op, other: Op) -> bool:
    if op.opcode.key != other.opcode.key or op.options != other.options:
        return False
    if op.extra.custom_options is not None or op.extra.options2 is not None:
        return False
    if len(op.inputs) != len(other.inputs) or len(op.outputs) != len(other.outputs):
        return False
    inputs = zip(op.inputs, other.inputs, strict=True)
    outputs = zip(op.outputs, other.outputs, strict=True)
    return all(_same_input(a, b) for a, b in inputs) and all(_same_kind(a, b) for a, b in outputs)


def _is_earlier(other: Op, op: Op) -> bool:
    ops = op.graph.ops
    return other.graph is op.graph and ops.index(other) < ops.index(op)


def _same_input(one: Value | None, two: Value | None) -> bool:
    if one is two:
        return True
    if one is None or two is None or not (one.has_data and two.has_data):
        return False
    if not _same_kind(one, two) or one.extra.sparsity is not None or two.extra.sparsity is not None:
        return False
    assert one.buffer is not None
    assert two.buffer is not None
    assert one.buffer.data is not None
    assert two.buffer.data is not None
    return one.buffer.data.tobytes() == two.buffer.data.tobytes()


def _same_kind(one: Value, two: Value) -> bool:
    same = one.shape == two.shape and one.dtype is two.dtype
    return same and same_quantization(one.quant, two.quant)
