"""Exact search that also understands aliases and pins, for problems with few live buffers.

For two buffers that live together the distance of their offsets must lie in one of a few
intervals: the one below the other, the other below the one, or a window that an alias opens::

    distance   <== first below ==|   [ alias ]   |== first above ==>

A choice of interval is a pair of difference constraints, and choices for all pairs that have a
solution at all have a least one. So the search keeps a least and a greatest offset per buffer,
and branches only over a pair that the least offsets violate. If they violate none, they are the
solution; if every choice fails, there is none below the limit. Complete without exceptions, but
with little inference: for many buffers without aliases `tflopt.plan.solvers.exact` is stronger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tflopt.plan.problem import Problem, align_up
from tflopt.plan.solvers.exact import NodeBudget
from tflopt.plan.solvers.placement import Conflicts

Interval = tuple[int, int]

_FAR = 1 << 60


@dataclass(frozen=True)
class _Pair:
    """``offset(first) - offset(second)`` must lie in one of ``choices``."""

    first: int
    second: int
    choices: tuple[Interval, ...]
    weight: int


@dataclass
class _Node:
    """Bounds of every offset, and the interval chosen for each decided pair."""

    least: list[int]
    most: list[int]
    chosen: dict[int, Interval]


@dataclass(frozen=True)
class DisjunctiveSearch:
    """The pairs of one problem; `fit` searches for a solution below a limit."""

    problem: Problem
    pairs: tuple[_Pair, ...]
    touching: tuple[tuple[int, ...], ...]

    @staticmethod
    def of(problem: Problem) -> DisjunctiveSearch:
        """Collect the pairs that live together, with the distances they may have."""
        conflicts = Conflicts.of(problem)
        pairs: list[_Pair] = []
        touching: list[list[int]] = [[] for _ in problem.buffers]
        for first, neighbours in enumerate(conflicts.neighbours):
            forbidden: dict[int, list[Interval]] = {}
            for second, low, high in neighbours:
                if second < first:
                    forbidden.setdefault(second, []).append((low, high))
            for second, intervals in forbidden.items():
                sizes = problem.buffers[first].size_bytes + problem.buffers[second].size_bytes
                for index in (first, second):
                    touching[index].append(len(pairs))
                pairs.append(_Pair(first, second, _allowed(intervals), sizes))
        return DisjunctiveSearch(problem, tuple(pairs), tuple(tuple(t) for t in touching))

    def fit(self, limit: int, budget: NodeBudget) -> list[int] | None:
        """Offsets with every end at or below ``limit``; None if there are none.

        Raises `tflopt.plan.solvers.exact.NodeLimitError` when the budget is spent.
        """
        root = self._root(limit)
        stack = [root] if root is not None else []
        while stack:
            node = stack.pop()
            pair = self._violated(node)
            if pair is None:
                return node.least
            for choice in reversed(self._possible(self.pairs[pair], node)):
                budget.spend()
                child = _Node(list(node.least), list(node.most), {**node.chosen, pair: choice})
                if self._propagate(child, [pair]):
                    stack.append(child)
        return None

    def _root(self, limit: int) -> _Node | None:
        least, most = [], []
        for buffer in self.problem.buffers:
            pinned = buffer.fixed_offset
            top = (limit - buffer.size_bytes) // buffer.alignment * buffer.alignment
            least.append(0 if pinned is None else pinned)
            most.append(top if pinned is None else min(pinned, limit - buffer.size_bytes))
        if any(a > b for a, b in zip(least, most, strict=True)):
            return None
        root = _Node(least, most, {})
        return root if self._propagate(root, list(range(len(self.pairs)))) else None

    def _violated(self, node: _Node) -> int | None:
        """The pair that the least offsets violate with the fewest ways out, or the largest."""
        best, best_rank = None, (0, 0)
        for index, pair in enumerate(self.pairs):
            distance = node.least[pair.first] - node.least[pair.second]
            if any(low <= distance <= high for low, high in pair.choices):
                continue
            rank = (len(self._possible(pair, node)), -pair.weight)
            if best is None or rank < best_rank:
                best, best_rank = index, rank
        return best

    def _possible(self, pair: _Pair, node: _Node) -> list[Interval]:
        low = node.least[pair.first] - node.most[pair.second]
        high = node.most[pair.first] - node.least[pair.second]
        return [choice for choice in pair.choices if choice[0] <= high and low <= choice[1]]

    def _propagate(self, node: _Node, changed: Sequence[int]) -> bool:
        """Tighten bounds until nothing changes; False if some pair has no choice left."""
        pending = list(changed)
        queued = set(pending)
        while pending:
            index = pending.pop()
            queued.discard(index)
            pair = self.pairs[index]
            chosen = node.chosen.get(index)
            possible = [chosen] if chosen is not None else self._possible(pair, node)
            if not possible:
                return False
            if len(possible) > 1:
                continue
            node.chosen[index] = possible[0]
            for buffer in self._tighten(node, pair, possible[0]):
                if node.least[buffer] > node.most[buffer]:
                    return False
                fresh = [other for other in self.touching[buffer] if other not in queued]
                pending.extend(fresh)
                queued.update(fresh)
        return True

    def _tighten(self, node: _Node, pair: _Pair, choice: Interval) -> list[int]:
        """Apply one interval to both bounds of both buffers; those that changed."""
        (low, high), first, second = choice, pair.first, pair.second
        buffers = self.problem.buffers
        changed = []
        for buffer, least, most in (
            (first, node.least[second] + low, node.most[second] + high),
            (second, node.least[first] - high, node.most[first] - low),
        ):
            alignment = 1 if buffers[buffer].fixed_offset is not None else buffers[buffer].alignment
            least, most = align_up(least, alignment), most // alignment * alignment
            if least > node.least[buffer] or most < node.most[buffer]:
                node.least[buffer] = max(node.least[buffer], least)
                node.most[buffer] = min(node.most[buffer], most)
                changed.append(buffer)
        return changed


def _allowed(forbidden: Sequence[Interval]) -> tuple[Interval, ...]:
    """What open intervals leave of the line, as closed intervals."""
    intervals, start = [], -_FAR
    for low, high in sorted(forbidden):
        if low >= start:
            intervals.append((start, low))
        start = max(start, high)
    return (*intervals, (start, _FAR))
