"""What became of each operator: the graph before and after, as data."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher

from tflopt.ir import Graph, Model, Op
from tflopt.ir.text import kind
from tflopt.verify.match import match

Link = tuple[int, int]
KEPT, CHANGED, REWRITTEN, FOLDED, ADDED = "kept", "changed", "rewritten", "folded", "added"
MAX_COMPARED = 2_000
"""Operators between two known pairs that are aligned by their codes; more are left unpaired."""


def graph_rows(
    original: Model, optimized: Model, *, derived: bool
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """The operators of both models, each with its fate and its counterpart.

    Fates of the original's operators: ``kept``, ``changed`` (the same operator, other shapes or
    inputs), ``rewritten`` (another operator computes its result), ``folded`` (no operator does).
    Those of the optimized model: the same but ``added`` instead of ``folded``.

    Args:
        derived: the optimized model came from the original in this process.
    """
    before: list[dict[str, object]] = []
    after: list[dict[str, object]] = []
    read = {} if derived else _read_links(original, optimized)
    for number in range(max(len(original.graphs), len(optimized.graphs))):
        old, new = (_graph(model, number) for model in (original, optimized))
        known = _derived_links(original, number, new) if derived else read.get(number, [])
        pairs = _pairs(_ops(old), _ops(new), known)
        before += _rows(number, old, pairs, new, FOLDED)
        after += _rows(number, new, {b: a for a, b in pairs.items()}, old, ADDED)
    return before, after


def _graph(model: Model, number: int) -> Graph | None:
    return model.graphs[number] if number < len(model.graphs) else None


def _ops(graph: Graph | None) -> list[Op]:
    return [] if graph is None else list(graph.ops)


def _derived_links(original: Model, number: int, new: Graph | None) -> list[Link]:
    """Operators that produce the same elements, by the origins that the rewriter keeps."""
    old = original.graphs[number] if number < len(original.graphs) else None
    if old is None:
        return []
    values, place = list(old.values), {op: index for index, op in enumerate(old.ops)}
    links = []
    for index, op in enumerate(_ops(new)):
        for value in op.outputs:
            origin = value.origin
            if origin is None or origin.subgraph != number or origin.tensor >= len(values):
                continue
            producer = values[origin.tensor].producer
            if producer in place:
                links.append((place[producer], index))
    return list(dict.fromkeys(links))


def _read_links(original: Model, optimized: Model) -> Mapping[int, list[Link]]:
    """The same for two models that were read from files: main graphs only."""
    values = list(original.main.values)
    place = {op: index for index, op in enumerate(original.main.ops)}
    links = []
    for pair in match(original, optimized, derived=False).pairs:
        producer = values[pair.original].producer
        if producer is not None:
            links.append((place[producer], pair.operator_index))
    return {0: list(dict.fromkeys(links))}


def _pairs(old: Sequence[Op], new: Sequence[Op], links: Iterable[Link]) -> dict[int, int]:
    """One counterpart for each operator that has one.

    First those that produce the same elements with the same operator; then equal operators
    between these, in order; at last others that produce the same elements.
    """
    links = list(links)
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    same = [(a, b) for a, b in links if old[a].opcode.label == new[b].opcode.label]
    for a, b in [*same, *_between(old, new, increasing(same)), *links]:
        if a not in pairs and b not in taken:
            pairs[a] = b
            taken.add(b)
    return pairs


def _between(old: Sequence[Op], new: Sequence[Op], known: Sequence[Link]) -> list[Link]:
    links = []
    first = (-1, -1)
    for last in (*known, (len(old), len(new))):
        ones, twos = old[first[0] + 1 : last[0]], new[first[1] + 1 : last[1]]
        if ones and twos and len(ones) + len(twos) <= MAX_COMPARED:
            codes = [[op.opcode.label for op in ops] for ops in (ones, twos)]
            matcher = SequenceMatcher(None, codes[0], codes[1], autojunk=False)
            for block in matcher.get_matching_blocks():
                links += [
                    (first[0] + 1 + block.a + i, first[1] + 1 + block.b + i)
                    for i in range(block.size)
                ]
        first = last
    return links


def increasing(links: Iterable[Link]) -> list[Link]:
    """The longest chain of links that grows on both sides."""
    ends: list[int] = []
    last: list[Link] = []
    before: dict[Link, Link | None] = {}
    for link in sorted(set(links), key=lambda pair: (pair[0], -pair[1])):
        length = bisect_left(ends, link[1])
        before[link] = last[length - 1] if length else None
        ends[length : length + 1] = [link[1]]
        last[length : length + 1] = [link]
    chain: list[Link] = []
    at = last[-1] if last else None
    while at is not None:
        chain.append(at)
        at = before[at]
    return chain[::-1]


def _rows(
    number: int, graph: Graph | None, pairs: Mapping[int, int], other: Graph | None, lone: str
) -> list[dict[str, object]]:
    ops, others = _ops(graph), _ops(other)
    place = {op: index for index, op in enumerate(ops)}
    rows: list[dict[str, object]] = []
    for index, op in enumerate(ops):
        twin = pairs.get(index)
        producers = (value.producer for value in op.inputs if value is not None)
        reads = {place[producer] for producer in producers if producer in place}
        rows.append(
            {
                "subgraph": number,
                "index": index,
                "operator": op.opcode.label,
                "name": (op.outputs[0].name or "") if op.outputs else "",
                "outputs": [kind(value) for value in op.outputs],
                "reads": sorted(reads),
                "fate": lone if twin is None else _fate(op, others[twin]),
                "counterpart": twin,
            }
        )
    return rows


def _fate(op: Op, twin: Op) -> str:
    if op.opcode.label != twin.opcode.label:
        return REWRITTEN
    same = _shapes(op) == _shapes(twin) and op.options == twin.options
    return KEPT if same else CHANGED


def _shapes(op: Op) -> list[object]:
    values = (*op.inputs, *op.outputs)
    return [None if v is None else (v.dtype, v.shape) for v in values]


def single_graph(model: Model) -> list[dict[str, object]]:
    """The operators of a model that is compared with none."""
    nodes: list[dict[str, object]] = []
    for number, graph in enumerate(model.graphs):
        same = {index: index for index in range(len(graph.ops))}
        nodes += [{**row, "counterpart": None} for row in _rows(number, graph, same, graph, KEPT)]
    return nodes
