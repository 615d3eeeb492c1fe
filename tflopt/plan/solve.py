"""Chooses among the solvers: `solve` gives a height, a bound, and says whether that is proven.

The order is by cost: the runtime's own placement (so the result is never worse), single-pass
heuristics, the same with aliased buffers merged, a short local search, the two exact searches, beam
search, local search, the peaks before the rest. It stops at the first solution that meets the lower
bound. An exact search that is exhausted raises the bound: so small problems end proven, with
aliases and pins too. Thousands of buffers that all live together are left to the runtime's
placement: their pairs alone would fill the memory.

The result depends on the problem and `SolveOptions` alone. Only ``time_limit_s`` breaks that: it
is a guard, checked now and then, and where it strikes depends on the machine.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from tflopt.errors import PlanError
from tflopt.plan.culprits import culprits_of
from tflopt.plan.lower_bound import lower_bound
from tflopt.plan.peaks import peaks_first
from tflopt.plan.problem import Alias, Buffer, Problem, Solution, height_of, restricted
from tflopt.plan.solvers.beam import BeamOptions, BeamSearch
from tflopt.plan.solvers.disjunctive import DisjunctiveSearch
from tflopt.plan.solvers.exact import ExactSearch, NodeBudget, NodeLimitError, supports
from tflopt.plan.solvers.heuristics import heuristic_solutions, runtime_solution
from tflopt.plan.solvers.local_search import improve, order_of
from tflopt.plan.solvers.merge import merge
from tflopt.plan.solvers.placement import Conflicts, count_pairs

MOST_PAIRS = 500_000
"""Pairs of buffers that live together; with more, only the runtime's own placement is made."""
_REMEMBERED = 8
"""Problems that are remembered: those of one model while it is optimized."""
_WORK_PER_NODE = 200
_WORK_PER_EFFORT = 800_000
_WORK_PER_BUFFER = 2_000
_RESTARTS = 4
_DISJUNCTIVE_WORK_PER_EFFORT = 200_000
_DISJUNCTIVE_PAIRS = 4_000
_FIRST_LOOK = 0.5
_PEAKS, _EFFORT_OF_PEAKS, _BUFFERS_WITH_PEAKS = (0.6, 0.5, 0.4), 0.1, range(24, 1000)
_BEAM_WORK_PER_EFFORT = 200_000_000
_BEAMS = [
    BeamOptions(width, choices, power)
    for width in (2, 8, 32, 128)
    for choices in (16, 40)
    for power in (16.0, 8.0, 32.0)
]


@dataclass(frozen=True)
class SolveOptions:
    """``effort`` scales the searches; the same problem, effort and seed give the same plan.

    ``exact``, ``beam``, ``local_search`` and ``peaks`` switch the searches. ``time_limit_s`` ends
    them early.
    """

    seed: int = 0
    effort: float = 1.0
    time_limit_s: float | None = None
    exact: bool = True
    beam: bool = True
    local_search: bool = True
    peaks: bool = True


@dataclass
class _Run:
    """The best solution so far of one problem, its bound, and what may still be spent."""

    problem: Problem
    options: SolveOptions
    expired: Callable[[], bool]
    best: Solution
    bound: int

    @cached_property
    def conflicts(self) -> Conflicts:
        """Worked out only where the runtime's own placement isn't the best already."""
        return Conflicts.of(self.problem)

    @property
    def done(self) -> bool:
        """The bound is met: nothing can be better."""
        return self.best.height <= self.bound

    def offer(self, offsets: Sequence[int], method: str) -> None:
        """Keep ``offsets`` if they are better."""
        height = height_of(self.problem, offsets)
        if height < self.best.height:
            self.best = Solution(tuple(offsets), height, method=method)


def solve(problem: Problem, options: SolveOptions | None = None) -> Solution:
    """A solution of ``problem``, with its lower bound and whether it is proven to be optimal.

    Raises `PlanError` if it doesn't fit into ``problem.capacity`` or if pinned buffers clash;
    ``culprits`` are then a smallest set of buffers that can't go together, where that is known.
    """
    options = options or SolveOptions()
    _refuse_clashing_pins(problem)
    if any(b.size_bytes == 0 for b in problem.buffers) or not problem.buffers:
        return _without_empty(problem, options)
    if options.time_limit_s is None:
        nameless = tuple(replace(buffer, name="") for buffer in problem.buffers)
        solution = _remembered(nameless, tuple(problem.aliases), options)
    else:
        solution = _solved(problem, options)
    if problem.capacity is not None and solution.height > problem.capacity:
        bound = solution.lower_bound
        need = bound if bound > problem.capacity else solution.height
        raise PlanError(need, problem.capacity, culprits_of(problem, problem.capacity))
    return solution


