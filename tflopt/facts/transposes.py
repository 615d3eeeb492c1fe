"""The order into which a TRANSPOSE brings the axes."""

from __future__ import annotations

from tflopt.ir import Op


def permutation_of(op: Op) -> tuple[int, ...] | None:
    """The constant permutation of a TRANSPOSE, None where it isn't constant or valid."""
    numbers = op.ints(1)
    source = op.input(0)
    if numbers is None or source is None:
        return None
    rank = len(source.shape)
    perm = tuple(axis + rank if axis < 0 else axis for axis in numbers)
    return perm if sorted(perm) == list(range(rank)) else None
