"""The search for segments: a sweep over heads, then walks by small moves from the best of it.

Deterministic: what is spent is counted in measured operators, never in time. A candidate's exact
bound (its tail to the byte, and the largest live bytes) comes first; only where that would be an
improvement a plan is made.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace, nsmallest

from tflopt.ir import Model
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest
from tflopt.tiling.costs import CostBook
from tflopt.tiling.fit import Fits
from tflopt.tiling.measure import Bench, Measure
from tflopt.tiling.moves import Segments, neighbour
from tflopt.tiling.pack import Packs
from tflopt.tiling.segment import Edge, Halo
from tflopt.tiling.sweep import sweep
from tflopt.tiling.turn import turns
from tflopt.tiling.windows import Estimate, Windows
from tflopt.tiling.wish import Wish

SWEEP_WORK_PER_OP = 4_000
"""Operators that are measured in the sweep, for each of the model."""
FIT_WORK, FIT_WORK_PER_OP = 80_000, 4_000
"""The same while bands are fitted to heads, and again around the best, at the most."""
STARTS, FALLS = 4, 5
"""For how many of the sweep's choices heads fall as far as they can, and how often for others."""
WALK_WORK, WALK_WORK_PER_OP = 24_000, 800
"""Operators that are measured in each walk from one of the best choices, at the most."""
HEATS = (0.02, 0.01, 0.004)
"""Of each walk: at first a move that costs this part of the arena is taken once in three times."""
MOST_MOVES, MOST_IDLE, LEADERS = 20_000, 400, 12
LOOK = 1
"""What asking again for a choice that is known counts as, in measured operators."""
WORTHS = (0.03, 0.3)
"""Of twice the instructions, as a part of the arena, while bands are chosen."""
NEAR = 0.03
"""Neighbours that are worse by this part of the arena are looked at for smaller heads as well."""
QUICK, EFFORT = 0.2, 1.0
"""Of the planner while candidates are compared, and for the last of them: that of a plan's own."""
TURNED = 2
"""How often the best is looked at from its other end."""
FINALS, BEHIND = 4, 1.01
"""Choices that are planned in the end, unless their quick plan is so far behind the best."""
SEGMENT_PLANS, PLANS = 60, 4
"""Choices of which every segment is planned alone, and whole plans, after each walk."""


Kind = tuple[tuple[int, int, Halo, Edge], ...]


def _kind(segments: Segments) -> Kind:
    """A choice without its cuts."""
    return tuple((segment.first, segment.last, segment.halo, segment.edge) for segment in segments)


Runs = tuple[tuple[int, int], ...]


def _runs(segments: Segments) -> Runs:
    return tuple((segment.first, segment.last) for segment in segments)


@dataclass(frozen=True)
class SearchResult:
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
) -> SearchResult:
    """The best segments of a model of one graph.

    Args:
        wish: what is looked for, by what the model takes as it is.
    """
    bench = Bench(model, CostBook(device, request))
    before = bench.measure((), EFFORT)
    assert before is not None
    hunt = _Hunt(bench, wish(before), progress, {(): before})
    if hunt.wish.is_met(before):
        return SearchResult((), before, before, bench.evaluations)
    hunt.run()
    best = min(hunt.tried, key=lambda segments: hunt.wish.rank(hunt.tried[segments]))
    peak, why = (0, "") if best else hunt.explain()
    return SearchResult(best, before, hunt.tried[best], bench.evaluations, hunt.tried, peak, why)


