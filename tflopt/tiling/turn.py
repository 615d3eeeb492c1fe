"""Segments from the other end: the last band runs first.

Nothing adds up otherwise, but pieces fit into each other otherwise: what a band frees lies behind
what is left of the input, beside what is free anyhow, and no longer alone in front of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product

from tflopt.tiling.segment import Edge, Halo, Segment

FEW_CUTS = 3
"""Up to so many are moved by a row as well: the two ends are padded unlike."""


def turns(segments: Sequence[Segment]) -> Iterator[tuple[Segment, ...]]:
    """The same choice with one of its segments from the other end, and cuts beside those."""
    for number, segment in enumerate(segments):
        for edge in Edge:
            turned = replace(segment.turned(), halo=Halo.TWICE, edge=edge)
            for other in _nearby(turned):
                yield (*segments[:number], other, *segments[number + 1 :])


def _nearby(segment: Segment) -> Iterator[Segment]:
    first, *inner, last = segment.bounds
    steps = (0, -1, 1) if len(inner) <= FEW_CUTS else (0,)
    for shifts in product(steps, repeat=len(inner)):
        cuts = (cut + shift for cut, shift in zip(inner, shifts, strict=True))
        bounds = (first, *cuts, last)
        if all(low < high for low, high in pairwise(bounds)):
            yield replace(segment, bounds=bounds)
