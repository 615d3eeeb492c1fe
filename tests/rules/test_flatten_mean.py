"""``flatten-mean``: the same sums over fewer dimensions and axes."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.kit import Kit, Quant
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Goal
from tflopt.ir import DType, OpCode
from tflopt.rules.forms.flatten_mean import FlattenMean
from tflopt.search.worth import Worth
from tflopt.target.cost import predict_model
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime
RULE = FlattenMean(Always())
QUANT: Quant = (0.05, -3)


def mean(
    shape: tuple[int, ...],
    *axes: int,
    keep: bool = False,
    out: Quant | None = (0.011, 7),
    dtype: DType = DType.INT8,
) -> Kit:
    n = Kit()
    x = n.input(shape, dtype, quant=QUANT if dtype is DType.INT8 else (0.05, 0))
    n.output(n.reduce(OpCode.MEAN, x, axes, keep=keep, quant=out))
    return n


def test_height_and_width_become_rows() -> None:
    check_rule(
        mean((1, 7, 5, 3), 1, 2, keep=True).model,
        RULE,
        """
        graph(%0: i8[1,7,5,3]{0.05,-3}) -> %3
          %1: i8[35,3]{0.05,-3} = RESHAPE(%0, [35, 3]) new_shape=[35, 3]
          %2: i8[1,3]{0.011,7} = MEAN(%1, [0]) keep_dims=True
          %3: i8[1,1,1,3]{0.011,7} = RESHAPE(%2, [1, 1, 1, 3]) new_shape=[1, 1, 1, 3]
        """,
        hits=1,
    )


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((2, 6, 4, 3), (1, 2)),
        ((1, 6, 4, 3), (-3, 2)),
        ((1, 6, 4, 3), (3,)),
        ((1, 6, 4, 3), (1, 2, 3)),
        ((3, 5, 1, 4), (1, 2)),
    ],
)
@pytest.mark.parametrize("keep", [False, True])
def test_other_axes(shape: tuple[int, ...], axes: tuple[int, ...], keep: bool) -> None:
    check_rule(mean(shape, *axes, keep=keep).model, RULE, hits=1)


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
def test_it_is_taken_where_it_is_cheaper(core: str) -> None:
    """Measured on QEMU: 805,203 to 476,412 instructions on cortex-m55, 853,671 to 476,427 on M4."""
    device = Device.of(core)
    source = mean((1, 250, 1, 24), 1, 2, keep=True).model
    copy = check_rule(source, FlattenMean(Worth(Goal.SPEED, device)), hits=1)
    before, after = (predict_model(each, device).instructions for each in (source, copy))
    assert after < 0.7 * before


def test_declines() -> None:
    source = mean((1, 7, 5, 3), 1, 2).model
    check_declines_by(source, FlattenMean(Never()), "MEAN of fewer dimensions isn't")
    far = mean((1, 7, 5, 3), 1, 2, out=(0.0001, 0)).model
    check_declines(far, RULE, "XNNPACK doesn't take its scales")


def test_leaves_alone() -> None:
    check_leaves_alone(mean((6, 3), 0).model, RULE)
    check_leaves_alone(mean((2, 6, 3), 1).model, RULE)
    check_leaves_alone(mean((1, 6, 4, 3), 1, 3).model, RULE)
    check_leaves_alone(mean((1, 7, 5, 3), 1, 2, dtype=DType.INT16, out=(0.05, 0)).model, RULE)
    check_leaves_alone(mean((1, 7, 5, 3), 1, 2, dtype=DType.FLOAT32, out=None).model, RULE)