@lru_cache(maxsize=_REMEMBERED)
def _remembered(
    buffers: tuple[Buffer, ...], aliases: tuple[Alias, ...], options: SolveOptions
) -> Solution:
    """One command asks for the same plan again and again: for a price, an order, the file."""
    return _solved(Problem(buffers, aliases), options)


def _solved(problem: Problem, options: SolveOptions) -> Solution:
    """A solution, whatever the capacity."""
    run = _start(problem, options, _guard(options.time_limit_s))
    if not run.done and count_pairs(problem) <= MOST_PAIRS:
        _search(run)
    return replace(run.best, lower_bound=run.bound, proven=run.done)


def _search(run: _Run) -> None:
    """All solvers in their order, until one meets the bound."""
    options, problem = run.options, run.problem
    _run_heuristics(run)
    _run_merged(run)
    if not run.done and options.local_search:
        _run_local_search(run, _FIRST_LOOK)
    if not run.done and options.exact:
        _run_disjunctive(run)
    if not run.done and options.exact and supports(problem):
        _run_exact(run)
    if not run.done and options.beam and supports(problem):
        _run_beam(run)
    if not run.done and options.local_search:
        _run_local_search(run, 1.0)
    if not run.done and options.peaks:
        _run_peaks(run)


def _without_empty(problem: Problem, options: SolveOptions) -> Solution:
    """Empty buffers clash with nothing: place the others, and these at zero."""
    kept = [i for i, b in enumerate(problem.buffers) if b.size_bytes]
    offsets = [b.fixed_offset or 0 for b in problem.buffers]
    if not kept:
        height = height_of(problem, offsets)
        return Solution(tuple(offsets), height, height, proven=True, method="empty")
    inner = solve(replace(restricted(problem, kept), capacity=problem.capacity), options)
    for index, offset in zip(kept, inner.offsets, strict=True):
        offsets[index] = offset
    return replace(inner, offsets=tuple(offsets), height=height_of(problem, offsets))


def _guard(time_limit_s: float | None) -> Callable[[], bool]:
    if time_limit_s is None:
        return lambda: False
    end = time.monotonic() + time_limit_s
    return lambda: time.monotonic() > end


def _refuse_clashing_pins(problem: Problem) -> None:
    pinned = [i for i, b in enumerate(problem.buffers) if b.fixed_offset is not None]
    placed = {i: problem.buffers[i].fixed_offset or 0 for i in pinned}
    conflicts = Conflicts.of(restricted(problem, pinned))
    for here, i in enumerate(pinned):
        for there, low, high in conflicts.neighbours[here]:
            j = pinned[there]
            if placed[j] + low < placed[i] < placed[j] + high:
                first, second = problem.buffers[i], problem.buffers[j]
                need = placed[j] + second.size_bytes + first.size_bytes
                limit = max(placed[i] + first.size_bytes, placed[j] + second.size_bytes)
                raise PlanError(need, limit, (first.name, second.name))


