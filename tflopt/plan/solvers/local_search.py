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
from tflopt.plan.solvers.placement import Arrangement, Conflicts

STALL_LIMIT = 60
"""Moves without an improvement after which the search returns to the best order, shaken."""


def improve(
    conflicts: Conflicts,
    start: Sequence[int],
    target: int,
    iterations: int,
    seed: int,
    expired: Callable[[], bool],
) -> Solution:
    """The best solution from ``start`` after ``iterations`` placements; stops at ``target``."""
    rng = random.Random(seed)
    now = Arrangement(conflicts, start)
    best, best_order, stalled = (list(now.offsets), now.height), list(start), 0
    for _ in range(iterations):
        if best[1] <= target or expired():
            break
        stalled += 1
        if _move(now, rng) and now.height < best[1]:
            best, best_order, stalled = (list(now.offsets), now.height), list(now.order), 0
        if stalled > STALL_LIMIT:
            stalled = 0
            now.start(_shaken(best_order, rng))
    return Solution(tuple(best[0]), best[1], method="local search")


def _move(now: Arrangement, rng: random.Random) -> bool:
    """Whether a move was kept."""
    top = [i for i in now.order if now.offsets[i] + now.sizes[i] == now.height]
    mover, neighbours = rng.choice(top), now.conflicts.neighbours
    if rng.random() < 0.5 and neighbours[mover]:
        mover = rng.choice(neighbours[mover])[0]
    position = now.order.index(mover)
    if position:
        return now.move(position, rng.randrange(position))
    order, height = now.order, now.height
    now.start(_shaken(order, rng))
    if now.height <= height:
        return True
    now.start(order)
    return False


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
