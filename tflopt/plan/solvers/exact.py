"""Exact search: does everything fit below a given height?

The approach is the published one of MiniMalloc (Moffitt, ASPLOS 2023), written anew on numpy
arrays. Three facts carry it:

- *Canonical order.* Any solution can be pushed down until every buffer rests on another one or
  on zero, and its buffers can be listed by rising offset. So it is enough to place buffers one by
  one, each at the lowest offset that those before it leave, and never below the last one placed.
- *Dominance.* If some buffer would fit entirely below the offset of the chosen one, the
  result could be pushed down further: another branch holds it already.
- *Inference.* At every step in time, what isn't placed yet there must fit between the lowest
  offset that it can still have and the limit.

::

    limit  -----------------------------
            remaining(t)  must fit here
           ~~~~~~~~~~~~~  floor(t): least offset that an unplaced buffer at t can still get
           | placed |

Where no unplaced buffer crosses a step, the two sides don't influence each other and are searched
apart, so a dead end on one side isn't tried again for each placement on the other.
An exhausted search is a proof that no solution lies below the limit; a spent node limit isn't.
Pinned buffers and aliases break the first fact: such problems don't come here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tflopt.plan.problem import Problem

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_FAR = np.int64(1) << 60


class NodeLimitError(Exception):
    """The search used up its nodes (or its time) without an answer."""


@dataclass
class NodeBudget:
    """How many placements a search may still try, and a guard for wall time."""

    nodes: int
    expired: Callable[[], bool] = field(default=lambda: False)

    def spend(self) -> None:
        """Count one placement; raises `NodeLimitError` when none is left."""
        self.nodes -= 1
        if self.nodes < 0 or (self.nodes % 64 == 0 and self.expired()):
            raise NodeLimitError


def supports(problem: Problem) -> bool:
    """Whether the search is complete for ``problem``: no aliases, pins or unaligned sizes."""
    return not problem.aliases and all(
        buffer.fixed_offset is None
        and buffer.size_bytes > 0
        and buffer.size_bytes % buffer.alignment == 0
        and buffer.alignment == problem.buffers[0].alignment
        for buffer in problem.buffers
    )


@dataclass(frozen=True)
class ExactSearch:
    """The arrays of one problem; `fit` searches for a solution below a limit."""

    starts: Ints
    ends: Ints
    sizes: Ints
    clash: Flags
    granule: int
    """Divides every size: so it divides every height that a pushed-down solution can have."""

    @staticmethod
    def of(problem: Problem) -> ExactSearch:
        """Compress time to the steps where something changes, and find who clashes with whom."""
        buffers = problem.buffers
        steps = sorted({b.lifetime.start for b in buffers} | {b.lifetime.end for b in buffers})
        rank = {step: i for i, step in enumerate(steps)}
        starts = np.array([rank[b.lifetime.start] for b in buffers], np.int64)
        ends = np.array([rank[b.lifetime.end] for b in buffers], np.int64)
        sizes = np.array([b.size_bytes for b in buffers], np.int64)
        clash = (starts[:, None] < ends[None, :]) & (starts[None, :] < ends[:, None])
        return ExactSearch(starts, ends, sizes, clash, int(np.gcd.reduce(sizes)))

    def fit(
        self, limit: int, budget: NodeBudget, rng: random.Random | None = None
    ) -> list[int] | None:
        """Offsets with every end at or below ``limit``; None if there are none.

        Raises `NodeLimitError` when the budget is spent.
        ``rng`` varies the order in which equally good candidates are tried.
        """
        order = np.argsort(self.starts, kind="stable")
        offsets = np.zeros(len(self.sizes), np.int64)
        state = _State(self, limit, budget, offsets, self._preference(rng))
        for members in np.split(order, self.cuts(order)):
            if len(members) and not state.search(_Part(members, 0 * members, 0, -1)):
                return None
        return [int(offset) for offset in offsets]

    def _preference(self, rng: random.Random | None) -> Ints:
        """A rank per buffer: what to try first among candidates for the same offset."""
        lengths = self.ends - self.starts
        keys = [(-int(n) * int(s), -int(s)) for n, s in zip(lengths, self.sizes, strict=True)]
        if rng is not None:
            factors = [rng.uniform(0.5, 2.0) for _ in keys]
            keys = [(round(a * f), b) for (a, b), f in zip(keys, factors, strict=True)]
        rank = np.zeros(len(keys), np.int64)
        rank[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
        return rank

    def cuts(self, members: Ints) -> Ints:
        """Where to split ``members``, sorted by start: at steps that none of them crosses."""
        reach = np.maximum.accumulate(self.ends[members])
        return np.flatnonzero(self.starts[members][1:] >= reach[:-1]) + 1


@dataclass
class _Part:
    """Buffers to place, none below its ``least`` offset, after ``last`` went to ``floor``."""

    members: Ints
    least: Ints
    floor: int
    last: int


@dataclass
class _Frame:
    """One level of the search: the choices left, and the parts that the current one leaves."""

    part: _Part
    choices: Iterator[int]
    choice: int = -1
    pending: list[_Part] | None = None


@dataclass(frozen=True)
class _State:
    """One search below one limit: writes the offsets of the parts it solves."""

    arrays: ExactSearch
    limit: int
    budget: NodeBudget
    offsets: Ints
    rank: Ints

    def search(self, part: _Part) -> bool:
        """Depth first over explicit frames: a deep model must not exhaust Python's stack."""
        frames = [_Frame(part, self._choices(part))]
        while frames:
            frame = frames[-1]
            if frame.pending:
                below = frame.pending.pop()
                frames.append(_Frame(below, self._choices(below)))
                continue
            solved = frame.pending is not None
            if solved or not self._advance(frame):
                frames.pop()
                if not frames:
                    return solved
                if not solved:
                    self._reject(frames[-1])
        return False

    def _advance(self, frame: _Frame) -> bool:
        """Take the next choice; False if there is none."""
        choice = next(frame.choices, None)
        if choice is None:
            return False
        self.budget.spend()
        frame.choice = choice
        frame.pending = self._place(choice, frame.part)
        return True

    def _reject(self, frame: _Frame) -> None:
        """The current choice led nowhere."""
        frame.pending = None
        members = frame.part.members
        if int(self.arrays.clash[members[frame.choice], members].sum()) == 1:
            # Nothing else lives with it: it can't have been in the way, so no other choice helps.
            frame.choices = iter(())

    def _choices(self, part: _Part) -> Iterator[int]:
        """Positions in ``part`` worth placing next, best first; none if it is hopeless."""
        members, arrays = part.members, self.arrays
        tops = part.least + arrays.sizes[members]
        if self._hopeless(part, tops):
            return iter(())
        eligible = part.least < tops.min()
        if part.last >= 0:  # of buffers at one offset that don't clash, rising indices are enough
            later = (part.least > part.floor) | (members > part.last)
            eligible &= later | arrays.clash[members, part.last]
        candidates = np.flatnonzero(eligible)
        order = np.lexsort((self.rank[members[candidates]], part.least[candidates]))
        return iter(candidates[order].tolist())

    def _place(self, choice: int, part: _Part) -> list[_Part]:
        """Place one member at its least offset; the parts that remain."""
        arrays, buffer, offset = self.arrays, int(part.members[choice]), int(part.least[choice])
        self.offsets[buffer] = offset
        keep = np.ones(len(part.members), bool)
        keep[choice] = False
        rest = part.members[keep]
        top = offset + int(arrays.sizes[buffer])
        floors = np.where(arrays.clash[rest, buffer], top, offset)
        least = np.maximum(part.least[keep], floors)
        pieces = np.split(np.arange(len(rest)), arrays.cuts(rest))
        return [_Part(rest[p], least[p], offset, buffer) for p in pieces if len(p)]

    def _hopeless(self, part: _Part, tops: Ints) -> bool:
        """Some step can't hold what is still to be placed there."""
        if int(tops.max()) > self.limit:
            return True
        arrays, members = self.arrays, part.members
        starts, ends = arrays.starts[members], arrays.ends[members]
        base = int(starts.min())
        width = int(ends.max()) - base
        change = np.bincount(starts - base, arrays.sizes[members], width + 1)
        change -= np.bincount(ends - base, arrays.sizes[members], width + 1)
        remaining = np.cumsum(change)[:width]
        lowest = np.full(width, _FAR)
        for i in np.argsort(-part.least, kind="stable").tolist():
            lowest[starts[i] - base : ends[i] - base] = part.least[i]
        used = remaining > 0
        return bool((lowest[used] + remaining[used] > self.limit).any())
