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

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tflopt.facts.offline_plan import ONLINE

SORTING = 8
"""Looking at an entry of a sorted list is so much cheaper than sorting it."""
MANY = 256
"""Entries from which on columns of numbers are faster than a list of them."""
"""The offline offset that means "place it at run time" (kOnlinePlannedBuffer)."""


@dataclass(frozen=True, slots=True)
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
    placed = _Placed(requirements)
    for order, index in enumerate(_placement_order(requirements)):
        current = requirements[index]
        if current.offline_offset != ONLINE:
            offset = current.offline_offset
        else:
            beside = placed.beside(current)
            if beside is placed.by_offset and len(beside) >= MANY:
                offset = placed.crowd().first_gap(current)
            else:
                offset = _first_gap(current, beside, requirements)
        offsets[index] = offset
        placed.add(current, (offset, order, index))
    ends = (o + r.size_bytes for o, r in zip(offsets, requirements, strict=True))
    return GreedyPlacement(tuple(offsets), max(ends, default=0))


_Entry = tuple[int, int, int]
"""Offset, order of placement, index: entries are compared from left to right."""


class _Placed:
    """What has its place, by offset and by time: whoever comes next looks at its neighbours only.

    What overlaps a lifetime in time is live at its first step, or begins later in it. The former
    stand in a segment tree over all first and last steps, the latter in a list by first step.
    """

    def __init__(self, requirements: Sequence[Requirement]) -> None:
        steps = sorted({step for r in requirements for step in (r.first_used, r.last_used)})
        self.rank = {step: number for number, step in enumerate(steps)}
        self.leaves = 1 << (len(steps) - 1).bit_length() if steps else 1
        self.tree: dict[int, list[_Entry]] = {}
        self.by_offset: list[_Entry] = []
        self.by_start: list[tuple[int, _Entry]] = []
        self.requirements = requirements
        self.columns: _Crowd | None = None

    def crowd(self) -> _Crowd:
        """All of it as columns, from the first time on that they are asked for."""
        if self.columns is None:
            self.columns = _Crowd(len(self.requirements))
            for offset, _, index in self.by_offset:
                self.columns.add(self.requirements[index], offset)
        return self.columns

    def add(self, requirement: Requirement, entry: _Entry) -> None:
        """Enter it, once its offset is known."""
        insort(self.by_offset, entry)
        if self.columns is not None:
            self.columns.add(requirement, entry[0])
        insort(self.by_start, (requirement.first_used, entry))
        low = self.rank[requirement.first_used] + self.leaves
        high = self.rank[requirement.last_used] + self.leaves + 1
        while low < high:  # the largest nodes that its lifetime covers whole
            if low & 1:
                self.tree.setdefault(low, []).append(entry)
                low += 1
            if high & 1:
                high -= 1
                self.tree.setdefault(high, []).append(entry)
            low, high = low >> 1, high >> 1

    def beside(self, current: Requirement) -> Sequence[_Entry]:
        """All that overlaps it in time, by offset; more where most do."""
        last = max(current.first_used, current.last_used)
        begin = bisect_right(self.by_start, current.first_used, key=_start)
        end = bisect_right(self.by_start, last, key=_start)
        if (end - begin) * SORTING > len(self.by_offset):
            return self.by_offset
        entries = [entry for _, entry in self.by_start[begin:end]]
        node = self.rank[current.first_used] + self.leaves
        while node:
            entries += self.tree.get(node, ())
            if len(entries) * SORTING > len(self.by_offset):
                return self.by_offset
            node >>= 1
        return sorted(entries)


class _Crowd:
    """The same as columns by offset (begins, ends, first and last steps), for many at once."""

    def __init__(self, most: int) -> None:
        self.columns = np.zeros((4, most), np.int64)
        self.count = 0

    def add(self, requirement: Requirement, offset: int) -> None:
        """Enter it behind all that begin at its offset or before."""
        columns, count = self.columns, self.count
        at = int(np.searchsorted(columns[0, :count], offset, side="right"))
        columns[:, at + 1 : count + 1] = columns[:, at:count].copy()
        end = offset + requirement.size_bytes
        columns[:, at] = (offset, end, requirement.first_used, requirement.last_used)
        self.count += 1

    def first_gap(self, current: Requirement) -> int:
        """As :func:`_first_gap`."""
        begins, ends, firsts, lasts = self.columns[:, : self.count]
        beside = (firsts <= current.last_used) & (lasts >= current.first_used)
        tops = np.maximum.accumulate(np.append(0, ends[beside]))
        fits = np.flatnonzero(begins[beside] - tops[:-1] >= current.size_bytes)
        return int(tops[fits[0]] if len(fits) else tops[-1])


def _start(pair: tuple[int, _Entry]) -> int:
    return pair[0]


def _placement_order(requirements: Sequence[Requirement]) -> list[int]:
    count = len(requirements)
    fixed = [i for i in range(count) if requirements[i].offline_offset != ONLINE]
    online = [i for i in reversed(range(count)) if requirements[i].offline_offset == ONLINE]
    online.sort(key=lambda i: -requirements[i].size_bytes)
    return fixed + online


def _first_gap(
    current: Requirement,
    placed: Sequence[_Entry],
    requirements: Sequence[Requirement],
) -> int:
    candidate, first, last, size = 0, current.first_used, current.last_used, current.size_bytes
    for offset, _, index in placed:
        other = requirements[index]
        if other.first_used > last or first > other.last_used:
            continue
        if offset - candidate >= size:
            break
        candidate = max(candidate, offset + other.size_bytes)
    return candidate
