"""Cycles per predicted instruction of each core, from the published results in this folder.

A core has one of three grounds, in this order:

- *measured*: an engine that calls CMSIS-NN's kernels ran the four MLPerf Tiny models on it. The
  published cycles divided by the instructions that the cost table predicts.
- *by proportion*: another engine ran them on this core and on a Cortex-M4. Its cycles here, divided
  by its cycles there, times what was measured on the Cortex-M4.
- *stand-in*: the range of the nearest core, its upper end raised where that core is known to be
  faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from tflopt.io.toml import read_toml
from tflopt.target.cortex_m import Cpu, Target
from tflopt.target.cost.tables import core_for
from tflopt.target.quantities import parse_clock

BENCHMARKS = ("ad", "kws", "vww", "ic")
DIRECT, PAIR = "direct", "pair"
ANCHOR = Cpu.M4
"""The core on which both kinds of engines were measured."""


@dataclass(frozen=True)
class Published:
    """One system of one round: milliseconds of each benchmark, and where they stand."""

    use: str
    cpu: Cpu
    board: str
    clock_hz: int
    engine: str
    by: str
    round: str
    source: str
    ms: Mapping[str, float]

    def cycles(self, benchmark: str) -> float:
        """Of one inference."""
        return self.ms[benchmark] * self.clock_hz / 1000


@dataclass(frozen=True)
class Factor:
    """Cycles per instruction of a target, between ``least`` and ``most``.

    Attributes:
        ground: ``measured``, ``by proportion`` or ``stand-in``.
        why: where the ends come from, for people.
    """

    least: float
    most: float
    ground: str
    why: str


@cache
def published() -> tuple[Published, ...]:
    """Every result, as the file lists them."""
    table = _table()
    return tuple(
        Published(
            use=row["use"],
            cpu=Cpu(row["core"]),
            board=row["board"],
            clock_hz=parse_clock(row["clock"]),
            engine=row["engine"],
            by=row["by"],
            round=row["round"],
            source=f"{table['repository']}{row['round']}/tree/main/{row['path']}",
            ms=row["ms"],
        )
        for row in table["results"]
    )


@cache
def factor_of(target: Target) -> Factor:
    """What is known of a target: every core has a range, on one ground or another."""
    if target.isa is not target.cpu.default_isa:
        usual = factor_of(_plain(target.cpu))
        why = f"no public result of a {target.cpu} built so: that with {target.cpu.default_isa}"
        return Factor(usual.least, usual.most, "stand-in", why)
    instructions = reference_instructions(target)
    measured = _direct(target.cpu)
    if measured:
        factors = [row.cycles(b) / instructions[b] for row in measured for b in BENCHMARKS]
        return Factor(min(factors), max(factors), "measured", _systems(measured))
    pairs = list(_pairs(target.cpu))
    if pairs:
        anchors = _direct(ANCHOR)
        factors = [
            here.cycles(b) / there.cycles(b) * anchor.cycles(b) / instructions[b]
            for here, there in pairs
            for anchor in anchors
            for b in BENCHMARKS
        ]
        why = f"{_systems([here for here, _ in pairs])}, beside a {ANCHOR} with the same"
        return Factor(min(factors), max(factors), "by proportion", why)
    return _stand_in(target.cpu)


def _stand_in(cpu: Cpu) -> Factor:
    row = _table()["stand_in"][str(cpu)]
    nearest = factor_of(_plain(Cpu(row["core"])))
    why = f"no public result of a {cpu}: that of the {row['core']} ({row['why']})"
    return Factor(nearest.least, nearest.most * row["raise"], "stand-in", why)


def _plain(cpu: Cpu) -> Target:
    return Target(cpu, cpu.default_isa)


def reference_instructions(target: Target) -> Mapping[str, int]:
    """What the cost table of a target predicts for the four reference models."""
    counts: Mapping[str, int] = _table()["instructions"][core_for(target)]
    return counts


def _direct(cpu: Cpu) -> list[Published]:
    return [row for row in published() if row.use == DIRECT and row.cpu is cpu]


def _pairs(cpu: Cpu) -> Iterator[tuple[Published, Published]]:
    """Results on a core, each with that of the same engine and round on the anchor."""
    rows = [row for row in published() if row.use == PAIR]
    for here in rows:
        for there in rows:
            same = (here.by, here.round) == (there.by, there.round)
            if same and here.cpu is cpu and there.cpu is ANCHOR is not cpu:
                yield here, there


def _systems(rows: Sequence[Published]) -> str:
    names = (f"{row.board} ({row.engine})" for row in rows)
    return f"MLPerf Tiny on {', '.join(dict.fromkeys(names))}"


@cache
def _table() -> Mapping[str, Any]:
    name = "published.toml"
    return read_toml((files(__package__) / name).read_bytes(), name)
