"""SAME on rows more than a band needs, so that the band's own rows come out right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from tflopt.facts.windows import Axis, extents
from tflopt.ir import Padding
from tflopt.tiling.segment import Rows


@dataclass(frozen=True)
class Cut:
    """``read`` rows of the input give the output's ``made`` rows, of which the wanted are right."""

    read: Rows
    made: Rows


@lru_cache(maxsize=4096)
def cut_for(window: Axis, rows: Rows) -> Cut | None:
    """The shortest input on which SAME gives ``rows`` of the whole output right; None without.

    Row ``j`` of a tile that reads ``[low, high)`` is row ``first + j`` of the whole if both windows
    begin at the same row. It is right if it meets padding only where the whole does.
    """
    start, end = window.reads(*rows)
    spare = 2 * window.span + window.stride
    best: Cut | None = None
    for low in range(max(0, start - spare), max(0, start) + 1):
        for high in range(min(window.size, max(end, low + 1)), min(window.size, end + spare) + 1):
            if best is not None and high - low >= best.read[1] - best.read[0]:
                break
            made = made_of(window, rows, (low, high), (low, high))
            best = best if made is None else Cut((low, high), made)
    return best


def made_of(window: Axis, rows: Rows, read: Rows, right: Rows) -> Rows | None:
    """The rows that SAME makes of ``read``, None unless ``rows`` are among them and right.

    Args:
        right: the rows among ``read`` that are those of the whole; others are anything.
    """
    low, high = read
    before, count = extents(Padding.SAME, high - low, window.span, window.stride)
    first, rest = divmod(low - before + window.before, window.stride)
    if rest or first > rows[0] or first + count < rows[1]:
        return None
    top, bottom = window.reads(*rows)
    if top < right[0] and (low != 0 or right[0] != 0):
        return None
    if bottom > right[1] and (high != window.size or right[1] != window.size):
        return None
    return first, first + count