def _start(problem: Problem, options: SolveOptions, expired: Callable[[], bool]) -> _Run:
    stacked, top = [], 0
    for buffer in problem.buffers:  # the worst plan of all, in case nothing else applies
        top = -(-top // buffer.alignment) * buffer.alignment
        stacked.append(top if buffer.fixed_offset is None else buffer.fixed_offset)
        top += buffer.size_bytes
    best = Solution(tuple(stacked), 1 << 62, method="stacked")
    run = _Run(problem, options, expired, best, lower_bound(problem))
    runtime = runtime_solution(problem)
    if runtime is not None:
        run.best = runtime
    return run


def _run_heuristics(run: _Run) -> None:
    for solution in heuristic_solutions(run.conflicts, run.best.height):
        run.offer(solution.offsets, solution.method)
        if run.done:
            return


def _run_merged(run: _Run) -> None:
    merged = merge(run.problem) if run.problem.aliases and not run.done else None
    if merged is None:
        return
    inner = _start(replace(merged.problem, capacity=None), run.options, run.expired)
    _run_heuristics(inner)
    if not inner.done and run.options.exact and supports(inner.problem):
        _run_exact(inner)
    run.offer(merged.expand(inner.best.offsets), f"merged, {inner.best.method}")


def _run_peaks(run: _Run) -> None:
    """What lives at the steps that decide the height first, the rest around it."""
    options = run.options
    if len(run.problem.buffers) not in _BUFFERS_WITH_PEAKS:
        return
    part = replace(options, effort=options.effort * _EFFORT_OF_PEAKS, peaks=False)
    for share in _PEAKS:
        if run.done or run.expired():
            return
        try:
            found = peaks_first(run.problem, share, lambda problem: _part_solved(problem, part))
        except PlanError:  # what is placed leaves no room beside what is pinned
            continue
        if found is not None:
            run.offer(found.offsets, f"peaks first, {found.method}")


def _part_solved(problem: Problem, options: SolveOptions) -> Solution:
    _refuse_clashing_pins(problem)
    return _solved(problem, options)


def _granule(problem: Problem) -> int:
    """Divides every height that a solution without slack can have."""
    parts = [b.alignment for b in problem.buffers] + [b.size_bytes for b in problem.buffers]
    parts += [b.fixed_offset for b in problem.buffers if b.fixed_offset]
    return math.gcd(*parts)


def _run_disjunctive(run: _Run) -> None:
    """Narrow the range between bound and best: first at the bound, then by halves."""
    if sum(len(near) for near in run.conflicts.neighbours) > 2 * _DISJUNCTIVE_PAIRS:
        return
    search, granule = DisjunctiveSearch.of(run.problem), _granule(run.problem)
    nodes = run.options.effort * _DISJUNCTIVE_WORK_PER_EFFORT / max(1, len(search.pairs))
    budget = NodeBudget(int(nodes), run.expired)
    target = run.bound
    try:
        while not run.done:
            found = search.fit(target, budget)
            if found is None:
                run.bound = target // granule * granule + granule
            else:
                run.offer(found, "disjunctive search")
            target = run.bound + (run.best.height - granule - run.bound) // 2
    except NodeLimitError:
        return


def _run_exact(run: _Run) -> None:
    """First aim at the bound, from several seeds; then at anything better than the best."""
    count = len(run.problem.buffers)
    nodes = int(run.options.effort * _WORK_PER_EFFORT / (_WORK_PER_NODE + count))
    search = ExactSearch.of(run.problem)
    for restart in range(_RESTARTS):
        rng = random.Random(run.options.seed * _RESTARTS + restart) if restart else None
        budget = NodeBudget(nodes // (2 * _RESTARTS), run.expired)
        try:
            found = search.fit(run.bound, budget, rng)
        except NodeLimitError:
            continue
        if found is not None:
            run.offer(found, "exact")
            return
        run.bound += search.granule
        break
    budget = NodeBudget(nodes // 2, run.expired)
    while not run.done:
        try:
            found = search.fit(run.best.height - search.granule, budget)
        except NodeLimitError:
            return
        if found is None:
            run.bound = run.best.height
            return
        run.offer(found, "exact")


def _run_beam(run: _Run) -> None:
    """Wider and wider beams; the other options vary, as none is best for every problem."""
    search = BeamSearch.of(ExactSearch.of(run.problem))
    if search is None:
        return
    left = run.options.effort * _BEAM_WORK_PER_EFFORT
    for options in _BEAMS:
        left -= search.work * options.width * options.choices
        if run.done or left < 0:
            return
        found = search.run(run.bound, options, run.expired)
        if found is not None:
            run.offer(found, "beam search")


def _run_local_search(run: _Run, share: float) -> None:
    degree = sum(len(near) for near in run.conflicts.neighbours)
    count = len(run.problem.buffers)
    allowed = max(_WORK_PER_EFFORT, _WORK_PER_BUFFER * count)
    iterations = max(1, int(share * run.options.effort * allowed / (degree + 4 * count)))
    start = order_of(run.problem, run.best)
    if len(start) < 2:
        return
    found = improve(run.conflicts, start, run.bound, iterations, run.options.seed, run.expired)
    run.offer(found.offsets, found.method)
