"""A segment: which operators run band by band, and where the bands are cut. Plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from tflopt.facts.windows import HEIGHT

Rows = tuple[int, int]
"""Half-open: first row, row behind the last."""


class Halo(Enum):
    """What becomes of the rows that two bands read."""

    TWICE = "computed twice"
    KEPT = "kept"
    __hash__ = object.__hash__  # of its name it is slow, and a search asks millions of times


class Edge(Enum):
    """How a window pads one axis only, which TFLite's padding can't say."""

    PAD = "padded first"
    """PAD with the zero point in front of it, then VALID."""
    CUT = "cut off"
    """SAME on some rows more, of which the wrong ones are cut off."""
    LESS = "padded first or cut off late"
    """For each layer of a band what takes fewer bytes; wrong rows are handed on while they can."""
    __hash__ = object.__hash__


@dataclass(frozen=True)
class Segment:
    """Operators ``first`` to ``last`` of the main graph, whose output is made in bands.

    Args:
        bounds: where the output of the last operator is cut, from 0 to its size.
        axis: 1, or 2 where the height is 1.
        backwards: the last band runs first. What is free then lies behind what is left of the
            input, and no longer in front of it.
    """

    first: int
    last: int
    bounds: tuple[int, ...]
    axis: int = HEIGHT
    halo: Halo = Halo.TWICE
    edge: Edge = Edge.PAD
    backwards: bool = False

    def __hash__(self) -> int:
        """Of its numbers: a search looks millions of them up, and enums hash slowly."""
        return hash((self.first, self.last, self.bounds))

    @property
    def count(self) -> int:
        """How many bands."""
        return len(self.bounds) - 1

    @property
    def bands(self) -> tuple[Rows, ...]:
        """The rows of each band, in the order in which they run."""
        bands = tuple(pairwise(self.bounds))
        return bands[::-1] if self.backwards else bands

    def turned(self) -> Segment:
        """The same from the other end: bands of as many rows in the other order."""
        bounds = tuple(self.bounds[-1] - bound for bound in reversed(self.bounds))
        return replace(self, bounds=bounds, backwards=not self.backwards)

    def moved(self, first: int, last: int, size: int) -> Segment:
        """The same bands, in proportion, for other operators; ``size`` is that of the output."""
        cuts = {round(bound * size / self.bounds[-1]) for bound in self.bounds}
        return replace(self, first=first, last=last, bounds=tuple(sorted(cuts)))

    def __str__(self) -> str:
        rows = ", ".join(str(end - start) for start, end in pairwise(self.bounds))
        what = "rows" if self.axis == HEIGHT else "columns"
        return (
            f"operators {self.first} to {self.last} in {self.count} bands of {rows} {what}, "
            f"shared rows {self.halo.value}, edges {self.edge.value}"
            f"{', the last band first' if self.backwards else ''}"
        )


def even_bounds(size: int, count: int) -> tuple[int, ...]:
    """``count`` bands as equal as whole rows allow; fewer where there are fewer rows."""
    return tuple(sorted({round(size * number / count) for number in range(count + 1)}))


def overlaps(segments: Sequence[Segment]) -> bool:
    """Whether two segments share an operator."""
    order = sorted(segments, key=lambda segment: segment.first)
    return any(one.last >= two.first for one, two in pairwise(order))
