"""The frontier of ``explore`` as two pictures and a table: arena and flash against instructions."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from tflopt.errors import printable
from tflopt.report.memory_map import short_size
from tflopt.report.plain import Plain, number, optional, rows, table
from tflopt.texts import markup

WIDTH, HEIGHT = 380, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 14, 38
RADIUS, TICKS, MARGIN = 8.5, 5, 0.08
FARTHEST = 2.0
"""The original is drawn at the edge where it would make an axis longer than this many times."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MOST_POINTS = 60
THOUSAND, MILLION = 1_000, 1_000_000
ORIGINAL, RESULT = "original", "this result"


@dataclass(frozen=True)
class Point:
    """One result, with the name that both pictures and the table call it by."""

    name: str
    kind: str
    arena_bytes: int
    flash_bytes: int
    instructions: int
    command: str = ""

    @property
    def told(self) -> str:
        """For a tooltip and a screen reader."""
        who = f"point {self.name}" if self.kind == "point" else self.name
        return (
            f"{who}: {self.arena_bytes:,} bytes of arena, {self.flash_bytes:,} of flash, "
            f"{self.instructions:,} instructions"
        )


@dataclass(frozen=True)
class Frontier:
    """The points of a page, and their pictures as SVG."""

    points: Sequence[Point]
    pictures: Sequence[tuple[str, str]]
    more: int


def frontier_of(report: Plain) -> Frontier | None:
    """What the report has of a frontier; None where it has none."""
    frontier = table(report, "frontier")
    given = rows(frontier, "points")
    if not given:
        return None
    points = [_point(row, _name(at), "point") for at, row in enumerate(given[:MOST_POINTS])]
    points.append(_point(table(frontier, "original"), ORIGINAL, "original"))
    result = _result(report)
    points += [result] if result is not None else []
    pictures = [
        ("Arena and instructions", _picture(points, "arena", lambda point: point.arena_bytes)),
        ("Flash and instructions", _picture(points, "flash", lambda point: point.flash_bytes)),
    ]
    return Frontier(points, pictures, len(given) - len(given[:MOST_POINTS]))


def _name(at: int) -> str:
    """a to z, then a2 and so on."""
    turn, letter = divmod(at, len(LETTERS))
    return LETTERS[letter] + (str(turn + 1) if turn else "")


def _point(row: Plain, name: str, kind: str) -> Point:
    command = row.get("command")
    words = [printable(str(word)) for word in command] if isinstance(command, list) else []
    return Point(
        name,
        kind,
        number(row, "arena_bytes"),
        number(row, "flash_bytes"),
        number(row, "instructions"),
        shlex.join(words),
    )


def _result(report: Plain) -> Point | None:
    """The optimized model of this report, if it has one whose arena is known."""
    side = table(report, "output")
    arena = optional(table(side, "arena"), "minimum_bytes")
    if arena is None:
        return None
    work = number(table(side, "instructions"), "total")
    return Point(RESULT, "result", arena, number(side, "file_bytes"), work)


@dataclass(frozen=True)
class Scale:
    """Numbers to pixels, from ``start`` to ``end``."""

    least: float
    most: float
    start: float
    end: float

    @classmethod
    def over(cls, numbers: Sequence[int], original: int, start: float, end: float) -> Scale:
        """With a margin on either side."""
        near = max(numbers) - min(numbers) or max(1, max(numbers) // 10)
        every = [*numbers, original]
        kept = every if max(every) - min(every) <= FARTHEST * near else numbers
        margin = MARGIN * max(near, max(kept) - min(kept))
        return cls(min(kept) - margin, max(kept) + margin, start, end)

    def at(self, value: float) -> float:
        """The pixel of a number; of one that lies beyond, that of the edge."""
        share = (value - self.least) / (self.most - self.least)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def ticks(self, steps: Sequence[float]) -> Iterator[int]:
        """A few round numbers; ``steps`` are factors from one unit to the next larger one."""
        unit, turns = 1, cycle(steps)
        while (self.most - self.least) / unit > TICKS:
            unit = int(unit * next(turns))
        first = -(-int(self.least) // unit) * unit
        yield from range(max(0, first), int(self.most) + 1, unit)


def _picture(points: Sequence[Point], what: str, taken: Callable[[Point], int]) -> str:
    (original,) = (point for point in points if point.kind == "original")
    others = [point for point in points if point is not original]
    across = Scale.over([taken(p) for p in others], taken(original), LEFT, WIDTH - RIGHT)
    work = [point.instructions for point in others]
    upwards = Scale.over(work, original.instructions, HEIGHT - BOTTOM, TOP)
    marks = (
        _mark(point, across.at(taken(point)), upwards.at(point.instructions)) for point in points
    )
    parts = [*_axes(across, upwards, what), *marks]
    label = f"{len(points)} results by {what} and instructions; the table below has their numbers"
    return (
        f'<svg class="frontier" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{markup(label)}">{"".join(parts)}</svg>'
    )


def _axes(across: Scale, upwards: Scale, what: str) -> Iterator[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for tick in across.ticks((2,)):
        x = across.at(tick)
        yield f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{bottom + 14}">{short_size(tick)}</text>'
    for tick in upwards.ticks((2, 2.5, 2)):
        y = upwards.at(tick)
        yield f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
        label = f'<text class="tick end" x="{LEFT - 5}" y="{y + 3.5:.1f}">{_short(tick)}</text>'
        yield label
    yield f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>'
    yield f'<text class="tick end" x="{right}" y="{HEIGHT - 6}">bytes of {what}</text>'
    yield f'<text class="tick start" x="{LEFT + 4}" y="{TOP - 4}">instructions</text>'


def _short(count: int) -> str:
    if count < THOUSAND:
        return str(count)
    return f"{count / THOUSAND:.3g} k" if count < MILLION else f"{count / MILLION:.4g} M"


def _mark(point: Point, x: float, y: float) -> str:
    title = f"<title>{markup(point.told)}</title>"
    place = f'class="mark {point.kind}" data-point="{markup(point.name)}"'
    if point.kind == "original":
        d = f"M{x:.1f} {y - RADIUS:.1f}l{RADIUS} {RADIUS}l-{RADIUS} {RADIUS}l-{RADIUS} -{RADIUS}z"
        return f'<g {place}>{title}<path d="{d}"/></g>'
    if point.kind == "result":
        return f'<g {place}>{title}<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS + 4}"/></g>'
    return (
        f'<g {place}>{title}<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}"/>'
        f'<text x="{x:.1f}" y="{y + 3.5:.1f}">{markup(point.name)}</text></g>'
    )
