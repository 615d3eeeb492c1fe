"""Chooses among the solvers: `solve` gives a height, a bound, and says whether that is proven.

The order is by cost: the runtime's own placement (so the result is never worse), single-pass
heuristics, the same with aliased buffers merged, a short local search (which an even shorter exact
one tells where to stop), the two exact searches, beam search, local search, the peaks before the
rest. It stops at the first solution that meets the lower bound. An exact search that is exhausted
raises the bound: so small problems end proven, with aliases and pins too. Thousands of buffers that
all live together are left to the runtime's placement: their pairs alone would fill the memory.

The result depends on the problem and `SolveOptions` alone. Only ``time_limit_s`` breaks that: it
is a guard, checked now and then, and where it strikes depends on the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from tflopt.errors import PlanError
from tflopt.plan.attempt import SolveOptions as SolveOptions
from tflopt.plan.attempt import start
from tflopt.plan.problem import Alias, Buffer, Problem, Solution, height_of, restricted
from tflopt.plan.solvers.placement import Conflicts, count_pairs

MOST_PAIRS = 500_000
"""Pairs of buffers that live together; with more, only the runtime's own placement is made."""
_REMEMBERED = 8
"""Problems that are remembered: those of one model while it is optimized."""


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
        from tflopt.plan.culprits import culprits_of

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
    run = start(problem, options, _guard(options.time_limit_s))
    if not run.done and count_pairs(problem) <= MOST_PAIRS:
        from tflopt.plan.searches import search

        search(run, _part_solved)
    return replace(run.best, lower_bound=run.bound, proven=run.done)


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


def _part_solved(problem: Problem, options: SolveOptions) -> Solution:
    _refuse_clashing_pins(problem)
    return _solved(problem, options)
