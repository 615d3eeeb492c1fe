"""The aliasing facts against small models of how the kernels read and write."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tflopt.facts.tflm import IN_PLACE, Overlap
from tflopt.ir import OpCode
from tflopt.plan.aliasing import pad_gap, slice_displacements

pytestmark = pytest.mark.unit


def _ascending_is_safe(count: int, vector: int, gap: int) -> bool:
    """Load ``vector`` elements, then store them; the output starts ``gap`` below the input."""
    written: set[int] = set()
    for start in range(0, count, vector):
        lanes = range(start, min(start + vector, count))
        if any(lane + gap in written for lane in lanes):
            return False
        written.update(lanes)
    return True


@pytest.mark.parametrize("vector", [1, 4, 16])
def test_ascending_loops_may_write_at_or_below_what_they_read(vector: int) -> None:
    assert all(_ascending_is_safe(37, vector, gap) for gap in range(64))
    assert not _ascending_is_safe(37, vector, -vector)


def test_narrowing_in_place_never_overtakes_the_reads() -> None:
    written: set[int] = set()
    for element in range(50):
        assert written.isdisjoint(range(4 * element, 4 * element + 4))
        written.add(element)


@pytest.mark.parametrize("code", IN_PLACE)
def test_every_entry_has_its_argument_and_source(code: OpCode) -> None:
    rule = IN_PLACE[code]
    assert rule.argument
    assert "." in rule.source
    assert rule.operands
    assert rule.overlap is not Overlap.VIEW or rule.operands == (0,)


@pytest.mark.parametrize(
    "code", [OpCode.MEAN, OpCode.SUM, OpCode.TRANSPOSE, OpCode.GATHER, OpCode.REVERSE_V2]
)
def test_what_corrupts_is_not_listed(code: OpCode) -> None:
    assert code not in IN_PLACE


def test_slices_lie_in_one_run_of_bytes() -> None:
    assert slice_displacements([32, 48, 16], (1, 12, 8), 1) == [0, 32, 80]
    assert slice_displacements([32, 48, 16], (1, 12, 8), -2) == [0, 32, 80]
    assert slice_displacements([32, 48], (2, 5, 8), 1) == [None, None]
    assert slice_displacements([20, 44, 16], (80,), 0) == [0, None, 64]


Box = tuple[int, int, int]


def _pad_events(shape: Box, before: Box, after: Box) -> Iterator[int | None]:
    """For each output element in order: the input element it copies, or None for padding."""
    height, width, channels = shape
    for y in range(-before[0], height + after[0]):
        for x in range(-before[1], width + after[1]):
            for c in range(-before[2], channels + after[2]):
                inside = 0 <= y < height and 0 <= x < width and 0 <= c < channels
                yield (y * width + x) * channels + c if inside else None


def _pad_is_safe(shape: Box, before: Box, after: Box, gap: int) -> bool:
    written: set[int] = set()
    for address, source in enumerate(_pad_events(shape, before, after)):
        if source is not None and source + gap in written:
            return False
        written.add(address)
    return True


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 4, 2), (5, 1, 3), (2, 6, 1)])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1, 1, 0), (1, 1, 0)),
        ((0, 0, 0), (1, 1, 0)),
        ((2, 0, 0), (0, 3, 0)),
        ((0, 2, 0), (0, 0, 0)),
        ((0, 1, 2), (1, 0, 1)),
        ((0, 0, 0), (0, 0, 3)),
    ],
)
def test_the_pad_gap_is_safe_and_tight(shape: Box, before: Box, after: Box) -> None:
    gap = pad_gap((1, *shape), (0, *before), (0, *after))
    assert gap is not None
    assert _pad_is_safe(shape, before, after, gap)
    assert _pad_is_safe(shape, before, after, gap + 5)
    assert gap == 0 or not _pad_is_safe(shape, before, after, gap - 1)


def test_a_pad_of_several_images_and_one_of_few_axes() -> None:
    assert pad_gap((2, 3, 3, 1), (0, 1, 1, 0), (0, 1, 1, 0)) == 43 - 17
    assert pad_gap((5,), (3,), (2,)) == 3
    assert pad_gap((0, 3), (1, 1), (1, 1)) is None
