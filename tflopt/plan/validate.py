"""Checks a solution from the definition alone; shares no code with any solver.

It looks at every pair of buffers on purpose: there is nothing to get wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tflopt.plan.problem import Alias, Buffer, Problem, Solution
from tflopt.texts import counted


@dataclass(frozen=True)
class Violation:
    """One broken rule: the buffers by name, and the reason for the user."""

    buffers: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        return f"{' and '.join(self.buffers)}: {self.reason}" if self.buffers else self.reason


def validate(problem: Problem, solution: Solution) -> list[Violation]:
    """Every way in which ``solution`` breaks ``problem``; empty means that it is right."""
    if len(solution.offsets) != len(problem.buffers):
        given, expected = len(solution.offsets), len(problem.buffers)
        reason = f"{counted(given, 'offset')} for {counted(expected, 'buffer')}"
        return [Violation((), reason)]
    violations = list(_single_violations(problem, solution))
    violations.extend(_alias_violations(problem))
    violations.extend(_pair_violations(problem, solution))
    pairs = zip(solution.offsets, problem.buffers, strict=True)
    top = max((offset + buffer.size_bytes for offset, buffer in pairs), default=0)
    if top != solution.height:
        violations.append(Violation((), f"the height is {top}, not {solution.height}"))
    if problem.capacity is not None and top > problem.capacity:
        violations.append(
            Violation((), f"the height {top} exceeds the capacity {problem.capacity}")
        )
    if solution.height < solution.lower_bound:
        violations.append(Violation((), f"the height is below its bound {solution.lower_bound}"))
    return violations


def _single_violations(problem: Problem, solution: Solution) -> Iterator[Violation]:
    for buffer, offset in zip(problem.buffers, solution.offsets, strict=True):
        if buffer.fixed_offset is not None:
            if offset != buffer.fixed_offset:
                reason = f"at {offset}, but fixed at {buffer.fixed_offset}"
                yield Violation((buffer.name,), reason)
            continue
        if offset < 0:
            yield Violation((buffer.name,), f"negative offset {offset}")
        if offset % buffer.alignment:
            reason = f"offset {offset} is not a multiple of {buffer.alignment}"
            yield Violation((buffer.name,), reason)


def _alias_violations(problem: Problem) -> Iterator[Violation]:
    for alias in problem.aliases:
        first, second = problem.buffers[alias.first], problem.buffers[alias.second]
        if alias.shares_content:
            continue
        steps = first.lifetime.common_steps(second.lifetime)
        if steps > 1:
            reason = f"aliased, but both live in {steps} steps with different content"
            yield Violation((first.name, second.name), reason)
        starts = sorted([first.lifetime, second.lifetime], key=lambda life: (life.start, life.end))
        if steps == 1 and starts[0].end - 1 != starts[1].start:
            reason = "aliased, but the one outlives the step in which the other is written"
            yield Violation((first.name, second.name), reason)


def _pair_violations(problem: Problem, solution: Solution) -> Iterator[Violation]:
    allowed: dict[tuple[int, int], list[Alias]] = {}
    for alias in problem.aliases:
        allowed.setdefault((alias.first, alias.second), []).append(alias)
    table = np.array(
        [
            (b.lifetime.start, b.lifetime.end, at, at + b.size_bytes)
            for b, at in zip(problem.buffers, solution.offsets, strict=True)
        ],
        dtype=np.int64,
    ).reshape(-1, 4)
    for i, j in sorted(_clashes(table)):
        first, second = problem.buffers[i], problem.buffers[j]
        at_first, at_second = solution.offsets[i], solution.offsets[j]
        if any(a.permits(at_first, at_second) for a in allowed.get((i, j), [])):
            continue
        if any(a.permits(at_second, at_first) for a in allowed.get((j, i), [])):
            continue
        yield Violation((first.name, second.name), _describe(first, at_first, second, at_second))


def _clashes(table: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Pairs that are live at one step and share bytes there, the later buffer first.

    By the steps at which they come to life, so that each is compared with what lives then, not
    with all.
    """
    living = np.zeros(0, np.int64)
    filled = np.flatnonzero(table[:, 2] < table[:, 3])
    for index in filled[np.argsort(table[filled, 0], kind="stable")]:
        start, end, low, high = table[index]
        living = living[table[living, 1] > start]
        others = table[living]
        shares = (others[:, 0] < end) & (others[:, 2] < high) & (low < others[:, 3])
        for other in living[shares].tolist():
            yield max(int(index), other), min(int(index), other)
        living = np.append(living, index)


def _describe(first: Buffer, at_first: int, second: Buffer, at_second: int) -> str:
    step = max(first.lifetime.start, second.lifetime.start)
    return (
        f"bytes {at_first}..{at_first + first.size_bytes} and "
        f"{at_second}..{at_second + second.size_bytes} overlap at step {step}"
    )
