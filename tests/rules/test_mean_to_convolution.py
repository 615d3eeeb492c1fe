"""``mean-to-convolution`` and the search for weights and bias."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.kit import Kit, Quant
from tests.support.worth import Always, Never, check_declines_by
from tflopt.arith.fixed_point import clamp
from tflopt.arith.reduction import every_sum
from tflopt.config import Runtime
from tflopt.facts import exact_sums
from tflopt.facts.exact_sums import Reduction, as_one_sum, as_two_sums
from tflopt.ir import DType, OpCode, Value
from tflopt.rules.forms.mean_to_convolution import MeanToConvolution

pytestmark = pytest.mark.runtime
RULE = MeanToConvolution(Always(), Runtime.TFLM)
AFTER_RELU: Quant = (0.05, -128)


def mean(
    shape: tuple[int, ...],
    *axes: int,
    quant: Quant = AFTER_RELU,
    out: Quant | None = None,
    keep: bool = False,
) -> Kit:
    n = Kit()
    n.output(n.reduce(OpCode.MEAN, n.input(shape, quant=quant), axes, keep=keep, quant=out))
    return n


def test_one_depthwise_convolution_with_a_bias() -> None:
    """49 elements: MEAN's multiplier has a bit less, which a bias of 1 makes up for."""
    check_rule(
        mean((1, 7, 7, 3), 1, 2, keep=True).model,
        RULE,
        """
        graph(%0: i8[1,7,7,3]{0.05,-128}) -> %1
          %1: i8[1,1,1,3]{0.05,-128} = DEPTHWISE_CONV_2D(%0, const i8[1,7,7,3]{0.0204082,0}, const i32[3]{0.00102041,0}) padding=VALID stride_w=1 stride_h=1 depth_multiplier=1
        """,  # noqa: E501
        hits=1,
    )


def test_the_elements_become_channels_where_scratch_is_dear() -> None:
    """The last form: no scratch, one weight for each element, and the copy is cheap."""
    check_rule(
        mean((1, 1, 36, 4), 1, 2).model,
        MeanToConvolution(Always(pick=9), Runtime.TFLM),
        """
        graph(%0: i8[1,1,36,4]{0.05,-128}) -> %3
          %1: i8[1,1,4,36]{0.05,-128} = TRANSPOSE(%0, [0, 1, 3, 2])
          %2: i8[1,1,4,1]{0.05,-128} = CONV_2D(%1, const i8[1,1,1,36]{0.0277778,0}, const i32[1]{0.00138889,0}) padding=VALID stride_w=1 stride_h=1
          %3: i8[1,4]{0.05,-128} = RESHAPE(%2, [1, 4]) new_shape=[1, 4]
        """,  # noqa: E501
        hits=1,
    )


def test_two_convolutions_where_sums_lie_on_both_sides_of_zero() -> None:
    copy = check_rule(
        mean((1, 5, 5, 2), 1, 2, quant=(0.05, 0)).model,
        RULE,
        """
        graph(%0: i8[1,5,5,2]{0.05,0}) -> %4
          %1: i8[1,1,1,2]{0.05,-128} = DEPTHWISE_CONV_2D(%0, const i8[1,5,5,2]{0.04,0}, const i32[2]{0.002,0}) padding=VALID stride_w=1 stride_h=1 depth_multiplier=1
          %2: i8[1,1,1,2]{0.05,127} = DEPTHWISE_CONV_2D(%0, const i8[1,5,5,2]{0.04,0}, const i32[2]{0.002,0}) padding=VALID stride_w=1 stride_h=1 depth_multiplier=1
          %3: i8[1,1,1,2]{0.05,0} = ADD(%1, %2)
          %4: i8[1,2]{0.05,0} = RESHAPE(%3, [1, 2]) new_shape=[1, 2]
        """,  # noqa: E501
        hits=1,
    )
    one, two = copy.main.ops[:2]
    assert one.inputs[1] is two.inputs[1], "the weights are shared"
    assert [op.operand(2).ints() for op in (one, two)] == [(1, 1), (-1, -1)]


