"""Comparing the subgraphs of further signatures, which no interpreter runs by itself.

Runtimes run the first subgraph; so a model is made in which the signature's comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tflopt.io import write_bytes
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.verify.compare import Candidate, Verification
from tflopt.verify.subgraphs import lead

Compare = Callable[[Candidate, Candidate], Verification]


def compare_signatures(
    original: Candidate, optimized: Candidate, first: Verification, compare: Compare
) -> Verification:
    """``first``, which compared the first subgraphs, with what the others' comparison says.

    The first that differs decides; one that no runner can run, or that the optimized model doesn't
    have, is named in the note.
    """
    if first.status != "identical":
        return first
    done: list[str] = []
    notes = [first.note] if first.note else []
    for name, one, two in _others(original.model, optimized.model):
        if two is None:
            notes.append(f"signature {name!r} is not compared: the optimized model lacks it")
            continue
        verdict = compare(_led_by(original, one, one), _led_by(optimized, two, one))
        if verdict.mismatch is not None:
            where = f"signature {name!r}: {verdict.mismatch.output}"
            mismatch = replace(verdict.mismatch, output=where)
            return replace(first, status="different", mismatch=mismatch)
        if verdict.status == "identical":
            done.append(name)
        else:
            notes.append(f"signature {name!r} is not compared: {verdict.note}")
    return replace(first, signatures=tuple(done), note="; ".join(notes))


def _others(original: Model, optimized: Model) -> Iterator[tuple[str, int, int | None]]:
    """Each further signature: its name, and the number of its subgraph in both models."""
    theirs = {entry.key: entry.graph for entry in optimized.signatures or ()}
    same = len(original.graphs) == len(optimized.graphs)
    for entry in original.signatures or ():
        if entry.graph is original.main:
            continue
        number, counterpart = entry.graph.index, theirs.get(entry.key)
        yield (
            entry.key or "",
            number,
            counterpart.index if counterpart is not None else number if same else None,
        )


def _led_by(candidate: Candidate, number: int, source: int) -> Candidate:
    """The same model with another subgraph in the place of the first.

    Args:
        source: that subgraph's number in the original, by which origins name it.
    """
    model = clone(candidate.model)
    lead(model, number)
    places = {0: source, source: 0}
    for value in (value for graph in model.graphs for value in graph.values):
        if value.origin is not None:
            place = places.get(value.origin.subgraph, value.origin.subgraph)
            value.origin = replace(value.origin, subgraph=place)
    return replace(candidate, model=model, data=write_bytes(model))
