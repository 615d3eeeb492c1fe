"""Seeded local search over placement orders, for problems too large for an exact search.

A placement by order is only bad because of the buffers that end at its height, and those only
because of what lies beneath them. A move therefore takes one of these *bottleneck* buffers, or a
random neighbour of one, and places it earlier. A move that does not make the height
worse is kept; so the search drifts over plateaus. All choices come from one seeded generator.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tflopt.plan.problem import Problem, Solution
from tflopt.plan.solvers.placement import Conflicts, Placer

STALL_LIMIT = 60
"""Moves without an improvement after which the search returns to the best order, shaken."""


def improve(
    conflicts: Conflicts,
    start: Sequence[int],
    target: int,
    iterations: int,
    seed: int,
    expired: Callable[[], bool],
) -> Solution | None:
    """The best solution from ``start`` after ``iterations`` placements; stops at ``target``."""
    rng = random.Random(seed)
    placer = Placer(conflicts)
    order = list(start)
    found = placer.place(order)
    if found is None:
        return None
    offsets, height = found
    best, best_order, stalled = (offsets, height), list(order), 0
    for _ in range(iterations):
        if best[1] <= target or expired():
            break
        trial = _moved(order, offsets, height, conflicts, rng)
        result = placer.place(trial, height + 1)
        stalled += 1
        if result is not None:
            order, (offsets, height) = trial, result
            if height < best[1]:
                best, best_order, stalled = result, list(order), 0
        if stalled > STALL_LIMIT:
            order, stalled = _shaken(best_order, rng), 0
            again = placer.place(order)
            if again is not None:
                offsets, height = again
    return Solution(tuple(best[0]), best[1], method="local search")


def _moved(
    order: Sequence[int],
    offsets: Sequence[int],
    height: int,
    conflicts: Conflicts,
    rng: random.Random,
) -> list[int]:
    buffers = conflicts.problem.buffers
    top = [i for i in order if offsets[i] + buffers[i].size_bytes == height]
    mover = rng.choice(top)
    if rng.random() < 0.5 and conflicts.neighbours[mover]:
        mover = rng.choice(conflicts.neighbours[mover])[0]
    position = order.index(mover)
    if position == 0:
        return _shaken(order, rng)
    return _reinserted(order, position, rng.randrange(position))


def _reinserted(order: Sequence[int], source: int, target: int) -> list[int]:
    trial = list(order)
    trial.insert(target, trial.pop(source))
    return trial


def _shaken(order: Sequence[int], rng: random.Random) -> list[int]:
    trial = list(order)
    for _ in range(3):
        i, j = rng.randrange(len(trial)), rng.randrange(len(trial))
        trial[i], trial[j] = trial[j], trial[i]
    return trial


def order_of(problem: Problem, solution: Solution) -> list[int]:
    """The order by offset: placing in it by first fit never gives a greater height."""
    ends = [b.lifetime.start for b in problem.buffers]
    return sorted(range(len(ends)), key=lambda i: (solution.offsets[i], ends[i]))
