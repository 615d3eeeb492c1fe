"""What TFLM's GreedyMemoryPlanner does, to the byte.

The rules, from ``memory_planner/greedy_memory_planner.cc`` of tflite-micro 90b983c:

- Buffers with an offline offset come first, in the order they were added, and are taken as they
  are: neither their range nor their overlap is looked at.
- The others follow by size, largest first; of equal sizes the one added later comes first (the
  list is filled from its end, and the sort is stable).
- Each takes the lowest gap, among the placed buffers live at the same time, that is big enough.
  A gap begins at the highest end seen so far, so overlapping offline buffers are one obstacle.
- Lifetimes are inclusive at both ends. A lifetime of ``[-1, -1]`` (a tensor that no operator
  touches) clashes only with others that begin at -1.
- The sizes that TFLM passes in are rounded up to 16, so every online offset is a multiple of 16
  as long as the offline ones are.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass

ONLINE = -1
"""The offline offset that means "place it at run time" (kOnlinePlannedBuffer)."""


@dataclass(frozen=True)
class Requirement:
    """A buffer as the runtime's planner sees it: rounded size, inclusive first and last use."""

    size_bytes: int
    first_used: int
    last_used: int
    offline_offset: int = ONLINE


@dataclass(frozen=True)
class GreedyPlacement:
    """The offset of each requirement, in the order given, and the highest end."""

    offsets: tuple[int, ...]
    height: int


def simulate_greedy(requirements: Sequence[Requirement]) -> GreedyPlacement:
    """Place ``requirements`` exactly as the runtime does."""
    offsets = [0] * len(requirements)
    placed: list[tuple[int, int, int]] = []  # offset, order of placement, index
    for order, index in enumerate(_placement_order(requirements)):
        wanted = requirements[index]
        if wanted.offline_offset != ONLINE:
            offset = wanted.offline_offset
        else:
            offset = _first_gap(wanted, placed, requirements)
        offsets[index] = offset
        insort(placed, (offset, order, index))
    ends = (o + r.size_bytes for o, r in zip(offsets, requirements, strict=True))
    return GreedyPlacement(tuple(offsets), max(ends, default=0))


def _placement_order(requirements: Sequence[Requirement]) -> list[int]:
    count = len(requirements)
    fixed = [i for i in range(count) if requirements[i].offline_offset != ONLINE]
    online = [i for i in reversed(range(count)) if requirements[i].offline_offset == ONLINE]
    online.sort(key=lambda i: -requirements[i].size_bytes)
    return fixed + online


def _first_gap(
    wanted: Requirement,
    placed: Sequence[tuple[int, int, int]],
    requirements: Sequence[Requirement],
) -> int:
    candidate, first, last, size = 0, wanted.first_used, wanted.last_used, wanted.size_bytes
    for offset, _, index in placed:
        other = requirements[index]
        if other.first_used > last or first > other.last_used:
            continue
        if offset - candidate >= size:
            break
        candidate = max(candidate, offset + other.size_bytes)
    return candidate
