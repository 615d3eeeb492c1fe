"""Bands as large as a head allows, one after the other.

The bands after one don't change what it needs, so each is made as large as fits: the first are
small, and later ones grow with the rows of the input that have been freed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from tflopt.tiling.needs import Need
from tflopt.tiling.segment import Segment, overlaps
from tflopt.tiling.windows import MODES, Windows

MOST_BANDS = 24
FALL = 0.985
"""By how much the head shrinks from one fit to the next."""
Segments = tuple[Segment, ...]


@dataclass
class Fits:
    """Choices of segments whose bands are as large as a head allows.

    Args:
        instruction_bytes: how many bytes of the tail an instruction is worth, one after the other.
    """

    windows: Windows
    instruction_bytes: Sequence[float]
    known: dict[tuple[Segment, int], Segment | None] = field(default_factory=dict)

    def falling(self, segments: Segments) -> Iterator[Segments]:
        """The same runs for smaller and smaller heads, as long as there are bands for them."""
        head, least = self.windows.head(segments), self.windows.head_without(segments)
        while head is not None:
            choices = list(self.fit(segments, head))
            yield from choices
            if not choices or head <= least:
                return
            segments, head = choices[0], max(least, int(head * FALL))

    def fit(self, segments: Segments, head_bytes: int) -> Iterator[Segments]:
        """Each of the segments in the cheapest bands that need no more."""
        options = [self._fitting(segment, head_bytes) for segment in segments]
        if not all(options):
            return
        seen = set[Segments]()
        for worth in self.instruction_bytes:
            cheapest = tuple(
                min(bands, key=lambda segment: self._price(bands[segment], worth))
                for bands in options
            )
            if cheapest not in seen:
                seen.add(cheapest)
                yield cheapest

    def around(self, segments: Segments) -> Iterator[Segments]:
        """Choices whose runs begin or end elsewhere, are fewer or more; in bands for one head."""
        head = self.windows.head(segments)
        if head is None:
            return
        for number, segment in enumerate(segments):
            rest = (*segments[:number], *segments[number + 1 :])
            yield from self._fit_all(rest, head)
            for first, last in product((-1, 0, 1), (-1, 0, 1)):
                moved = self.windows.moved(segment, segment.first + first, segment.last + last)
                if moved is not None and moved != segment:
                    yield from self._fit_all((*rest, moved), head)
        for (first, last), _ in self.windows.hottest:
            fresh = self.windows.halved(first, last)
            if fresh is not None:
                yield from self._fit_all((*segments, fresh), head)

    def _fit_all(self, segments: Segments, head_bytes: int) -> Iterator[Segments]:
        order = tuple(sorted(segments, key=lambda segment: segment.first))
        if order and not overlaps(order):
            least = self.windows.head_without(order)
            yield from self.fit(order, max(least, head_bytes))

    def _fitting(self, segment: Segment, head_bytes: int) -> dict[Segment, Need]:
        """Bands of a segment, in every mode, that need no more."""
        bands: dict[Segment, Need] = {}
        for halo, edge in MODES:
            other = replace(segment, halo=halo, edge=edge, backwards=False)
            for candidate in (other, self._fitted(other, head_bytes)):
                need = None if candidate is None else self.windows.segment(candidate)
                if candidate is not None and need is not None and need.head_bytes <= head_bytes:
                    bands[candidate] = need
        return bands

    def _price(self, need: Need, worth: float) -> float:
        return need.tail_bytes + worth * need.instructions

    def _fitted(self, segment: Segment, head_bytes: int) -> Segment | None:
        key = (replace(segment, bounds=segment.bounds[-1:]), head_bytes)
        if key not in self.known:
            self.known[key] = fitted(self.windows, segment, head_bytes)
        return self.known[key]


def fitted(windows: Windows, segment: Segment, head_bytes: int) -> Segment | None:
    """The same operators in the fewest bands of which none needs more; None where none fits."""
    size, bounds = segment.bounds[-1], [0]
    rows = segment.bounds[1]
    while bounds[-1] < size and len(bounds) <= MOST_BANDS:
        start = bounds[-1]
        rows = _largest(windows, segment, bounds, min(rows, size - start), head_bytes)
        if rows == 0:
            return None
        bounds.append(start + rows)
    if bounds[-1] < size or len(bounds) < 3:
        return None
    return replace(segment, bounds=tuple(bounds))


def _largest(
    windows: Windows, segment: Segment, bounds: list[int], guess: int, head_bytes: int
) -> int:
    """How many rows the next band can have, looked for from a guess on; 0 for none."""
    left = segment.bounds[-1] - bounds[-1]
    low, high = 0, left + 1  # what fits, and what doesn't
    step, rows = 1, guess
    while high - low > 1:
        if _fits(windows, segment, bounds, rows, head_bytes):
            low, rows = rows, min(rows + step, high - 1)
        else:
            high, rows = rows, max(rows - step, low + 1)
        step *= 2
        if low and high <= left:
            rows = (low + high) // 2
    return low


def _fits(
    windows: Windows, segment: Segment, bounds: list[int], rows: int, head_bytes: int
) -> bool:
    cuts = sorted({*bounds, bounds[-1] + rows, segment.bounds[-1]})
    head = windows.band_head(replace(segment, bounds=tuple(cuts)), len(bounds) - 1)
    return head is not None and head <= head_bytes
