"""The search for segments: a sweep over heads, then small moves from the best that it found.

Deterministic: what is spent is counted in measured operators, never in time. A candidate's exact
bound (its tail to the byte, and the largest live bytes) comes first; only where that would be an
improvement a plan is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from tflopt.ir import Model
from tflopt.target.memory import Device, PlanRequest
from tflopt.tiling.costs import CostBook
from tflopt.tiling.measure import Bench, Measure
from tflopt.tiling.segment import Edge, Halo, Segment, overlaps
from tflopt.tiling.sweep import sweep
from tflopt.tiling.windows import Windows

Segments = tuple[Segment, ...]
SWEEP_WORK = 40_000
"""Operators that are measured in the sweep."""
MOVE_WORK = 20_000
"""Operators that are measured in moves from the best choices."""
STARTS = 3
SHIFTS = (1, -1, 2, -2, 4, -4)


@dataclass(frozen=True)
class Wish:
    """What is looked for: the least arena, or the fewest instructions in a given one.

    Args:
        most_instructions: of one inference; a model with more is never taken.
        arena_bytes: what is enough, None for the least.
    """

    most_instructions: int
    arena_bytes: int | None = None

    def is_met(self, measure: Measure) -> bool:
        """Whether nothing has to be looked for."""
        return self.arena_bytes is not None and measure.arena_bytes <= self.arena_bytes

    def rank(self, measure: Measure) -> tuple[int, ...]:
        """Lower is better."""
        arena, work = measure.arena_bytes, measure.instructions
        if self.is_met(measure):
            return (0, work, arena)
        return (1, arena, work)


@dataclass(frozen=True)
class Found:
    """The best segments, none where nothing is gained, with what they and the model take."""

    segments: Segments
    before: Measure
    after: Measure
    evaluations: int
    tried: dict[Segments, Measure] = field(default_factory=dict)
    peak: int = 0
    """The operator that needs the most as the model is."""
    why_nothing: str = ""


def search(
    model: Model,
    device: Device,
    request: PlanRequest,
    wish: Callable[[Measure], Wish],
    progress: Callable[[str], None] = lambda _: None,
) -> Found:
    """The best segments of a model of one graph.

    Args:
        wish: what is looked for, by what the model takes as it is.
    """
    bench = Bench(model, CostBook(device, request))
    before = bench.measure((), below=1 << 62)
    assert before is not None
    hunt = _Hunt(bench, wish(before), progress, {(): before})
    if hunt.wish.is_met(before):
        return Found((), before, before, bench.evaluations)
    hunt.run()
    best = min(hunt.tried, key=lambda each: hunt.wish.rank(hunt.tried[each]))
    peak, why = (0, "") if best else hunt.explain()
    return Found(best, before, hunt.tried[best], bench.evaluations, hunt.tried, peak, why)


@dataclass
class _Hunt:
    bench: Bench
    wish: Wish
    progress: Callable[[str], None]
    tried: dict[Segments, Measure]
    """With their plans made."""
    windows: Windows = field(init=False)
    bounds: dict[Segments, Measure | None] = field(default_factory=dict)
    limit: int = 0

    def __post_init__(self) -> None:
        self.windows = Windows(self.bench)

    def explain(self) -> tuple[int, str]:
        """The operator that needs the most, and why bands of it are no gain."""
        needs = [
            self.windows.op(index).head_bytes for index in range(len(self.bench.model.main.ops))
        ]
        peak = needs.index(max(needs))
        refusal = self.windows.refusals().get(peak)
        if refusal is not None:
            return peak, f"it needs the most memory, and bands don't help: {refusal}"
        measured = [bound for bound in self.bounds.values() if bound is not None]
        if not measured:
            return peak, "no choice of bands needs less memory at a time"
        least = min(bound.arena_bytes for bound in measured)
        return peak, (
            f"bands take more of the tail than they save: an arena of {least:,} bytes at best, "
            f"{self.tried[()].arena_bytes:,} without"
        )

    def run(self) -> None:
        self.limit = self.bench.work + SWEEP_WORK
        for start in self._starts():
            self.offer(start)
        ranked = sorted(self.tried, key=lambda each: self.wish.rank(self.tried[each]))
        for start in ranked[:STARTS]:
            if start:
                self.limit = self.bench.work + MOVE_WORK // STARTS
                self._climb(start)

    def _starts(self) -> list[Segments]:
        spare = max(0, self.wish.most_instructions - self.tried[()].instructions)
        found: dict[Segments, int] = {}
        for choice in sweep(self.windows, spare, self._is_spent):
            found[choice.segments] = choice.head_bytes + choice.tail_bytes
            self._say()
        return sorted(found, key=lambda each: found[each])

    def _is_spent(self) -> bool:
        return self.bench.work >= self.limit

    def _say(self) -> None:
        best = min(self.tried.values(), key=self.wish.rank)
        self.progress(f"bands: {self.bench.evaluations} tried, arena {best.arena_bytes:,} bytes")

    def offer(self, segments: Segments) -> bool:
        """Measure a candidate; whether it is the best so far."""
        best = min(self.wish.rank(measure) for measure in self.tried.values())
        if segments in self.tried:
            return False
        if segments not in self.bounds:
            self.bounds[segments] = self.bench.measure(segments)
        bound = self.bounds[segments]
        if bound is None or bound.instructions > self.wish.most_instructions:
            return False
        if self.wish.rank(bound) >= best:
            return False
        planned = self.bench.measure(segments, below=1 << 62)
        assert planned is not None
        self.tried[segments] = planned
        self._say()
        return self.wish.rank(planned) < best

    def _climb(self, start: Segments) -> None:
        """Take the first move that is better, from where it leads again, until none is."""
        here = start
        moved = True
        while moved and not self._is_spent():
            moved = False
            for there in _moves(here, self.bench):
                if self._is_spent():
                    return
                if self.offer(there):
                    here, moved = there, True
                    break


def _moves(segments: Segments, bench: Bench) -> Iterator[Segments]:
    """Other cuts, another count, halo or edge, operators more or less, a segment less."""
    for place, segment in enumerate(segments):
        rest = (*segments[:place], *segments[place + 1 :])
        for other in _variants(segment, bench):
            there = tuple(sorted((*rest, other), key=lambda each: each.first))
            if not overlaps(there):
                yield there
        yield rest


def _variants(segment: Segment, bench: Bench) -> Iterator[Segment]:
    bounds = segment.bounds
    for shift in SHIFTS:
        for place in range(1, len(bounds) - 1):
            yield from _with_bounds(segment, _replaced(bounds, place, bounds[place] + shift))
    for place in range(1, len(bounds) - 1):
        yield from _with_bounds(segment, (*bounds[:place], *bounds[place + 1 :]))
    for start, end in segment.bands:
        yield from _with_bounds(segment, tuple(sorted({*bounds, (start + end) // 2})))
    for halo in Halo:
        for edge in Edge:
            yield replace(segment, halo=halo, edge=edge)
    yield from _resized(segment, bench)


def _resized(segment: Segment, bench: Bench) -> Iterator[Segment]:
    ops = bench.model.main.ops
    for first, last in ((-1, 0), (1, 0), (0, 1), (0, -1)):
        first, last = segment.first + first, segment.last + last
        if not 0 <= first <= last < len(ops):
            continue
        shape = ops[last].output.shape
        if len(shape) > segment.axis and shape[segment.axis] > 1:
            yield segment.moved(first, last, shape[segment.axis])


def _replaced(bounds: Sequence[int], place: int, bound: int) -> tuple[int, ...]:
    return (*bounds[:place], bound, *bounds[place + 1 :])


def _with_bounds(segment: Segment, bounds: tuple[int, ...]) -> Iterator[Segment]:
    if len(bounds) > 2 and all(a < b for a, b in pairwise(bounds)):
        yield replace(segment, bounds=bounds)