@dataclass
class _Hunt:
    bench: Bench
    wish: Wish
    progress: Callable[[str], None]
    tried: dict[Segments, Measure]
    """With their plans made."""
    windows: Windows = field(init=False)
    fits: Fits = field(init=False)
    packs: Packs = field(init=False)
    guesses: dict[Segments, Estimate | None] = field(default_factory=dict)
    energies: dict[Segments, float] = field(default_factory=dict)
    """Of all choices that can be, as they were last asked for."""
    of_runs: dict[Runs, tuple[float, Segments]] = field(default_factory=dict)
    """The least energy of each choice of runs, and the first choice that had it."""
    bounds: dict[Segments, Measure | None] = field(default_factory=dict)
    limit: int = 0

    def __post_init__(self) -> None:
        self.windows = Windows(self.bench)
        self.packs = Packs(self.windows)
        arena, work = self.tried[()].arena_bytes, self.tried[()].instructions
        self.fits = Fits(self.windows, [worth * arena / work for worth in WORTHS])

    def explain(self) -> tuple[int, str]:
        """The operator that needs the most, and why bands of it are no gain."""
        needs = [
            self.windows.op(index).head_bytes for index in range(len(self.bench.model.main.ops))
        ]
        peak = needs.index(max(needs))
        refusal = self.windows.refusals().get(peak)
        if refusal is not None:
            return peak, f"it needs the most memory, and bands don't help: {refusal}"
        most, plain = self.wish.most_instructions, self.tried[()].arena_bytes
        bounds = [bound for bound in self.bounds.values() if bound and bound.instructions <= most]
        if not bounds:
            return peak, "no choice of bands needs less memory at a time"
        least = min(bound.arena_bytes for bound in bounds)
        if least < plain:
            return peak, (
                f"no plan with bands needs less than the {plain:,} bytes without, though an "
                f"arena of {least:,} isn't ruled out"
            )
        return peak, (
            f"bands take more of the tail than they save: an arena of {least:,} bytes at best, "
            f"{plain:,} without"
        )

    def run(self) -> None:
        """A sweep, then walks from the best so far, each followed by plans for what they found."""
        if all(self.windows.rows(last) < 2 for (_, last), _ in self.windows.runs):
            return
        self.limit = self.bench.work + SWEEP_WORK_PER_OP * self.windows.count
        starts = self._starts()
        self.limit = self.bench.work + self.fit_work
        self._fit(starts)
        self.limit = self.bench.work + self.fit_work
        self._improve()
        self._plan_best()
        for number, heat in enumerate(HEATS):
            self.limit = self.bench.work + self.walk_work
            kinds = self._kinds()
            self._walk(kinds[number % (len(HEATS) - 1) % len(kinds)], heat, number)
            self._plan_best()
        self._turn()
        self._settle()

    def _turn(self) -> None:
        """Plan what could be the best once more, from the other end."""
        for _ in range(TURNED):
            best = min(self.tried, key=lambda segments: self.wish.rank(self.tried[segments]))
            others = [choice for choice in turns(best) if self._promises(choice, self.best)]
            others = nsmallest(PLANS, others, key=self._energy)
            for choice in others:
                self._plan_alone(choice)
            for choice in sorted(others, key=self._energy)[:1]:
                if self._promises(choice, self.best):
                    self._plan(choice, EFFORT)
            if self.wish.rank(self.tried[best]) == self.best:
                return

    def _settle(self) -> None:
        """Plan the best once more, as they will be planned, unless they can't become the best."""
        order = sorted((choice for choice in self.bounds if choice in self.tried), key=self._energy)
        ranked = sorted(order, key=lambda segments: self.wish.rank(self.tried[segments]))
        for choice in dict.fromkeys([*ranked[: FINALS // 2], *order[:FINALS]]):
            bound = self.bounds[choice]
            if bound is None or self.wish.rank(bound) >= self.best or self._is_behind(choice):
                continue
            planned = self.bench.measure(choice, EFFORT)
            assert planned is not None
            if planned.arena_bytes < self.tried[choice].arena_bytes:
                self.tried[choice] = planned
        self._say()

    def _is_behind(self, segments: Segments) -> bool:
        """Whether its quick plan is worse than a better one would make up for."""
        best = min(self.tried.values(), key=self.wish.rank)
        enough = max(best.arena_bytes, self.wish.arena_bytes or 0)
        return self.tried[segments].arena_bytes > BEHIND * enough

    def _fit(self, starts: Sequence[Segments]) -> None:
        """Guess choices, and the same runs in the largest bands for heads that fall from theirs."""
        for number, start in enumerate(sorted(starts, key=self._energy)):
            self._fall(start, 10 * FALLS if number < STARTS else FALLS)

    def _fall(self, start: Segments, most: int) -> None:
        misses = 0
        for number, choice in enumerate(self.fits.falling(start)):
            misses = misses + 1 if self._energy(choice) == math.inf else 0
            if number >= most or misses >= len(WORTHS) or self._is_spent():
                return

    def _improve(self) -> None:
        """From the best choice that wasn't yet looked around, its neighbours with fitted bands."""
        done = set[Runs]()
        while not self._is_spent():
            left = (scored for runs, scored in self.of_runs.items() if runs not in done)
            energy, best = min(left, key=lambda scored: scored[0], default=(math.inf, ()))
            if energy == math.inf:
                return
            done.add(_runs(best))
            for choice in self.fits.around(best):
                if self._is_spent():
                    return
                if self._energy(choice) <= energy + NEAR * self.tried[()].arena_bytes:
                    self._fall(choice, FALLS)

    @property
    def fit_work(self) -> int:
        """What fitting may measure."""
        return min(FIT_WORK, FIT_WORK_PER_OP * self.windows.count)

    @property
    def walk_work(self) -> int:
        """What a walk may measure: less in a small model."""
        return min(WALK_WORK, WALK_WORK_PER_OP * self.windows.count)

    def _plan_best(self) -> None:
        """Plan the most promising: first their segments alone, then what stays promising."""
        plans = 0
        for _ in range(SEGMENT_PLANS):
            first = self._most_promising()
            if first is None or plans == PLANS:
                return
            unknown = [segment for segment in first if segment not in self.packs.known]
            self._plan_alone(first)
            if not unknown:
                plans += 1
                self._plan(first)

    def _plan_alone(self, segments: Segments) -> None:
        """Plan each segment of a choice that can be, without the rest of the model."""
        guess, best = self.guesses[segments], min(self.tried.values(), key=self.wish.rank)
        assert guess is not None
        enough = max(best.arena_bytes, self.wish.arena_bytes or 0)
        for segment in segments:
            self.packs.plan(segment, enough - guess.rest_bytes)

    def _most_promising(self) -> Segments | None:
        """Whatever could be the best, with the least energy as it is known by now."""
        best, choices = self.best, list(self.energies)
        heap = [(self.energies[option], place) for place, option in enumerate(choices)]
        heapify(heap)
        while heap:
            old, place = heap[0]
            choice = choices[place]
            energy = self._energy(choice)
            if energy > old:  # a plan of one of its segments is known since
                heapreplace(heap, (energy, place))
                continue
            if self._promises(choice, best):
                return choice
            heappop(heap)
        return None

    def _promises(self, segments: Segments, best: tuple[int, ...]) -> bool:
        """Whether it wasn't planned yet and could be the best."""
        guess = None if segments in self.bounds else self.guess(segments)
        return guess is not None and self.wish.rank(guess) < best

    def _plan(self, segments: Segments, effort: float = QUICK) -> None:
        """Measure a candidate, with a plan unless its bound shows that it isn't the best."""
        bound = self.bounds[segments] = self.bench.measure(segments)
        if bound is None or not self.wish.permits(bound.instructions, bound.operators):
            return
        if self.wish.rank(bound) < self.best:
            planned = self.bench.measure(segments, effort)
            assert planned is not None
            self.tried[segments] = planned
            self._say()

    @property
    def best(self) -> tuple[int, ...]:
        """The rank of the best so far."""
        return min(self.wish.rank(measure) for measure in self.tried.values())

    def guess(self, segments: Segments) -> Measure | None:
        """What a choice takes, about; None where it can't be, or is too slow."""
        if segments not in self.guesses:
            guess = self.windows.estimate(segments)
            if guess and not self.wish.permits(guess.instructions, guess.operators):
                guess = None
            self.guesses[segments] = guess
        guess = self.guesses[segments]
        if guess is None:
            return None
        head = max([guess.head_bytes, *map(self.packs.head, segments)])
        return Measure(guess.rest_bytes + head, guess.instructions, guess.operators)

    def _walk(self, start: Segments, heat: float, seed: int) -> None:
        """Simulated annealing on estimates; back to one of the best after many idle moves.

        It ends when going back so often met nothing new: in a small model all choices are known.
        """
        begin, idle, returns, rng = self.bench.work, 0, 0, random.Random(seed)
        here, energy = start, self._energy(start)
        heat *= self.tried[()].arena_bytes
        for _ in range(MOST_MOVES):
            if self._is_spent():
                return
            left = max(0.0, 1 - (self.bench.work - begin) / self.walk_work)
            fresh = len(self.guesses)
            there = neighbour(here, self.windows, rng)
            if there is not None:
                change = self._energy(there) - energy
                if change <= 0 or rng.random() < math.exp(-change / (heat * left**2 + 1)):
                    here, energy = there, energy + change
            idle, returns = (idle + 1, returns) if len(self.guesses) == fresh else (0, 0)
            if idle > MOST_IDLE:
                if returns == LEADERS:
                    return
                returns += 1
                idle, here = 0, rng.choice(self._leaders())
                energy = self._energy(here)

    def _kinds(self) -> list[Segments]:
        """The best choice of each kind, best first."""
        best: dict[Kind, Segments] = {}
        for choice in sorted(self.energies, key=lambda segments: self.energies[segments]):
            best.setdefault(_kind(choice), choice)
        return list(best.values()) or [()]

    def _leaders(self) -> list[Segments]:
        return nsmallest(LEADERS, self.energies, key=lambda choice: self.energies[choice]) or [()]

    def _energy(self, segments: Segments) -> float:
        """How far a choice is from the wish, infinitely where it can't be."""
        guess = self.guess(segments)
        if guess is None:
            return math.inf
        self.bench.work += LOOK
        energy = self.energies[segments] = self.wish.energy(guess, self.tried[()])
        runs = _runs(segments)
        if runs not in self.of_runs or energy < self.of_runs[runs][0]:
            self.of_runs[runs] = energy, segments
        return energy

    def _starts(self) -> list[Segments]:
        spare = max(0, self.wish.most_instructions - self.tried[()].instructions)
        heads: dict[Segments, int] = {}
        for choice in sweep(self.windows, spare, self._is_spent):
            heads[choice.segments] = choice.head_bytes + choice.tail_bytes
        return sorted(heads, key=lambda segments: heads[segments])

    def _is_spent(self) -> bool:
        return self.bench.work >= self.limit

    def _say(self) -> None:
        best = min(self.tried.values(), key=self.wish.rank)
        self.progress(f"bands: {self.bench.evaluations} tried, arena {best.arena_bytes:,} bytes")
