"""Comparing what lies around operators that no runner has.

Both models are cut there: what such an operator reads becomes an output of the model, what it
computes an input. Everything up to its inputs is compared, and everything behind it from inputs
that stand in for what it computes. The operator itself must be the same in both: its name, its
options, its constants. So the whole is identical too, if the operator depends on nothing but its
inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tflopt.errors import MismatchError
from tflopt.io import write_bytes
from tflopt.ir import Model, Op, Value
from tflopt.ir.clone import clone
from tflopt.plan.describe import write_plan
from tflopt.verify.compare import Candidate, Verification
from tflopt.verify.unwritten import DETECTION

Compare = Callable[[Candidate, Candidate], Verification]
OWN_PREFIX = "Signal"
"""Custom operators that TFLM itself has begin with it, but for one."""


def compare_around(original: Candidate, optimized: Candidate, compare: Compare) -> Verification:
    """The verdict of ``compare``; where no runner has an operator, of what lies around it."""
    whole = compare(original, optimized)
    if whole.status != "not verified" or not whole.lacking:
        return whole
    labels: set[str] = set()
    for more in _kinds(original.model, whole.lacking):
        labels |= more
        try:
            cut = cut_at(original, optimized, labels)
        except MismatchError as mismatch:
            return Verification("different", mismatch=mismatch)
        if cut is None:
            continue
        verdict = _nothing_left(cut) or compare(*cut.pair)
        if verdict.status != "not verified":
            return replace(verdict, around=cut.places)
    return whole


@dataclass(frozen=True)
class Cut:
    """Both models without some operators, and which those are in the original."""

    pair: tuple[Candidate, Candidate]
    places: tuple[str, ...]


def cut_at(original: Candidate, optimized: Candidate, labels: Iterable[str]) -> Cut | None:
    """Both models without the operators of these names; None where it can't be done.

    It can't where one is in a subgraph that another operator calls, or where the models don't have
    the same of them.

    Raises:
        MismatchError: one of them is another operator in the optimized model.
    """
    wanted = set(labels)
    copies = [clone(each.model) for each in (original, optimized)]
    called = [graph for copy in copies for graph in copy.graphs[1:]]
    if any(op.opcode.label in wanted for graph in called for op in graph.ops):
        return None
    ops = [[op for op in copy.main.ops if op.opcode.label in wanted] for copy in copies]
    if not ops[0] or [_kind(op) for op in ops[0]] != [_kind(op) for op in ops[1]]:
        return None
    numbers = [copies[0].main.ops.index(op) for op in ops[0]]
    pairs = list(zip(*ops, strict=True))
    for number, (one, two) in zip(numbers, pairs, strict=True):
        _check_same(number, one, two)
    reads = _reads(pairs)
    for side, copy in enumerate(copies):
        _take_out(copy, ops[side], [pair[side] for pair in reads])
    candidates = [
        replace(source, model=copy, data=write_bytes(copy))
        for source, copy in zip((original, optimized), copies, strict=True)
    ]
    places = tuple(f"{n} ({op.opcode.label})" for n, op in zip(numbers, ops[0], strict=True))
    return Cut((candidates[0], candidates[1]), places)


def _kinds(model: Model, lacking: Iterable[str]) -> Iterator[set[str]]:
    """Names to cut at, the likeliest first: strangers, all custom ones, what a runner missed."""
    customs = {op.opcode.label for op in model.main.ops if op.opcode.custom_code is not None}
    yield {name for name in customs if not name.startswith(OWN_PREFIX) and name != DETECTION}
    yield customs
    yield {op.opcode.label for op in model.main.ops} & set(lacking)


def _kind(op: Op) -> tuple[object, ...]:
    shapes = [None if value is None else (value.dtype, value.shape) for value in op.inputs]
    return op.opcode.key, tuple(shapes), tuple((v.dtype, v.shape) for v in op.outputs)


def _check_same(number: int, one: Op, two: Op) -> None:
    """Options and constants must be the same, byte for byte."""
    options = [
        (op.options, _bytes(op.extra.custom_options), _bytes(op.extra.large_custom_options))
        for op in (one, two)
    ]
    what = "options" if options[0] != options[1] else ""
    for index, (a, b) in enumerate(zip(one.inputs, two.inputs, strict=True)):
        if a is not None and b is not None and (a.is_constant or b.is_constant):
            what = what or ("" if _data(a) == _data(b) else f"constant input {index}")
    if what:
        where = f"operator {number} ({one.opcode.label}) has other {what}"
        raise MismatchError(where, (), 0, 0.0)


def _bytes(data: object) -> bytes | None:
    return None if data is None else bytes(memoryview(data))  # type: ignore[arg-type]


def _data(value: Value) -> tuple[bool, bytes | None]:
    buffer = value.buffer
    return value.is_constant, None if buffer is None else _bytes(buffer.data)


Twins = list[tuple[Value, Value]]


def _reads(pairs: Sequence[tuple[Op, Op]]) -> Twins:
    """What the cut operators read of computed tensors that no output of the model shows.

    Raises:
        MismatchError: one reads another input of the model, or of another cut operator.
    """
    ones, twos = ([pair[side] for pair in pairs] for side in (0, 1))
    found: dict[tuple[Value, Value], None] = {}
    for one, two in pairs:
        for a, b in zip(one.inputs, two.inputs, strict=True):
            if a is None or b is None:
                continue
            if _is_computed(a, ones) or _is_computed(b, twos):
                found[a, b] = None
            elif _source(a, ones) != _source(b, twos):
                where = f"custom operator {one.opcode.label} reads another tensor"
                raise MismatchError(where, (), 0, 0.0)
    return [(a, b) for a, b in found if not _shown(a) or _shown(a) != _shown(b)]


def _is_computed(value: Value, cut: Sequence[Op]) -> bool:
    return value.producer is not None and value.producer not in cut


def _source(value: Value, cut: Sequence[Op]) -> tuple[str, int, int]:
    """Where a tensor comes from that no remaining operator computes."""
    if value.producer is not None:
        return "operator", cut.index(value.producer), value.producer.outputs.index(value)
    if value.is_graph_input:
        return "input", list(value.graph.inputs).index(value), 0
    return "nowhere", 0, 0


def _shown(value: Value) -> list[int]:
    return [use.index for use in value.uses if use.op is None]


def _take_out(model: Model, ops: Sequence[Op], reads: Sequence[Value]) -> None:
    """Drop the operators, and what only fits the whole model."""
    graph = model.main
    for value in reads:
        graph.outputs.append(value)
    for value in [value for op in ops for value in op.outputs]:
        graph.inputs.append(value)
    for op in ops:
        op.set_inputs(())
        op.set_outputs(())
        graph.ops.remove(op)
    used = {op.opcode for op in model.ops()}
    model.opcodes = [entry for entry in model.opcodes if entry in used]
    model.signatures = None
    write_plan(model, None)


def _nothing_left(cut: Cut) -> Verification | None:
    """Where the models are made of such operators alone, nothing needs to run."""
    if any(each.model.main.ops for each in cut.pair):
        return None
    return Verification("identical")
