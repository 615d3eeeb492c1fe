"""``shrink-kernel``: rows and columns of zeros at the rim of a kernel."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.planted import set_data, weights_of
from tests.support.worth import Always, Never, check_declines_by
from tflopt.ir import Model, Padding, Value
from tflopt.rules.channels.shrink_kernel import ShrinkKernel

pytestmark = pytest.mark.runtime
RULE = ShrinkKernel(Always())
SAME, VALID = Padding.SAME, Padding.VALID
IN_PLACE = "no padding puts a kernel without zeros in place"
Pair = tuple[int, int]


def without(value: Value, rows: Sequence[int] = (), columns: Sequence[int] = ()) -> Value:
    """The layer with zeros in these rows and columns of its kernel."""
    assert value.producer is not None
    weights = weights_of(value.producer)
    data = weights.array().copy()
    data[:, list(rows)] = 0
    data[:, :, list(columns)] = 0
    set_data(weights, data)
    return value


def net(
    rows: Sequence[int],
    columns: Sequence[int],
    *,
    kernel: Pair = (3, 3),
    depthwise: bool = False,
    padding: Padding = SAME,
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
) -> Model:
    n = Kit()
    x = n.feed(1, 8, 7, 3)
    window = {"stride": stride, "padding": padding, "dilation": dilation}
    made = n.depthwise(x, kernel, **window) if depthwise else n.conv2d(x, 4, kernel, **window)  # type: ignore[arg-type]
    n.output(without(made, rows, columns))
    return n.model


def kernel_of(model: Model) -> Pair:
    return weights_of(model.main.ops[0]).shape[1:3]  # type: ignore[return-value]


def test_rewrites() -> None:
    check_rule(
        net((0, 2), (0, 2)),
        RULE,
        """
        graph(%0: i8[1,8,7,3]{0.05,3}) -> %1
          %1: i8[1,8,7,4]{0.05,3} = CONV_2D(%0, const i8[4,1,1,3]{per-channel 0}, const i32[4]{per-channel 0}) padding=VALID stride_w=1 stride_h=1
        """,  # noqa: E501
        hits=1,
    )


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize(
    ("rows", "columns", "options", "left"),
    [
        ((0, 2), (), {}, (1, 3)),
        ((2,), (), {}, (3, 3)),
        ((0, 1, 3, 4), (4,), {"kernel": (5, 5)}, (1, 5)),
        ((0, 4), (0, 4), {"kernel": (5, 5)}, (3, 3)),
        ((2,), (), {"stride": (2, 1)}, (2, 3)),
        ((0, 2), (0, 2), {"dilation": (2, 2)}, (1, 1)),
        ((2,), (), {"padding": VALID, "stride": (3, 1)}, (3, 3)),
        ((), (2,), {"padding": VALID, "stride": (1, 2)}, (3, 2)),
    ],
)
def test_what_is_left(
    depthwise: bool, rows: tuple[int, ...], columns: tuple[int, ...], options: object, left: Pair
) -> None:
    """Each on both runtimes; a kernel that no padding puts in place stays."""
    assert isinstance(options, dict)
    model = net(rows, columns, depthwise=depthwise, **options)
    if left == kernel_of(model):
        check_declines_by(model, RULE, IN_PLACE)
    else:
        assert kernel_of(check_rule(model, RULE, hits=1)) == left


def test_declines() -> None:
    check_declines_by(
        net((0, 2), ()), ShrinkKernel(Never()), "the kernel without them isn't better"
    )
    check_declines_by(net((0,), (), padding=VALID), RULE, IN_PLACE)


def test_leaves_alone_a_kernel_without_zeros_at_its_rim() -> None:
    check_leaves_alone(net((1,), (1,)), RULE)


def test_leaves_alone_a_layer_that_is_all_zero() -> None:
    check_leaves_alone(net((0, 1, 2), ()), RULE)
