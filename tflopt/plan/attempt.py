"""One problem while it is being solved: the best solution so far, and the bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tflopt.plan.lower_bound import lower_bound
from tflopt.plan.problem import Problem, Solution, height_of
from tflopt.plan.solvers.heuristics import runtime_solution
from tflopt.plan.solvers.placement import Conflicts


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
class Attempt:
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


def start(problem: Problem, options: SolveOptions, expired: Callable[[], bool]) -> Attempt:
    """With the runtime's own placement, or the worst of all where that doesn't apply."""
    stacked, top = [], 0
    for buffer in problem.buffers:  # the worst plan of all, in case nothing else applies
        top = -(-top // buffer.alignment) * buffer.alignment
        stacked.append(top if buffer.fixed_offset is None else buffer.fixed_offset)
        top += buffer.size_bytes
    best = Solution(tuple(stacked), 1 << 62, method="stacked")
    run = Attempt(problem, options, expired, best, lower_bound(problem))
    runtime = runtime_solution(problem)
    if runtime is not None:
        run.best = runtime
    return run
