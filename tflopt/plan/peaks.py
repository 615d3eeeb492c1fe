"""The steps that need the most are solved first, as small problems; the others go around them.

Most models have a few steps that decide the height, with few of all the buffers. Alone those are
placed well in little time; what lives at other steps mostly finds room beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tflopt.plan.lower_bound import bounds
from tflopt.plan.problem import Lifetime, Problem, Solution, restricted

Solver = Callable[[Problem], Solution]
MOST_PEAKS = 6
"""The highest, which are placed one by one; lower ones are left to the last solution."""


def peaks_first(problem: Problem, share: float, solve: Solver) -> Solution | None:
    """A solution that places what lives at a peak before the rest; None if a peak is everything.

    Args:
        share: of the greatest bound of a step, from which on a step belongs to a peak.
        solve: solves a part; its fixed buffers stay where they are.
    """
    placed: dict[int, int] = {}
    for span in peaks_of(problem, share)[:MOST_PEAKS]:
        members = {
            index
            for index, buffer in enumerate(problem.buffers)
            if buffer.lifetime.overlaps(span) and buffer.size_bytes
        }
        if len(members) == len(problem.buffers):
            return None
        kept = sorted(members | placed.keys())
        part = restricted(_fixed(problem, placed), kept)
        placed |= dict(zip(kept, solve(part).offsets, strict=True))
    return solve(_fixed(problem, placed))


def peaks_of(problem: Problem, share: float) -> list[Lifetime]:
    """Runs of steps that need at least ``share`` of the most, the highest first."""
    timeline = bounds(problem)
    limit = share * max((bound for _, bound in timeline), default=0)
    runs: list[tuple[int, Lifetime]] = []
    start, top = None, 0
    for step, bound in timeline:
        if bound >= limit:
            start, top = (step, bound) if start is None else (start, max(top, bound))
        elif start is not None:
            runs.append((top, Lifetime(start, step)))
            start = None
    return [span for _, span in sorted(runs, key=lambda run: (-run[0], run[1].start))]


def _fixed(problem: Problem, placed: Mapping[int, int]) -> Problem:
    buffers = [
        replace(buffer, fixed_offset=placed.get(index, buffer.fixed_offset))
        for index, buffer in enumerate(problem.buffers)
    ]
    return replace(problem, buffers=buffers)
