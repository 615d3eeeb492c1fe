"""The table of ``docs/runs.md``: which element types and ranks TFLM's kernels take."""

from __future__ import annotations

from collections.abc import Iterator

from tflopt.facts.accepted_types import OUTPUT, PORTS, RANKS, TYPES
from tflopt.ir import DType, OpCode


def runs() -> Iterator[str]:
    """A row for each operator."""
    yield "| operator | tensors | types | dimensions |"
    yield "|---|---|---|---|"
    for code in sorted(TYPES, key=lambda code: code.name):
        yield f"| {code.name} | {_ports(code)} | {_types(TYPES[code])} | {_ranks(code)} |"


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
