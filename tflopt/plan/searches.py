"""The solvers in their order, for what the runtime's own placement leaves above the bound."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

from tflopt.errors import PlanError
from tflopt.plan.attempt import Attempt, SolveOptions, start
from tflopt.plan.peaks import peaks_first
from tflopt.plan.problem import Problem, Solution
from tflopt.plan.solvers.beam import BeamOptions, BeamSearch
from tflopt.plan.solvers.disjunctive import DisjunctiveSearch
from tflopt.plan.solvers.exact import ExactSearch, NodeBudget, NodeLimitError, supports
from tflopt.plan.solvers.heuristics import heuristic_solutions
from tflopt.plan.solvers.local_search import improve, order_of
from tflopt.plan.solvers.merge import merge

SolvePart = Callable[[Problem, SolveOptions], Solution]
_WORK_PER_NODE = 200
_WORK_PER_EFFORT = 800_000
_WORK_PER_BUFFER = 2_000
_RESTARTS = 4
_DISJUNCTIVE_WORK_PER_EFFORT = 200_000
_DISJUNCTIVE_PAIRS = 4_000
_FIRST_LOOK, _FIRST_PROOF = 0.5, 0.1
_PEAKS, _EFFORT_OF_PEAKS, _BUFFERS_WITH_PEAKS = (0.6, 0.5, 0.4), 0.1, range(24, 1000)
_BEAM_WORK_PER_EFFORT = 200_000_000
_BEAMS = [
    BeamOptions(width, choices, power)
    for width in (2, 8, 32, 128)
    for choices in (16, 40)
    for power in (16.0, 8.0, 32.0)
]


def search(run: Attempt, solve_part: SolvePart) -> None:
    """All solvers in their order, until one meets the bound.

    ``solve_part`` solves a problem that is a part of this one, or raises PlanError.
    """
    options, problem = run.options, run.problem
    _run_heuristics(run)
    _run_merged(run)
    if not run.done and options.local_search:
        _run_local_search(run, _FIRST_LOOK, _goal(run))
    if not run.done and options.exact:
        _run_disjunctive(run)
    if not run.done and options.exact and supports(problem):
        _run_exact(run)
    if not run.done and options.beam and supports(problem):
        _run_beam(run)
    if not run.done and options.local_search:
        _run_local_search(run, 1.0, run.bound)
    if not run.done and options.peaks:
        _run_peaks(run, solve_part)


def _run_heuristics(run: Attempt) -> None:
    for solution in heuristic_solutions(run.conflicts, run.best.height):
        run.offer(solution.offsets, solution.method)
        if run.done:
            return


def _run_merged(run: Attempt) -> None:
    merged = merge(run.problem) if run.problem.aliases and not run.done else None
    if merged is None:
        return
    inner = start(replace(merged.problem, capacity=None), run.options, run.expired)
    _run_heuristics(inner)
    if not inner.done and run.options.exact and supports(inner.problem):
        _run_exact(inner)
    run.offer(merged.expand(inner.best.offsets), f"merged, {inner.best.method}")


def _run_peaks(run: Attempt, solve_part: SolvePart) -> None:
    """What lives at the steps that decide the height first, the rest around it."""
    options = run.options
    if len(run.problem.buffers) not in _BUFFERS_WITH_PEAKS:
        return
    part = replace(options, effort=options.effort * _EFFORT_OF_PEAKS, peaks=False)
    for share in _PEAKS:
        if run.done or run.expired():
            return
        try:
            solution = peaks_first(run.problem, share, lambda problem: solve_part(problem, part))
        except PlanError:  # what is placed leaves no room beside what is pinned
            continue
        if solution is not None:
            run.offer(solution.offsets, f"peaks first, {solution.method}")


def _granule(problem: Problem) -> int:
    """Divides every height that a solution without slack can have."""
    parts = [b.alignment for b in problem.buffers] + [b.size_bytes for b in problem.buffers]
    parts += [b.fixed_offset for b in problem.buffers if b.fixed_offset]
    return math.gcd(*parts)


def _goal(run: Attempt) -> int:
    """A height that nothing is below, as high as a short search can tell.

    In small problems it is the least one: local search need not go on once it is there. What this
    search finds is dropped, so the plan is the one that comes without it.
    """
    aside = replace(run)
    if run.options.exact:
        _run_disjunctive(aside, _FIRST_PROOF)
    return aside.bound


def _run_disjunctive(run: Attempt, share: float = 1.0) -> None:
    """Narrow the range between bound and best: first at the bound, then by halves."""
    if sum(len(near) for near in run.conflicts.neighbours) > 2 * _DISJUNCTIVE_PAIRS:
        return
    search, granule = DisjunctiveSearch.of(run.problem), _granule(run.problem)
    work = share * run.options.effort * _DISJUNCTIVE_WORK_PER_EFFORT
    nodes = work / max(1, len(search.pairs))
    budget = NodeBudget(int(nodes), run.expired)
    target = run.bound
    try:
        while not run.done:
            offsets = search.fit(target, budget)
            if offsets is None:
                run.bound = target // granule * granule + granule
            else:
                run.offer(offsets, "disjunctive search")
            target = run.bound + (run.best.height - granule - run.bound) // 2
    except NodeLimitError:
        return


def _run_exact(run: Attempt) -> None:
    """First aim at the bound, from several seeds; then at anything better than the best."""
    count = len(run.problem.buffers)
    nodes = int(run.options.effort * _WORK_PER_EFFORT / (_WORK_PER_NODE + count))
    search = ExactSearch.of(run.problem)
    for restart in range(_RESTARTS):
        rng = random.Random(run.options.seed * _RESTARTS + restart) if restart else None
        budget = NodeBudget(nodes // (2 * _RESTARTS), run.expired)
        try:
            offsets = search.fit(run.bound, budget, rng)
        except NodeLimitError:
            continue
        if offsets is not None:
            run.offer(offsets, "exact")
            return
        run.bound += search.granule
        break
    budget = NodeBudget(nodes // 2, run.expired)
    while not run.done:
        try:
            offsets = search.fit(run.best.height - search.granule, budget)
        except NodeLimitError:
            return
        if offsets is None:
            run.bound = run.best.height
            return
        run.offer(offsets, "exact")


def _run_beam(run: Attempt) -> None:
    """Wider and wider beams; the other options vary, as none is best for every problem."""
    search = BeamSearch.of(ExactSearch.of(run.problem))
    if search is None:
        return
    left = run.options.effort * _BEAM_WORK_PER_EFFORT
    for options in _BEAMS:
        left -= search.work * options.width * options.choices
        if run.done or left < 0:
            return
        offsets = search.run(run.bound, options, run.expired)
        if offsets is not None:
            run.offer(offsets, "beam search")


def _run_local_search(run: Attempt, share: float, goal: int) -> None:
    degree = sum(len(near) for near in run.conflicts.neighbours)
    count = len(run.problem.buffers)
    allowed = max(_WORK_PER_EFFORT, _WORK_PER_BUFFER * count)
    iterations = max(1, int(share * run.options.effort * allowed / (degree + 4 * count)))
    start = order_of(run.problem, run.best)
    if len(start) < 2:
        return
    solution = improve(run.conflicts, start, goal, iterations, run.options.seed, run.expired)
    run.offer(solution.offsets, solution.method)
    if run.best.height == goal:
        run.bound = goal
