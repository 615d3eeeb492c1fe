from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from tflopt.ir import Origin

pytestmark = pytest.mark.unit
SOURCE = np.arange(24).reshape(2, 3, 1, 4)


def test_a_permutation_is_recorded() -> None:
    origin = Origin(0, 5).rearranged((2, 3, 1, 4), (3, 0, 1))
    assert origin == Origin(0, 5, (2, 3, 4), (2, 0, 1))
    assert np.array_equal(origin.reorder(SOURCE), SOURCE.transpose(3, 0, 1, 2).reshape(-1))


def test_back_again_is_no_permutation() -> None:
    origin = Origin(0, 5).rearranged((2, 3, 4), (2, 0, None, 1))
    assert origin is not None
    assert origin.rearranged((4, 2, 1, 3), (1, 3, 0)) == Origin(0, 5)


@pytest.mark.parametrize("first", list(permutations(range(3))))
@pytest.mark.parametrize("second", list(permutations(range(3))))
def test_permutations_compose(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    moved = SOURCE.reshape(2, 3, 4).transpose(first)
    origin = Origin(0, 5).rearranged((2, 3, 4), first)
    assert origin is not None
    origin = origin.rearranged(moved.shape, second)
    assert origin is not None
    assert np.array_equal(origin.reorder(SOURCE), moved.transpose(second).reshape(-1))


def test_axes_that_were_merged_since_are_not_followed() -> None:
    origin = Origin(0, 5).rearranged((2, 3, 4), (2, 0, 1))
    assert origin is not None
    assert origin.rearranged((8, 3), (1, 0)) is None
