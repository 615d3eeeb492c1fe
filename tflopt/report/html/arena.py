"""The whole arena as a bar: the head, what is free or borrowed, and the tail by kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from tflopt.report.plain import Plain, counts, number, optional, table
from tflopt.report.views import Measure

SWATCHES = ("swatch-1", "swatch-2", "swatch-3", "swatch-4", "swatch-5", "swatch-6")
"""Colours of the largest kinds of the tail; the others share one."""
SHARED = "swatch-7"
HEAD, FREE = "head", "free"
FREE_TEXT = "free, or borrowed while operators prepare"


@dataclass(frozen=True)
class Segment:
    """A part of one bar; ``swatch`` is its colour's name."""

    name: str
    size_bytes: int
    swatch: str
    share: float
    """In percent of the larger arena."""


@dataclass(frozen=True)
class Bar:
    """One arena from its start to its end."""

    side: str
    key: str
    minimum_bytes: int
    segments: Sequence[Segment]

    @property
    def told(self) -> str:
        """For a screen reader."""
        parts = ", ".join(f"{segment.name} {segment.size_bytes:,}" for segment in self.segments)
        return f"Arena {self.side}, {self.minimum_bytes:,} bytes: {parts}"


@dataclass(frozen=True)
class Arena:
    """The bars of a page, and the same as rows with the swatch of each."""

    bars: Sequence[Bar]
    rows: Sequence[tuple[str, Measure]]


def arena_of(report: Plain, sides: Sequence[tuple[str, str]]) -> Arena | None:
    """The arenas of both models to one scale; None where none is known.

    Args:
        sides: keys of the report, with what the page calls them.
    """
    known = {key: table(table(report, key), "arena") for key, _ in sides}
    most = max((number(arena, "minimum_bytes") for arena in known.values()), default=0)
    if not most:
        return None
    swatches = _swatches(list(known.values()))
    bars = [
        Bar(side, key, number(known[key], "minimum_bytes"), _segments(known[key], swatches, most))
        for key, side in sides
        if known[key]
    ]
    return Arena(bars, _rows(known, swatches))


def _swatches(arenas: Sequence[Plain]) -> dict[str, str]:
    """Kinds of the tail in order of size, each with its colour."""
    sizes: dict[str, int] = {}
    for arena in arenas:
        for kind, size in counts(arena, "tail_by_kind").items():
            sizes[kind] = max(size, sizes.get(kind, 0))
    order = sorted(sizes, key=lambda kind: (-sizes[kind], kind))
    return dict(zip_longest(order, SWATCHES[: len(order)], fillvalue=SHARED))


def _free_bytes(arena: Plain) -> int:
    return number(arena, "minimum_bytes") - number(arena, "used_bytes")


def _segments(arena: Plain, swatches: dict[str, str], most: int) -> list[Segment]:
    kinds = counts(arena, "tail_by_kind")
    parts = [("head", number(arena, "head_bytes"), HEAD), (FREE_TEXT, _free_bytes(arena), FREE)]
    parts += [(kind, kinds.get(kind, 0), swatch) for kind, swatch in swatches.items()]
    return [Segment(name, n, swatch, 100 * n / most) for name, n, swatch in parts if n > 0]


def _rows(known: dict[str, Plain], swatches: dict[str, str]) -> list[tuple[str, Measure]]:
    sides = [known.get("input", {}), known.get("output", {})]
    numbers = [counts(arena, "tail_by_kind") for arena in sides]
    head = _measure(sides, "head: tensors and scratch, reused", "head_bytes")
    before, after = (_free_bytes(arena) if arena else None for arena in sides)
    free = Measure(FREE_TEXT, before, after)
    tail = [
        (swatch, Measure(kind, *_both(numbers, kind), f"arena/tail_by_kind/{kind}"))
        for kind, swatch in swatches.items()
    ]
    least = _measure(sides, "least arena that works", "minimum_bytes")
    rows = [(HEAD, head), *([(FREE, free)] if free.before or free.after else []), *tail]
    return [*rows, ("", least)]


def _both(numbers: Sequence[dict[str, int]], kind: str) -> tuple[int | None, int | None]:
    before, after = (side.get(kind, 0) if side else None for side in numbers)
    return before, after


def _measure(sides: Sequence[Plain], title: str, key: str) -> Measure:
    return Measure(title, optional(sides[0], key), optional(sides[1], key), f"arena/{key}")
