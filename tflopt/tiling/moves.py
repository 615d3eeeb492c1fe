"""Small moves from a choice of segments, drawn at random."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from tflopt.tiling.segment import Edge, Halo, Segment, even_bounds, overlaps
from tflopt.tiling.windows import Windows

Segments = tuple[Segment, ...]
SHIFTS = (-4, -2, -1, -1, 1, 1, 2, 4)
MOST_SEGMENTS = 8
NEW_COUNTS = (2, 2, 3, 3, 4, 6)


def neighbour(segments: Segments, windows: Windows, rng: random.Random) -> Segments | None:
    """One move away; None where the draw leads nowhere."""
    if not segments or (rng.random() < 0.1 and len(segments) < MOST_SEGMENTS):
        new = _new(windows, rng)
        return None if new.count < 2 else _sorted([*segments, new])
    place = rng.randrange(len(segments))
    rest = [*segments[:place], *segments[place + 1 :]]
    if rng.random() < 0.05:
        return tuple(rest)
    moved = _moved(segments[place], windows, rng)
    return None if moved is None else _sorted([*rest, moved])


def _sorted(segments: Sequence[Segment]) -> Segments | None:
    order = tuple(sorted(segments, key=lambda segment: segment.first))
    return None if overlaps(order) else order


def _new(windows: Windows, rng: random.Random) -> Segment:
    """A segment around one of the operators that need the most."""
    (first, last), _ = rng.choice(windows.hottest)
    size = windows.rows(last)
    bounds = even_bounds(size, min(size, rng.choice(NEW_COUNTS)))
    mode = (rng.choice(list(Halo)), rng.choice(list(Edge)))
    return Segment(first, last, bounds, windows.axis(last), *mode)


def _moved(segment: Segment, windows: Windows, rng: random.Random) -> Segment | None:
    draw = rng.random()
    if draw < 0.45:
        return _shifted(segment, rng)
    if draw < 0.6:
        return _recounted(segment, rng)
    if draw < 0.75:
        flip = rng.random() < 0.5
        halo = Halo.KEPT if segment.halo is Halo.TWICE else Halo.TWICE
        edge = rng.choice([other for other in Edge if other is not segment.edge])
        return replace(segment, halo=halo) if flip else replace(segment, edge=edge)
    first = segment.first + rng.choice((-1, 0, 1))
    last = segment.last + rng.choice((-1, 0, 1))
    return windows.moved(segment, first, last)


def _shifted(segment: Segment, rng: random.Random) -> Segment | None:
    """One or two cuts elsewhere."""
    bounds = list(segment.bounds)
    for _ in range(rng.choice((1, 1, 2))):
        bounds[rng.randrange(1, len(bounds) - 1)] += rng.choice(SHIFTS)
    return _with(segment, bounds)


def _recounted(segment: Segment, rng: random.Random) -> Segment | None:
    """A cut more or less, or cuts at equal distances."""
    bounds = list(segment.bounds)
    draw = rng.random()
    if draw < 0.4:
        bounds.append(rng.randrange(1, bounds[-1]))
    elif draw < 0.8:
        del bounds[rng.randrange(1, len(bounds) - 1)]
    else:
        count = segment.count + rng.choice((-1, 0, 1))
        bounds = list(even_bounds(bounds[-1], max(2, min(count, bounds[-1]))))
    return _with(segment, sorted(set(bounds)))


def _with(segment: Segment, bounds: Sequence[int]) -> Segment | None:
    rises = all(low < high for low, high in pairwise(bounds))
    return replace(segment, bounds=tuple(bounds)) if rises and len(bounds) > 2 else None
