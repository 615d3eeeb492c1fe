"""Buffers that an alias ties together, placed as one.

::

    in-place chain:            merged:
    | a |                      +-----------+
        | b |          ->      | a   b   c |    one rectangle, aliases gone
            | c |              +-----------+

An ordering heuristic finds an alias only where it happens to look; a merged problem uses each one
that it can, and has no aliases left, so that the exact search may run on it. The rectangle
encloses its members, so merging can also lose: `tflopt.plan.solve` tries both problems.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tflopt.plan.problem import Alias, Buffer, Lifetime, Problem


@dataclass(frozen=True)
class Merged:
    """``problem`` has one buffer per group; ``members`` lists each one's displacement in it."""

    problem: Problem
    members: tuple[tuple[tuple[int, int], ...], ...]

    def expand(self, offsets: Sequence[int]) -> list[int]:
        """The offsets of the original buffers."""
        count = sum(len(group) for group in self.members)
        expanded = [0] * count
        for offset, group in zip(offsets, self.members, strict=True):
            for index, displacement in group:
                expanded[index] = offset + displacement
        return expanded


def merge(problem: Problem) -> Merged | None:
    """Merge along every exact alias that fits; None if there is nothing to merge."""
    groups: dict[int, dict[int, int]] = {i: {i: 0} for i in range(len(problem.buffers))}
    home = list(range(len(problem.buffers)))
    allowed = _allowed(problem.aliases)
    for alias in sorted(problem.aliases, key=lambda a: -_gain(problem, a)):
        if alias.low is None or alias.low != alias.high:
            continue
        into, moved = home[alias.second], home[alias.first]
        if into == moved:
            continue
        shift = groups[into][alias.second] + alias.low - groups[moved][alias.first]
        shifted = {index: at + shift for index, at in groups[moved].items()}
        if _compatible(problem, groups[into], shifted, allowed):
            groups[into].update(shifted)
            del groups[moved]
            for index in shifted:
                home[index] = into
    if len(groups) == len(problem.buffers):
        return None
    return _as_problem(problem, [groups[key] for key in sorted(groups)])


def _gain(problem: Problem, alias: Alias) -> int:
    return min(problem.buffers[alias.first].size_bytes, problem.buffers[alias.second].size_bytes)


def _allowed(aliases: Sequence[Alias]) -> Mapping[tuple[int, int], list[Alias]]:
    by_pair: dict[tuple[int, int], list[Alias]] = {}
    for alias in aliases:
        by_pair.setdefault((alias.first, alias.second), []).append(alias)
    return by_pair


def _compatible(
    problem: Problem,
    one: Mapping[int, int],
    two: Mapping[int, int],
    allowed: Mapping[tuple[int, int], list[Alias]],
) -> bool:
    for i, at_i in one.items():
        for j, at_j in two.items():
            a, b = problem.buffers[i], problem.buffers[j]
            if a.fixed_offset is not None or b.fixed_offset is not None:
                return False
            apart = at_i >= at_j + b.size_bytes or at_j >= at_i + a.size_bytes
            if apart or not a.lifetime.overlaps(b.lifetime):
                continue
            permitted = any(r.permits(at_i, at_j) for r in allowed.get((i, j), ()))
            if not permitted and not any(r.permits(at_j, at_i) for r in allowed.get((j, i), ())):
                return False
    return True


def _as_problem(problem: Problem, groups: Sequence[Mapping[int, int]]) -> Merged:
    buffers, members = [], []
    for group in groups:
        bottom = min(group.values())
        parts = [(index, at - bottom) for index, at in sorted(group.items())]
        inside = [(problem.buffers[index], at) for index, at in parts]
        alignment = math.lcm(*(buffer.alignment for buffer, _ in inside))
        lifetime = Lifetime(
            min(buffer.lifetime.start for buffer, _ in inside),
            max(buffer.lifetime.end for buffer, _ in inside),
        )
        size = max(at + buffer.size_bytes for buffer, at in inside)
        name = "+".join(buffer.name for buffer, _ in inside)
        fixed = inside[0][0].fixed_offset
        buffers.append(Buffer(name, lifetime, size, alignment, fixed))
        members.append(tuple(parts))
    return Merged(Problem(buffers, (), problem.capacity), tuple(members))
