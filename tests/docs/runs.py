"""The table of ``docs/runs.md``: which element types and ranks TFLM's kernels take."""

from __future__ import annotations

from collections.abc import Iterator

from tflopt.facts.accepted_types import OUTPUT, PORTS, RANKS, TYPES
from tflopt.ir import DType, OpCode
from tflopt.target.setup import RUNTIMES, Runtime


def runs() -> Iterator[str]:
    """A row for each operator."""
    yield "| operator | tensors | types | dimensions |"
    yield "|---|---|---|---|"
    for code in sorted(TYPES, key=lambda code: code.name):
        yield f"| {code.name} | {_ports(code)} | {_types(TYPES[code])} | {_ranks(code)} |"
    for runtime in RUNTIMES:
        yield from _older(runtime)


def _older(runtime: Runtime) -> Iterator[str]:
    """What a version lacks of it."""
    lacks = runtime.lacks
    rows = [(code.name, "the operator") for code in sorted(lacks.operators)]
    rows += [(code.name, "of " + " ".join(t.name.lower() for t in ts)) for code, ts in lacks.types]
    if lacks.reduced_axes is not None:
        rows.append(("MEAN, SUM", f"over more than {lacks.reduced_axes} axes"))
    if lacks.reduced_rank is not None:
        rows.append(("MEAN, SUM", f"of more than {lacks.reduced_rank} dimensions"))
    for code, rank in lacks.broadcast_ranks:
        rows.append((code.name, f"broadcast over more than {rank} dimensions"))
    if OpCode.CAST in lacks.silent:
        rows.append(("CAST", "an error for other types: it returns ok and writes nothing"))
    if rows:
        yield from ("", f"What {runtime} (`--tflm {runtime.name}`) lacks of these:", "")
        yield from ("| operator | what it lacks |", "|---|---|")
        yield from (f"| {name} | {what} |" for name, what in rows)


def _ports(code: OpCode) -> str:
    names = ("output" if port == OUTPUT else f"input {port}" for port in PORTS.get(code, (0, -1)))
    return ", ".join(names)


def _types(known: frozenset[tuple[DType, ...]]) -> str:
    rows = sorted(known, key=lambda types: [list(DType).index(each) for each in types])
    names = (" ".join(dict.fromkeys(each.name.lower() for each in types)) for types in rows)
    return ", ".join(names)


def _ranks(code: OpCode) -> str:
    least, most = RANKS.get(code, (0, 0))
    return f"{max(least, 1)} to {most}" if most else ""
