"""Comparing what lies around operators that no runner has.

Both models are cut there: what such an operator reads becomes an output of the model, what it
computes an input. Everything up to its inputs is compared, and everything behind it from inputs
that stand in for what it computes. The operator itself must be the same in both: its name, its
options, its constants. So the whole is identical too, if the operator depends on nothing but its
inputs.

Where such an operator stands in a subgraph, the operators that call it are cut out like it, and
each subgraph that they call is compared as a model of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tflopt.errors import MismatchError
from tflopt.io import write_bytes
from tflopt.ir import Graph, Model, Op, Value
from tflopt.ir.calls import called
from tflopt.ir.clone import clone
from tflopt.verify.compare import Candidate, Verification
from tflopt.verify.subgraphs import callers, isolate
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
            cuts = cut_at(original, optimized, labels)
        except MismatchError as mismatch:
            return Verification("different", mismatch=mismatch)
        verdict = _compare_all(cuts, compare)
        if verdict is not None:
            return verdict
    return whole


def _compare_all(cuts: Sequence[Cut], compare: Compare) -> Verification | None:
    """One verdict for all; None where there is none, or one can't be compared."""
    verdicts = []
    for cut in cuts:
        verdict = _nothing_left(cut) or compare(*cut.pair)
        if verdict.status == "not verified":
            return None
        if verdict.mismatch is not None and cut.graph:
            where = f"subgraph {cut.graph}: {verdict.mismatch.output}"
            return replace(verdict, mismatch=replace(verdict.mismatch, output=where))
        if verdict.mismatch is not None:
            return verdict
        verdicts.append(verdict)
    if not verdicts:
        return None
    most = max(verdicts, key=lambda verdict: verdict.samples)
    return replace(
        most,
        outputs=sum(verdict.outputs for verdict in verdicts),
        tensors=sum(verdict.tensors for verdict in verdicts),
        around=tuple(place for cut in cuts for place in cut.places),
    )


@dataclass(frozen=True)
class Cut:
    """A subgraph of both models without some operators, and which those are in the original."""

    pair: tuple[Candidate, Candidate]
    places: tuple[str, ...]
    graph: int = 0


def cut_at(original: Candidate, optimized: Candidate, labels: Iterable[str]) -> list[Cut]:
    """Each subgraph that has or reaches operators of these names, without them; else none.

    None also where the models don't have the same of them.

    Raises:
        MismatchError: one of them is another operator in the optimized model.
    """
    chosen, pair = set(labels), (original, optimized)
    having = [
        {graph.index for graph in side.model.graphs for op in graph.ops if _label(op) in chosen}
        for side in pair
    ]
    if not having[0] or having[0] != having[1]:
        return []
    stained = callers(original.model, having[0])
    if 0 not in stained or stained != callers(optimized.model, having[1]):
        return []
    beside = {
        callee for op in original.model.ops() if stained & {*called(op)} for callee in called(op)
    }
    cuts = [_cut(pair, chosen, stained, number) for number in sorted(stained | beside)]
    return [cut for cut in cuts if cut is not None] if None not in cuts else []


def _cut(
    sides: tuple[Candidate, Candidate], chosen: set[str], stained: set[int], number: int
) -> Cut | None:
    """One subgraph; None where the two don't have the same operators to cut out."""
    copies = [clone(side.model) for side in sides]
    graphs = [copy.graphs[number] for copy in copies]
    ops = [
        [op for op in graph.ops if _label(op) in chosen or stained & set(called(op))]
        for graph in graphs
    ]
    if [_kind(op) for op in ops[0]] != [_kind(op) for op in ops[1]]:
        return None
    numbers = [graphs[0].ops.index(op) for op in ops[0]]
    pairs = list(zip(*ops, strict=True))
    for place, (one, two) in zip(numbers, pairs, strict=True):
        _check_same(place, one, two)
    reads = _reads(pairs)
    where = f" in subgraph {number}" if number else ""
    places = tuple(
        f"{place}{where} ({_label(op)})"
        for place, op in zip(numbers, ops[0], strict=True)
        if _label(op) in chosen
    )
    candidates = []
    for side, copy in enumerate(copies):
        _take_out(graphs[side], ops[side], [pair[side] for pair in reads])
        isolate(copy, number)
        candidates.append(replace(sides[side], model=copy, data=write_bytes(copy)))
    return Cut((candidates[0], candidates[1]), places, number)


def _label(op: Op) -> str:
    return op.opcode.label


def _kinds(model: Model, lacking: Iterable[str]) -> Iterator[set[str]]:
    """Names to cut at, the likeliest first: strangers, all custom ones, what a runner missed."""
    customs = {_label(op) for op in model.ops() if op.opcode.custom_code is not None}
    yield {name for name in customs if not name.startswith(OWN_PREFIX) and name != DETECTION}
    yield customs
    yield {_label(op) for op in model.ops()} & set(lacking)


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
    reads: dict[tuple[Value, Value], None] = {}
    for one, two in pairs:
        for a, b in zip(one.inputs, two.inputs, strict=True):
            if a is None or b is None:
                continue
            if _is_computed(a, ones) or _is_computed(b, twos):
                reads[a, b] = None
            elif _source(a, ones) != _source(b, twos):
                where = f"custom operator {one.opcode.label} reads another tensor"
                raise MismatchError(where, (), 0, 0.0)
    return [(a, b) for a, b in reads if not _shown(a) or _shown(a) != _shown(b)]


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
    return [use.position for use in value.uses if use.op is None]


def _take_out(graph: Graph, ops: Sequence[Op], reads: Sequence[Value]) -> None:
    for value in reads:
        graph.outputs.append(value)
    for value in [value for op in ops for value in op.outputs]:
        graph.inputs.append(value)
    for op in ops:
        op.set_inputs(())
        op.set_outputs(())
        graph.ops.remove(op)


def _nothing_left(cut: Cut) -> Verification | None:
    """Where the models are made of such operators alone, nothing needs to run."""
    if any(side.model.main.ops for side in cut.pair):
        return None
    return Verification("identical")
