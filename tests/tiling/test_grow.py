"""RESIZE and TRANSPOSE_CONV in bands: every band makes the rows that the whole makes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.support.check_rule import check_same_outputs
from tests.support.kit import Kit
from tests.tiling.test_random_cuts import tiled
from tflopt.facts.windows import HEIGHT, WIDTH
from tflopt.ir import Model, OpCode, Padding, Value
from tflopt.ir.options import ResizeBilinearOptions
from tflopt.tiling.bands import work_of
from tflopt.tiling.rows import NotTileableError, grown_of
from tflopt.tiling.segment import Halo, Segment

Make = Callable[[Kit, Value], Value]
QUANT = (0.05, 3)


def resized(rows: int, *, half: bool) -> Make:
    return lambda n, x: n.resize_bilinear(
        x, rows * x.shape[1], 2 * x.shape[2], half_pixel_centers=half
    )


def nearest(rows: int) -> Make:
    return lambda n, x: n.resize_nearest(x, rows * x.shape[1], 3 * x.shape[2])


def written(kernel: int, stride: int, padding: Padding) -> Make:
    return lambda n, x: n.transpose_conv(x, 3, (kernel, 2), (stride, 2), padding, QUANT)


KINDS: dict[str, Make] = {
    **{f"nearest {rows}": nearest(rows) for rows in (1, 2, 3, 5)},
    **{
        f"bilinear {rows} {half}": resized(rows, half=half)
        for rows in (1, 2, 4)
        for half in (False, True)
    },
    **{
        f"written {kernel} {stride} {padding.name}": written(kernel, stride, padding)
        for kernel in (1, 2, 3, 5)
        for stride in (1, 2, 3)
        for padding in (Padding.SAME, Padding.VALID)
    },
}


def net(make: Make) -> Model:
    n = Kit()
    n.output(make(n, n.feed(1, 9, 4, 4)))
    return n.model


@pytest.mark.runtime
@pytest.mark.parametrize("kind", KINDS)
def test_bands_make_what_the_whole_makes(kind: str) -> None:
    model = net(KINDS[kind])
    rows = model.main.ops[-1].output.shape[HEIGHT]
    cuts = sorted({0, 1, rows // 2, rows - 2, rows})
    copy = tiled(model, [Segment(0, 0, tuple(cuts))])
    assert copy is not None
    check_same_outputs(model, copy)


@pytest.mark.unit
@pytest.mark.parametrize("kind", KINDS)
def test_a_band_reads_few_rows_more_than_it_makes(kind: str) -> None:
    op = net(KINDS[kind]).main.ops[-1]
    rows, size = op.output.shape[HEIGHT], 9
    for start, end in pairwise((0, rows // 3, rows)):
        cut = grown_of(op, HEIGHT, (start, end))
        assert cut.made[0] <= start < end <= cut.made[1]
        share = -(-size * (end - start) // rows)
        assert cut.read[1] - cut.read[0] <= share + 4


@pytest.mark.unit
def test_a_size_that_is_no_multiple_is_left_whole() -> None:
    op = net(lambda n, x: n.resize_nearest(x, 13, 4)).main.ops[-1]
    with pytest.raises(NotTileableError, match="would not be those of the whole"):
        work_of(op, Segment(0, 0, (0, 6, 13)), (0, 6))


@pytest.mark.unit
def test_aligned_corners_are_left_whole() -> None:
    """The distance of two rows of the input follows from how many there are."""
    model = net(lambda n, x: n.resize_bilinear(x, 18, 8))
    op = model.main.ops[-1]
    assert op.code is OpCode.RESIZE_BILINEAR
    op.options = ResizeBilinearOptions(align_corners=True)
    with pytest.raises(NotTileableError, match="would not be those of the whole"):
        grown_of(op, HEIGHT, (3, 9))


@pytest.mark.runtime
def test_columns_are_bands_where_there_is_one_row() -> None:
    n = Kit()
    x = n.feed(1, 1, 12, 4)
    n.output(n.transpose_conv(x, 3, (1, 4), (1, 2), Padding.SAME, QUANT))
    copy = tiled(n.model, [Segment(0, 0, (0, 5, 16, 24), WIDTH)])
    assert copy is not None
    check_same_outputs(n.model, copy)


@pytest.mark.runtime
def test_rows_are_kept_past_a_band_that_reads_none() -> None:
    """A kernel of one row under a stride of two: every other row is the bias alone."""
    n = Kit()
    x = n.conv2d(n.feed(1, 6, 6, 8), 4, (3, 3))
    n.output(n.transpose_conv(x, 4, (1, 1), (2, 1), Padding.SAME, QUANT))
    copy = tiled(n.model, [Segment(0, 1, (0, 1, 2, 4, 12), halo=Halo.KEPT)])
    assert copy is not None
    check_same_outputs(n.model, copy)
