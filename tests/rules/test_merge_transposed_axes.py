"""``merge-transposed-axes``."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.graphs import Net
from tests.support.hazards import M4
from tflopt.ir import Model
from tflopt.rules.defects.merge_transposed_axes import MergeTransposedAxes

pytestmark = pytest.mark.unit


def moved(shape: tuple[int, ...], *perm: int) -> Model:
    net = Net()
    net.output(net.transpose(net.feed(*shape), *perm))
    return net.model


@pytest.mark.parametrize(
    ("shape", "perm", "merged"),
    [
        ((1, 3, 4, 2, 6), (0, 1, 2, 4, 3), (12, 6, 2)),
        ((2, 3, 4, 5, 6), (3, 4, 0, 1, 2), (30, 24)),
        ((2, 1, 3, 1, 4), (4, 3, 0, 1, 2), (4, 6)),
    ],
)
def test_merges_what_moves_together(
    shape: tuple[int, ...], perm: tuple[int, ...], merged: tuple[int, ...]
) -> None:
    after = check_rule(moved(shape, *perm), MergeTransposedAxes(M4), hits=1, runners=["tflm"])
    assert [op.code.name for op in after.ops()] == ["RESHAPE", "TRANSPOSE", "RESHAPE"]
    assert list(after.ops())[1].output.shape == merged


def test_declines_where_five_axes_move_apart() -> None:
    model = moved((2, 3, 2, 2, 3), 1, 0, 2, 4, 3)
    check_declines(model, MergeTransposedAxes(M4), "more than four axes move apart")


def test_leaves_four_axes_alone() -> None:
    check_leaves_alone(moved((2, 3, 4, 5), 3, 1, 2, 0), MergeTransposedAxes(M4))
