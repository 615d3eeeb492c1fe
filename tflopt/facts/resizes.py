"""Which elements along an axis RESIZE reads for each that it makes, as TFLM's kernels do it."""

from __future__ import annotations

import numpy as np

ONE = 1 << 10
"""Of the weights that RESIZE_BILINEAR counts with."""


def nearest(size: int, out: int, *, corners: bool, centers: bool) -> list[int]:
    """``GetNearestNeighbor`` in ``resize_nearest_neighbor.h``, in single precision.

    An older TFLM doesn't heed ``half_pixel_centers``.
    """
    aligned = corners and out > 1
    scale = np.float32(size - 1 if aligned else size) / np.float32(out - 1 if aligned else out)
    places = (np.arange(out, dtype=np.float32) + np.float32(0.5 if centers else 0.0)) * scale
    exact = places.astype(np.float64) + (0.5 if corners else 0.0)
    sources: list[int] = np.clip(np.floor(exact).astype(np.int64), 0, size - 1).tolist()
    return sources


def bilinear(size: int, out: int, *, corners: bool, centers: bool) -> list[tuple[int, int, int]]:
    """``ComputeInterpolationValuesInteger`` in ``resize_bilinear.h``.

    For each element the place in units of `ONE`, and the two elements beside it.
    """
    scale = (ONE * size + out // 2) // out
    if corners and out > 1:
        scale = (ONE * (size - 1) + (out - 1) // 2) // (out - 1)
    taps = []
    for index in range(out):
        at = index * scale + ((scale // 2 - ONE // 2) if centers else 0)
        taps.append((at, max(at // ONE, 0), min((at + ONE - 1) // ONE, size - 1)))
    return taps