@pytest.mark.parametrize("pick", [0, 1, 9])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((1, 6, 6, 3), (1, 2)),
        ((1, 6, 1, 3), (1,)),
        ((1, 25, 3), (1,)),
        ((2, 4, 3, 2), (1, 2)),
        ((3, 36), (1,)),
        ((2, 3, 4), (-1,)),
        ((2, 3, 5), (1, 2)),
        ((7, 2), (0,)),
        ((4, 2, 3), (0, 1)),
    ],
)
@pytest.mark.parametrize("out", [(0.05, -128), (0.031, 5), (0.07, -60)])
def test_every_layout(shape: tuple[int, ...], axes: tuple[int, ...], pick: int, out: Quant) -> None:
    n = mean(shape, *axes, quant=(0.05, -4), out=out)
    check_rule(n.model, MeanToConvolution(Always(pick=pick), Runtime.TFLM), hits=1)


def test_wide_layers_get_a_bias_of_zeros() -> None:
    """CMSIS-NN's function on MVE adds what lies near address 0 from channel 124 on."""
    copy = check_rule(mean((1, 2, 2, 130), 1, 2, keep=True).model, RULE, hits=1)
    bias = copy.main.ops[0].inputs[2]
    assert bias is not None
    assert not bias.array().any()


def computed_axes(n: Kit) -> Value:
    axes = n.input((1,), DType.INT32)
    return n.op(OpCode.MEAN, [n.feed(1, 4, 4, 2), axes], (1, 4, 2))


def apart(n: Kit) -> Value:
    return n.reduce(OpCode.MEAN, n.feed(3, 4, 4, 2), (0, 2))


def one_element(n: Kit) -> Value:
    return n.reduce(OpCode.MEAN, n.feed(1, 1, 4, 2), (0, 1))


def other_type(n: Kit) -> Value:
    return n.reduce(OpCode.MEAN, n.input((1, 4, 4, 2), DType.INT16, (0.001, 0)), (1, 2))


def test_declines_by_cost() -> None:
    model = mean((1, 4, 4, 2), 1, 2).model
    check_declines_by(model, MeanToConvolution(Never(), Runtime.TFLM), "a convolution isn't better")


def test_declines_more_sums_than_are_worth_the_time() -> None:
    check_declines_by(mean((1, 80, 60, 1), 1, 2).model, RULE, "too many sums to compare")


@pytest.mark.parametrize("build", [computed_axes, apart, one_element, other_type])
def test_leaves_alone(build: object) -> None:
    n = Kit()
    assert callable(build)
    n.output(build(n))
    check_leaves_alone(n.model, RULE)


@pytest.mark.unit
@pytest.mark.parametrize("seed", range(40))
def test_every_reduction_has_a_form(seed: int) -> None:
    """Random parameters: one sum or two always equal MEAN for every sum."""
    rng = np.random.default_rng(seed)
    count = int(rng.choice([4, 9, 16, 20, 25, 36, 49, 64, 100]))
    scale = float(np.float32(rng.uniform(0.005, 0.2)))
    out_scale = scale if rng.random() < 0.5 else float(np.float32(scale * rng.uniform(0.3, 1.5)))
    zero_points = [int(rng.choice([-128, 127, 0, -20, 60])) for _ in range(2)]
    reduction = Reduction(count, scale, zero_points[0], out_scale, zero_points[1])
    one = as_one_sum(reduction)
    if one is not None:
        assert (reduction.output(one) == reduction.targets).all()
    else:
        assert as_two_sums(reduction) is not None


@pytest.mark.unit
def test_a_wrong_bias_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The forms are compared with MEAN itself, whatever the search found."""
    monkeypatch.setattr(exact_sums, "bias_between", lambda *_: 7)
    reduction = Reduction(49, 0.0625, -128, 0.0625, -128)
    assert as_one_sum.__wrapped__(reduction) is None
    assert as_two_sums.__wrapped__(reduction) is None


@pytest.mark.unit
def test_the_domain_is_every_sum() -> None:
    sums = every_sum(2)
    assert (sums[0], sums[-1], sums.size) == (-256, 254, 511)
    assert clamp(sums).min() == -128
