"""Beam search over the canonical order of `tflopt.plan.solvers.exact`, for large hard problems.

The exact search goes deep and, where it errs early, never comes back. This one goes through the
same choices level by level and keeps the few best partial placements of each level. What makes a
partial placement good is how little it has wasted: at each step in time, the least offset that
an unplaced buffer can still get plus what is still to be placed is a height that can't be
undercut. Steps near the limit hurt most, so these heights are added up under a high power::

    score = sum over steps of ((floor + remaining) / limit) ** power

Deterministic; gives a solution, never a proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tflopt.plan.solvers.exact import ExactSearch, Flags

Words = NDArray[np.int32]

_FAR = np.int32((1 << 31) - 1)


@dataclass(frozen=True)
class BeamOptions:
    """How many partial placements survive a level, and how many continuations each may have."""

    width: int = 8
    choices: int = 16
    power: float = 16.0


@dataclass(frozen=True)
class _State:
    """A partial placement: the unplaced buffers, their least offsets, what remains per step."""

    members: NDArray[np.int64]
    least: Words
    remaining: Words
    trail: tuple[_State, int, int] | None
    """The state before, the buffer placed and its offset."""


@dataclass(frozen=True)
class _Child:
    parent: _State
    choice: int
    height: int
    score: float
    members: NDArray[np.int64]
    least: Words

    @property
    def rank(self) -> tuple[int, float]:
        return self.height, self.score


@dataclass(frozen=True)
class BeamSearch:
    """The arrays of one problem in units of its granule; `run` gives offsets."""

    arrays: ExactSearch
    sizes: Words
    covers: Flags
    """Whether buffer ``i`` lives at step ``t``."""

    @staticmethod
    def of(arrays: ExactSearch) -> BeamSearch | None:
        """None if the sizes don't fit into 32-bit words."""
        sizes = arrays.sizes // arrays.granule
        if int(sizes.sum()) >= int(_FAR) // 2:
            return None
        steps = np.arange(int(arrays.ends.max()))
        covers = (arrays.starts[:, None] <= steps) & (steps < arrays.ends[:, None])
        return BeamSearch(arrays, sizes.astype(np.int32), covers)

    @property
    def work(self) -> int:
        """Array elements touched per continuation, summed over the levels: a measure of time."""
        return self.covers.size * len(self.sizes) // 2

    def run(
        self, limit: int, options: BeamOptions, expired: Callable[[], bool]
    ) -> list[int] | None:
        """Offsets, aiming at ``limit``; None if ``expired`` before the end."""
        count, target = len(self.sizes), max(1, limit // self.arrays.granule)
        remaining = (self.covers * self.sizes[:, None]).sum(0, dtype=np.int32)
        states = [_State(np.arange(count), np.zeros(count, np.int32), remaining, None)]
        for _ in range(count):
            if expired():
                return None
            states = self._next_level(states, target, options)
        return self._offsets(states[0])

    def _next_level(self, states: list[_State], target: int, options: BeamOptions) -> list[_State]:
        children: dict[bytes, _Child] = {}
        for state in states:
            for child in self._children(state, target, options):
                key = child.members.tobytes() + child.least.tobytes()
                known = children.get(key)
                if known is None or child.rank < known.rank:
                    children[key] = child
        best = sorted(children.values(), key=lambda child: child.rank)[: options.width]
        return [self._placed(child) for child in best]

    def _placed(self, child: _Child) -> _State:
        parent, choice = child.parent, child.choice
        buffer = int(parent.members[choice])
        remaining = parent.remaining - self.covers[buffer] * self.sizes[buffer]
        trail = (parent, buffer, int(parent.least[choice]))
        return _State(child.members, child.least, remaining, trail)

    def _children(self, state: _State, target: int, options: BeamOptions) -> Iterator[_Child]:
        members, least = state.members, state.least
        choices = self._choices(members, least, options.choices)
        placed = members[choices]
        offsets = least[choices]
        tops = offsets + self.sizes[placed]
        clash = self.arrays.clash[np.ix_(placed, members)]
        raised = np.maximum(least, np.where(clash, tops[:, None], offsets[:, None]))
        open_least = raised.copy()
        open_least[np.arange(len(choices)), choices] = _FAR
        covers = self.covers[members]
        lowest = np.where(covers, open_least[:, :, None], _FAR).min(1)
        remaining = state.remaining - self.covers[placed] * self.sizes[placed, None]
        heights = np.where(remaining > 0, lowest, 0) + remaining
        bounds = np.maximum(np.maximum(heights.max(1), tops), target)
        scores = ((heights / target) ** options.power).sum(1)
        for row, choice in enumerate(choices.tolist()):
            rest = np.delete(members, choice)
            after = np.delete(raised[row], choice).astype(np.int32)
            yield _Child(state, choice, int(bounds[row]), float(scores[row]), rest, after)

    def _choices(self, members: NDArray[np.int64], least: Words, most: int) -> NDArray[np.int64]:
        """Positions that aren't dominated; the lowest and then the largest, if they are many."""
        sizes = self.sizes[members]
        candidates = np.flatnonzero(least < (least + sizes).min())
        if len(candidates) <= most:
            return candidates
        lengths = (self.arrays.ends - self.arrays.starts)[members]
        order = np.lexsort((-(sizes * lengths)[candidates], least[candidates]))
        return candidates[order[:most]]

    def _offsets(self, state: _State) -> list[int]:
        offsets = [0] * len(self.sizes)
        trail = state.trail
        while trail is not None:
            before, buffer, offset = trail
            offsets[buffer] = offset * self.arrays.granule
            trail = before.trail
        return offsets
