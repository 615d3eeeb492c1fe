"""Single-pass heuristics: one order of the buffers, one placement each, milliseconds in all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tflopt.plan.greedy import Requirement, simulate_greedy
from tflopt.plan.problem import Buffer, Problem, Solution, height_of
from tflopt.plan.solvers.placement import Conflicts, Placer

Key = Callable[[Buffer], tuple[int, ...]]


def _length(buffer: Buffer) -> int:
    return buffer.lifetime.end - buffer.lifetime.start


ORDERS: Mapping[str, Key] = {
    "size": lambda b: (-b.size_bytes, b.lifetime.start),
    "area": lambda b: (-b.size_bytes * _length(b), -b.size_bytes),
    "length": lambda b: (-_length(b), -b.size_bytes),
    "start": lambda b: (b.lifetime.start, -b.size_bytes),
    "end": lambda b: (-b.lifetime.end, -b.size_bytes),
}
"""What is placed first: the big, the large in area, the long-lived, the early, the late."""


def orders(problem: Problem) -> Iterator[tuple[str, list[int]]]:
    """Each documented order of the buffers, with its name."""
    for name, key in ORDERS.items():
        ranks = [key(buffer) for buffer in problem.buffers]
        yield name, sorted(range(len(ranks)), key=ranks.__getitem__)


def runtime_solution(problem: Problem) -> Solution | None:
    """What TFLM's own planner would do; None where that breaks an alignment of the problem."""
    requirements = [
        Requirement(
            b.size_bytes,
            b.lifetime.start,
            b.lifetime.end - 1,
            -1 if b.fixed_offset is None else b.fixed_offset,
        )
        for b in problem.buffers
    ]
    offsets = simulate_greedy(requirements).offsets
    for buffer, offset in zip(problem.buffers, offsets, strict=True):
        if buffer.fixed_offset is None and offset % buffer.alignment:
            return None
    return Solution(offsets, height_of(problem, offsets), method="runtime")


def heuristic_solutions(conflicts: Conflicts, best_known: int | None) -> Iterator[Solution]:
    """Solutions below ``best_known``, each better than the one before."""
    for name, order in orders(conflicts.problem):
        for best_fit in (False, True):
            placement = Placer(conflicts, best_fit).place(order, best_known)
            if placement is not None:
                best_known = placement[1]
                label = f"{name}, {'best' if best_fit else 'first'} fit"
                yield Solution(tuple(placement[0]), best_known, method=label)
