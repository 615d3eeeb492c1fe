"""Placing buffers one after another, each into a gap: what every ordering heuristic shares.

Whether two buffers live together never changes during a search, so it is worked out once. For a
buffer ``x`` and a neighbour ``y`` the forbidden offsets of ``x`` are open intervals relative to
the offset of ``y``. An alias cuts its window out of the interval::

    without alias:   (-size(x) ........................ size(y))
    with alias:      (-size(x) ... low) [allowed] (high ... size(y))

so aliases need no special case when a gap is looked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from operator import add

from tflopt.plan.problem import Alias, Problem, align_up

Neighbour = tuple[int, int, int]
"""The other buffer, and the open interval of offsets relative to it that is forbidden."""


@dataclass(frozen=True)
class Conflicts:
    """For each buffer of ``problem`` the intervals that each of its neighbours forbids."""

    problem: Problem
    neighbours: tuple[tuple[Neighbour, ...], ...]

    @staticmethod
    def of(problem: Problem) -> Conflicts:
        """Work out who conflicts with whom; linear in the number of conflicts."""
        windows = _windows(problem.aliases)
        neighbours: list[list[Neighbour]] = [[] for _ in problem.buffers]
        for i, j in concurrent_pairs(problem):
            for x, y in ((i, j), (j, i)):
                low, high = -problem.buffers[x].size_bytes, problem.buffers[y].size_bytes
                neighbours[x].extend((y, a, b) for a, b in _cut(low, high, windows.get((x, y), ())))
        return Conflicts(problem, tuple(tuple(intervals) for intervals in neighbours))


def count_pairs(problem: Problem) -> int:
    """How many pairs :func:`concurrent_pairs` gives."""
    spans = [buffer.lifetime for buffer in problem.buffers if buffer.size_bytes]
    ends = sorted(span.end for span in spans)
    starts = sorted(span.start for span in spans)
    return sum(number - bisect_right(ends, start) for number, start in enumerate(starts))


def concurrent_pairs(problem: Problem) -> Iterator[tuple[int, int]]:
    """Every pair of non-empty buffers that live together, by a sweep over time."""
    buffers = problem.buffers
    order = [i for i in range(len(buffers)) if buffers[i].size_bytes]
    order.sort(key=lambda i: buffers[i].lifetime.start)
    active: list[int] = []
    for index in order:
        start = buffers[index].lifetime.start
        active = [other for other in active if buffers[other].lifetime.end > start]
        for other in active:
            yield index, other
        active.append(index)


def _windows(
    aliases: Sequence[Alias],
) -> dict[tuple[int, int], list[tuple[int | None, int | None]]]:
    windows: dict[tuple[int, int], list[tuple[int | None, int | None]]] = {}
    for alias in aliases:
        windows.setdefault((alias.first, alias.second), []).append((alias.low, alias.high))
        mirrored = (
            None if alias.high is None else -alias.high,
            None if alias.low is None else -alias.low,
        )
        windows.setdefault((alias.second, alias.first), []).append(mirrored)
    return windows


def _cut(
    low: int, high: int, windows: Sequence[tuple[int | None, int | None]]
) -> list[tuple[int, int]]:
    """The open interval ``(low, high)`` without the closed windows, as open intervals."""
    pieces = [(low, high)]
    for window_low, window_high in windows:
        remaining: list[tuple[int, int]] = []
        for a, b in pieces:
            left_end = a if window_low is None else min(b, window_low)
            right_start = b if window_high is None else max(a, window_high)
            remaining += [(a, left_end), (right_start, b)]
        pieces = [(a, b) for a, b in remaining if b - a > 1]
    return pieces


@dataclass(frozen=True)
class Placer:
    """Places the buffers of one problem in a given order; stateless between calls."""

    conflicts: Conflicts
    best_fit: bool = False
    """Take the smallest gap that is big enough instead of the lowest one."""

    def place(self, order: Sequence[int], limit: int | None = None) -> tuple[list[int], int] | None:
        """Offsets and height for ``order``; None as soon as the height reaches ``limit``.

        Pinned buffers are placed first, whatever the order says.
        """
        buffers = self.conflicts.problem.buffers
        offsets: list[int | None] = [b.fixed_offset for b in buffers]
        height = max(
            (b.fixed_offset + b.size_bytes for b in buffers if b.fixed_offset is not None),
            default=0,
        )
        for index in order:
            if buffers[index].fixed_offset is not None:
                continue
            offset = self._find(index, offsets)
            offsets[index] = offset
            height = max(height, offset + buffers[index].size_bytes)
            if limit is not None and height >= limit:
                return None
        return [0 if offset is None else offset for offset in offsets], height

    def _find(self, index: int, offsets: Sequence[int | None]) -> int:
        blocked = []
        for other, low, high in self.conflicts.neighbours[index]:
            at = offsets[other]
            if at is not None and at + high > 0:
                blocked.append((at + low, at + high))
        blocked.sort()
        alignment = self.conflicts.problem.buffers[index].alignment
        return (_tightest if self.best_fit else _lowest)(blocked, alignment)


class Arrangement:
    """An order and where each buffer then lies; a move places only those again that it concerns.

    First fit looks at the neighbours of a buffer that come before it in the order. So a move
    concerns the buffer and its neighbours; and, where one of those gets another offset, the
    neighbours of that one.
    """

    def __init__(self, conflicts: Conflicts, order: Sequence[int]) -> None:
        self.conflicts = conflicts
        self.sizes = [buffer.size_bytes for buffer in conflicts.problem.buffers]
        self.pinned = [b.fixed_offset is not None for b in conflicts.problem.buffers]
        self.start(order)

    def start(self, order: Sequence[int]) -> None:
        """Place all buffers in another order."""
        placed = Placer(self.conflicts).place(order)
        assert placed is not None  # without a limit there is always a placement
        self.order, (self.offsets, self.height) = list(order), placed
        self.rank = [-1] * len(self.sizes)
        self._number(0, len(self.order))

    def _number(self, first: int, last: int) -> None:
        for place in range(first, last):
            index = self.order[place]
            self.rank[index] = -1 if self.pinned[index] else place

    def move(self, source: int, target: int) -> bool:
        """Bring what is at ``source`` of the order forward to ``target``; False, and nothing is
        changed, where that makes the height greater.
        """
        mover, before = self.order[source], dict[int, int]()
        self._reorder(source, target)
        if not self.pinned[mover] and not self._settle(mover, before):
            self._reorder(target, source)
            for index, offset in before.items():
                self.offsets[index] = offset
            return False
        self.height = max(map(add, self.offsets, self.sizes))
        return True

    def _reorder(self, source: int, target: int) -> None:
        self.order.insert(target, self.order.pop(source))
        self._number(min(source, target), max(source, target) + 1)

    def _settle(self, mover: int, before: dict[int, int]) -> bool:
        """Place again in the order what a move concerns; ``before`` gets what was where."""
        rank, offsets = self.rank, self.offsets
        waiting = [rank[mover]]
        queued = {mover}
        self._wait(mover, waiting, queued)
        while waiting:
            index = self.order[heappop(waiting)]
            queued.discard(index)
            offset = self._find(index)
            if offset == offsets[index]:
                continue
            before.setdefault(index, offsets[index])
            offsets[index] = offset
            if offset + self.sizes[index] > self.height:
                return False
            self._wait(index, waiting, queued)
        return True

    def _wait(self, index: int, waiting: list[int], queued: set[int]) -> None:
        rank = self.rank
        for other, _, _ in self.conflicts.neighbours[index]:
            if rank[other] > rank[index] and other not in queued:
                queued.add(other)
                heappush(waiting, rank[other])

    def _find(self, index: int) -> int:
        rank, offsets, mine, blocked = self.rank, self.offsets, self.rank[index], []
        for other, low, high in self.conflicts.neighbours[index]:
            if rank[other] < mine and offsets[other] + high > 0:
                blocked.append((offsets[other] + low, offsets[other] + high))
        blocked.sort()
        return _lowest(blocked, self.conflicts.problem.buffers[index].alignment)


def _lowest(blocked: Sequence[tuple[int, int]], alignment: int) -> int:
    """The start of the first gap."""
    candidate = 0
    for low, high in blocked:
        if candidate <= low:
            break
        if candidate < high:
            candidate = align_up(high, alignment)
    return candidate


def _tightest(blocked: Sequence[tuple[int, int]], alignment: int) -> int:
    """The start of the gap with the least slack; the open end above all counts as the largest."""
    candidate, best, best_slack = 0, None, 0
    for low, high in blocked:
        if candidate <= low and (best is None or low - candidate < best_slack):
            best, best_slack = candidate, low - candidate
        if candidate < high:
            candidate = align_up(high, alignment)
    return candidate if best is None else best
