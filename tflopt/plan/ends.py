"""Where lives begin and end, and what that adds to the sums over slots."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from typing import TypeAlias

from tflopt.ir import Op
from tflopt.plan.live import Lives, aligned_bytes
from tflopt.plan.slots import Edit


class Edge(Enum):
    """Where lives begin and end beside operators: before the first one, after the last one."""

    BEGIN = 0
    END = 1


End: TypeAlias = "Op | Edge"
BEYOND = {Edge.BEGIN: -math.inf, Edge.END: math.inf}


def add_lives(lives: Lives[End], edit: Edit, place: Callable[[Op], int], sign: int) -> None:
    """Add lives to the sums. Parts, and the whole in which they lie, never take more together than
    the largest of them.
    """

    def at(end: End) -> float:
        return place(end) if isinstance(end, Op) else BEYOND[end]

    for members in lives.groups():
        sizes = [(root, aligned_bytes(root)) for root in members]
        births = [(at(lives.first[root]), 0, size) for root, size in sizes]
        deaths = [(at(lives.last[root]), 1, -size) for root, size in sizes]
        most, alive = max(size for _, size in sizes), 0
        for slot, ends, grows in sorted((*births, *deaths)):
            step = min(most, alive + grows) - min(most, alive)
            alive += grows
            edit.add(slot, -sign * step if ends else sign * step, ends=bool(ends))
