"""``requantize-with-kernel``: operators that only requantize."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.kit import Kit, Quant
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Runtime
from tflopt.ir import DType, Model, OpCode
from tflopt.rules.forms.requantize_with_kernel import RequantizeWithKernel

pytestmark = pytest.mark.runtime
AS_MUL, AS_DEPTHWISE = (RequantizeWithKernel(Always(pick=pick), Runtime.TFLM) for pick in (0, 1))


def unary(code: OpCode, out: Quant = (0.03, -128), shape: tuple[int, ...] = (1, 2, 3, 4)) -> Model:
    n = Kit()
    x = n.feed(*shape)
    y = n.quantize(x, out) if code is OpCode.QUANTIZE else n.unary(code, x, quant=out)
    n.output(y)
    return n.model


def test_becomes_mul() -> None:
    check_rule(
        unary(OpCode.RELU),
        AS_MUL,
        """
        graph(%0: i8[1,2,3,4]{0.05,3}) -> %1
          %1: i8[1,2,3,4]{0.03,-128} = MUL(%0, const i8[1,2,3,4]{1,0}) fused_activation_function=RELU
        """,  # noqa: E501
        hits=1,
    )


def test_becomes_a_depthwise_convolution() -> None:
    check_rule(
        unary(OpCode.RELU),
        AS_DEPTHWISE,
        """
        graph(%0: i8[1,2,3,4]{0.05,3}) -> %1
          %1: i8[1,2,3,4]{0.03,-128} = DEPTHWISE_CONV_2D(%0, const i8[1,1,1,4]{1,0}) padding=VALID stride_w=1 stride_h=1 depth_multiplier=1 fused_activation_function=RELU
        """,  # noqa: E501
        hits=1,
    )


@pytest.mark.parametrize("rule", [AS_MUL, AS_DEPTHWISE], ids=["mul", "depthwise"])
@pytest.mark.parametrize("code", [OpCode.RELU, OpCode.QUANTIZE])
@pytest.mark.parametrize("out", [(0.03, -128), (0.2, 127), (0.05, 3), (0.0071, 40)])
def test_every_quantization(rule: RequantizeWithKernel, code: OpCode, out: Quant) -> None:
    check_rule(unary(code, out), rule, hits=1)


def test_many_channels_get_a_bias() -> None:
    after = check_rule(unary(OpCode.RELU, shape=(1, 1, 2, 130)), AS_DEPTHWISE, hits=1)
    assert len(next(after.ops()).inputs) == 3


@pytest.mark.parametrize("shape", [(2, 2, 3, 4), (3, 4), (1, 2, 3)])
def test_what_is_no_image_can_be_multiplied_only(shape: tuple[int, ...]) -> None:
    after = check_rule(unary(OpCode.RELU, shape=shape), AS_DEPTHWISE, hits=1)
    assert next(after.ops()).code is OpCode.MUL


def test_declines_where_no_kernel_rounds_alike() -> None:
    """Versions of TFLM disagree on RELU's multiplier for these scales, so no MUL equals both."""
    n = Kit()
    x = n.input((1, 2, 3, 4), quant=(0.04124118760228157, -128))
    n.output(n.unary(OpCode.RELU, x, quant=(0.07970207184553146, -128)))
    check_declines(n.model, AS_MUL, "every other kernel rounds differently")


def test_declines_by_cost() -> None:
    check_declines_by(
        unary(OpCode.RELU), RequantizeWithKernel(Never(), Runtime.TFLM), "another kernel"
    )


def test_leaves_other_types_alone() -> None:
    n = Kit()
    x = n.input((1, 2, 3, 4), DType.FLOAT32, None)
    n.output(n.unary(OpCode.RELU, x), n.quantize(x, (0.05, 3)))
    check_leaves_alone(n.model, AS_MUL)


def test_for_litert_the_depthwise_has_a_bias_without_quantization() -> None:
    after = check_rule(unary(OpCode.RELU), RequantizeWithKernel(Always(pick=1)), hits=1)
    bias = next(after.ops()).inputs[2]
    assert bias is not None
    assert bias.quant is None


def test_for_litert_quantize_stays() -> None:
    rule = RequantizeWithKernel(Always())
    reason = "another kernel would round otherwise on LiteRT's default path"
    check_declines(unary(OpCode.QUANTIZE), rule, reason)
