"""Operators that make more rows than they read: RESIZE by whole factors and TRANSPOSE_CONV.

Nothing is derived here: what every row of the output is made of is written down, for the whole and
for a band, as TFLM's kernels work it out. A band is right where the two are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tflopt.facts.resizes import ONE, bilinear, nearest
from tflopt.facts.windows import HEIGHT, extents
from tflopt.ir import Op, Padding
from tflopt.ir.options import Options
from tflopt.ir.options import ResizeBilinearOptions as Bilinear
from tflopt.ir.options import ResizeNearestNeighborOptions as Nearest
from tflopt.ir.options import TransposeConvOptions as Transposed
from tflopt.tiling.cut import Cut
from tflopt.tiling.segment import Rows

Taps = tuple[tuple[int, int], ...]
"""Input rows with their weights, or with the row of the kernel that they meet."""
MOST_ROWS = 1 << 14
"""Of an output: larger ones aren't looked at."""


@dataclass(frozen=True)
class Growth:
    """How an operator makes ``out`` rows of ``size``, along one axis.

    ``stride`` and ``kernel`` are those of TRANSPOSE_CONV along it.
    """

    options: Options
    size: int
    out: int
    stride: int = 0
    kernel: int = 0

    @property
    def factor(self) -> int:
        """Rows that are made of each, 0 where that isn't a whole number alike for all bands."""
        if isinstance(self.options, Transposed):
            return self.stride if self.out == self.made(self.size) else 0
        return 0 if self.out % self.size else self.out // self.size

    def made(self, rows: int) -> int:
        """How many rows so many of the input make."""
        if not isinstance(self.options, Transposed):
            return rows * self.factor
        more = max(self.kernel - self.stride, 0)
        return rows * self.stride + (more if self.options.padding is Padding.VALID else 0)


def growth_of(op: Op, axis: int, index: int) -> Growth | None:
    """The numbers along an axis; None where bands don't make the rows that the whole does.

    Args:
        index: which input has the rows; the others are constants.
    """
    options, data = op.options, op.input(index)
    if data is None or len(data.shape) != len(op.output.shape):
        return None
    size, out = data.shape[axis], op.output.shape[axis]
    if not 0 < size <= out <= MOST_ROWS:
        return None
    growth: Growth | None = None
    if isinstance(options, Transposed):
        weights = op.input(1)
        kernel = 0 if weights is None else weights.shape[axis]
        stride = options.stride_h if axis == HEIGHT else options.stride_w
        growth = Growth(options, size, out, stride, kernel)
    elif isinstance(options, Bilinear | Nearest):
        growth = Growth(options, size, out)
    return growth if growth and growth.factor else None


@lru_cache(maxsize=4096)
def grown(growth: Growth, rows: Rows) -> Cut | None:
    """The fewest rows of the input that make ``rows`` of the output right; None without."""
    whole = taps_of(growth, growth.size, growth.out)
    all_taps, factor = whole[rows[0] : rows[1]], growth.factor
    used = [row for taps in all_taps for row, _ in taps]
    low = min([*used, rows[0] // factor])
    high = max([*(row + 1 for row in used), min(growth.size, -(-rows[1] // factor))])
    for first, last in ((low, high), (low, high + 1), (low - 1, high), (low - 1, high + 1)):
        cut = _cut(growth, max(first, 0), min(last, growth.size))
        if cut.made[0] <= rows[0] and rows[1] <= cut.made[1] and _is_right(growth, cut, rows):
            return cut
    return None


def _cut(growth: Growth, first: int, last: int) -> Cut:
    start = first * growth.factor
    return Cut((first, last), (start, start + growth.made(last - first)))


def _is_right(growth: Growth, cut: Cut, rows: Rows) -> bool:
    """Whether the wanted rows of a band are made of what they are in the whole."""
    (low, high), (start, end) = cut.read, cut.made
    whole = taps_of(growth, growth.size, growth.out)
    band = taps_of(growth, high - low, end - start)
    return all(
        whole[row] == tuple((at + low, weight) for at, weight in band[row - start])
        for row in range(*rows)
    )


@lru_cache(maxsize=4096)
def taps_of(growth: Growth, size: int, out: int) -> tuple[Taps, ...]:
    """What each of ``out`` rows is made of, if there are ``size`` rows to read."""
    make = _TAPS[type(growth.options)]
    return make(growth, size, out)


def _transposed(growth: Growth, size: int, out: int) -> tuple[Taps, ...]:
    """``transpose_conv.cc``: every row of the input meets every row of the kernel once."""
    options, kernel = growth.options, growth.kernel
    assert isinstance(options, Transposed)
    before, _ = extents(options.padding, out, kernel, growth.stride)
    taps: list[list[tuple[int, int]]] = [[] for _ in range(out)]
    for row in range(size):
        for tap in range(kernel):
            at = row * growth.stride - before + tap
            if 0 <= at < out:
                taps[at].append((row, tap))
    return tuple(map(tuple, taps))


def _bilinear(growth: Growth, size: int, out: int) -> tuple[Taps, ...]:
    """``ResizeBilinearInteger`` in ``resize_bilinear.h``; weights of one row are added up."""
    options = growth.options
    assert isinstance(options, Bilinear)
    corners, centers = options.align_corners, options.half_pixel_centers
    taps = []
    for at, low, high in bilinear(size, out, corners=corners, centers=centers):
        weights = {low: ONE - (at - ONE * low)}
        weights[high] = weights.get(high, 0) + at - ONE * low
        taps.append(tuple(sorted((k, weight) for k, weight in weights.items() if weight)))
    return tuple(taps)


def _nearest(growth: Growth, size: int, out: int) -> tuple[Taps, ...]:
    """An older TFLM doesn't heed ``half_pixel_centers``: both rows have to be the same."""
    options = growth.options
    assert isinstance(options, Nearest)
    ways = (False, options.half_pixel_centers)
    sources = [nearest(size, out, corners=options.align_corners, centers=way) for way in ways]
    return tuple(((one, 0), (two, 1)) for one, two in zip(*sources, strict=True))


_TAPS: dict[type[Options], Callable[[Growth, int, int], tuple[Taps, ...]]] = {
    Bilinear: _bilinear,
    Nearest: _nearest,
    Transposed: _transposed,
}
