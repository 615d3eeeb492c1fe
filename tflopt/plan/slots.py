"""The bytes alive at each operator, in slots of which some are free, with sums by blocks.

::

    slots      . a . . b . | c . . d . .        a dot is a free slot
    starts       x     y   |       z            bytes that come to life here
    stops              x   | y                  bytes that live here for the last time
    block      sum, top    | sum, top           top: the most alive, beside what began in front

What is alive in a slot is all that started up to there without all that stopped in front. A change
concerns a few slots, so a few blocks are added up anew, and the highest of all is looked for
among the blocks.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Sums: TypeAlias = npt.NDArray[np.int64]
BLOCK = 256
"""Slots that are added up at once."""
STRIDE = 4
"""Slots for each operator, as long as none has come."""
WIDEST = 16
"""Slots for each operator once so many came at one place."""
FREE = -(1 << 62)
"""What is alive in a free slot: far below any sum."""
MOST_BLOCKS = 16
"""Blocks that are added up one by one; more are added up all together."""


@dataclass
class Edit:
    """What a change adds to the sums; ``extra`` is what an operator takes beside values, set anew.

    Attributes:
        fed: bytes that are alive before the first operator.
        unread: those of them that no operator reads: they are alive at the first one.
    """

    starts: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    stops: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    extra: dict[int, int] = field(default_factory=dict)
    fed: int = 0
    unread: int = 0

    def add(self, slot: float, grows: int, *, ends: bool) -> None:
        """Bytes start or stop in a slot; in front of all or behind all where it is infinite."""
        if math.isinf(slot):
            if slot < 0:
                self.fed += 0 if ends else grows
                self.unread += grows if ends else 0
            return
        (self.stops if ends else self.starts)[int(slot)] += grows


class Slots:
    """The sums over a sequence of operators.

    Args:
        operators: how many there are room for at first.
    """

    def __init__(self, operators: int) -> None:
        self.fed = self.unread = 0
        self._empty(operators * STRIDE)

    def _empty(self, slots: int) -> None:
        self.count = max(1, -(-slots // BLOCK)) * BLOCK
        self.starts, self.stops = np.zeros(self.count, np.int64), np.zeros(self.count, np.int64)
        self.extra = np.full(self.count, FREE, np.int64)
        self._add_up()

    def _add_up(self) -> None:
        self.sums, self.tops = _added(self.starts, self.stops, self.extra)

    def first(self, operators: int) -> range:
        """The slots of as many operators as come first of all."""
        return range(STRIDE // 2, STRIDE * operators + STRIDE // 2, STRIDE)

    def spread(self, taken: Sequence[int], rooms: Mapping[int, int]) -> list[int]:
        """Move all operators apart, and say where they are then.

        Args:
            taken: their slots, ascending.
            rooms: how many more are to have room in front of which of them, by its number.
        """
        stride = min(WIDEST, max(STRIDE, 1 << max(rooms.values()).bit_length()))
        shifts = np.zeros(len(taken) + 1, np.int64)
        for number, room in rooms.items():
            shifts[number] += room
        shifts = np.cumsum(shifts)
        places = np.arange(len(taken)) * stride + stride // 2 + shifts[:-1]
        old = self.starts[taken], self.stops[taken], self.extra[taken]
        self._empty(len(taken) * stride + int(shifts[-1]) + 1)
        self.starts[places], self.stops[places], self.extra[places] = old
        self._add_up()
        moved: list[int] = places.tolist()
        return moved

    def apply(self, edit: Edit) -> None:
        """Make a change."""
        self.fed, self.unread = self.fed + edit.fed, self.unread + edit.unread
        _write(edit, (self.starts, self.stops, self.extra), 0, self.count)
        blocks = _blocks(edit)
        if len(blocks) > MOST_BLOCKS:
            self._add_up()
            return
        for block in blocks:
            part = slice(block * BLOCK, (block + 1) * BLOCK)
            self.sums[block], self.tops[block] = (
                ends[0] for ends in _added(self.starts[part], self.stops[part], self.extra[part])
            )

    def peak(self, edit: Edit) -> int:
        """The most bytes that are alive in one slot after a change; 0 where there is none."""
        sums, tops, extra = self.sums.copy(), self.tops.copy(), {}
        for block in _blocks(edit):
            low, high = block * BLOCK, (block + 1) * BLOCK
            parts = [array[low:high].copy() for array in (self.starts, self.stops, self.extra)]
            _write(edit, parts, low, high)
            extra[block] = parts[0] + parts[2]
            sums[block], tops[block] = (ends[0] for ends in _added(*parts))
        fed, unread = self.fed + edit.fed, self.unread + edit.unread
        most = int((np.cumsum(sums) - sums + tops).max())
        if most < FREE // 2:
            return 0
        if unread:
            block = int(np.argmax(tops > FREE // 2))
            part = slice(block * BLOCK, (block + 1) * BLOCK)
            alone = extra.get(block, self.starts[part] + self.extra[part])
            most = max(most, unread + int(alone[np.argmax(alone > FREE // 2)]))
        return fed - unread + most


def _added(starts: Sums, stops: Sums, extra: Sums) -> tuple[Sums, Sums]:
    """Of each block, the sum and the top."""
    rows = (-1, BLOCK)
    alive = np.cumsum((starts - stops).reshape(rows), axis=1)
    return alive[:, -1].copy(), (alive + (stops + extra).reshape(rows)).max(axis=1)


def _blocks(edit: Edit) -> set[int]:
    return {slot // BLOCK for part in (edit.starts, edit.stops, edit.extra) for slot in part}


def _write(edit: Edit, parts: Iterable[Sums], low: int, high: int) -> None:
    """Into the parts of the arrays from ``low`` on, up to ``high``."""
    starts, stops, extra = parts
    for slot, grows in edit.starts.items():
        if low <= slot < high:
            starts[slot - low] += grows
    for slot, grows in edit.stops.items():
        if low <= slot < high:
            stops[slot - low] += grows
    for slot, bytes_ in edit.extra.items():
        if low <= slot < high:
            extra[slot - low] = bytes_
