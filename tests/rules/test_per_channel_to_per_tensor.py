"""``per-channel-to-per-tensor``: one scale where all channels have the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.support.check_rule import (
    RUNNERS,
    apply,
    check_declines,
    check_leaves_alone,
    check_rule,
)
from tests.support.flash import Layers
from tests.support.runtime import installed, runtime
from tflopt.config import Runtime
from tflopt.facts.biases import bias_quantization
from tflopt.io import write_bytes
from tflopt.ir import Activation, DType, OpCode, Padding, Quantization, Value
from tflopt.ir.clone import clone
from tflopt.ir.options import AddOptions, Conv2DOptions, DepthwiseConv2DOptions
from tflopt.rules.constants.per_channel_to_per_tensor import PerChannelToPerTensor
from tflopt.rules.flash.strip_unread_quantization import StripUnreadQuantization

pytestmark = pytest.mark.runtime
RULE = PerChannelToPerTensor()
Quant = tuple[float, int]


def depthwise(scales: list[float]) -> Layers:
    n = Layers()
    n.output(n.depthwise(n.feed(1, 4, 4, len(scales)), n.bias(len(scales)), scales))
    return n


def weights(n: Layers) -> Value:
    value = n.graph.ops[-1].inputs[1]
    assert value is not None
    return value


def test_a_convolution() -> None:
    n = Layers()
    n.output(n.conv(n.feed(1, 4, 4, 3), 2))
    copy = check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,4,4,3]{0.05,3}) -> %1
          %1: i8[1,4,4,2]{0.05,3} = CONV_2D(%0, const i8[2,1,3,3]{0.01,0}, const i32[2]{0.0005,0}) padding=SAME stride_w=1 stride_h=1
        """.replace(" padding=SAME", ""),  # noqa: E501
        hits=1,
    )
    quant = copy.main.ops[0].inputs[1]
    assert quant is not None
    assert quant.quant == Quantization.per_tensor(0.01)


def test_a_depthwise_convolution() -> None:
    copy = check_rule(depthwise([0.01] * 4).model, RULE, hits=1)
    value = copy.main.ops[0].inputs[1]
    assert value is not None
    assert value.quant is not None
    assert value.quant.quantized_dimension == 0


def test_the_bias_has_one_scale_too_for_litert_s_default_path() -> None:
    """It refuses the file where the bias keeps more than the weights have."""
    copy = check_rule(depthwise([0.01] * 4).model, RULE)
    bias = copy.main.ops[0].inputs[2]
    assert bias is not None
    assert bias.quant == bias_quantization(copy.main.inputs[0], copy.main.ops[0].inputs[1])
    assert runtime().run("litert-default", write_bytes(copy), []) == []


def test_a_bias_that_another_layer_reads_too_stays_with_the_weights() -> None:
    n = Layers()
    bias = n.bias(4)
    x = n.depthwise(n.feed(1, 4, 4, 4), bias, [0.01] * 4)
    n.output(n.depthwise(x, bias, [0.01, 0.02, 0.03, 0.04]))
    check_declines(n.model, RULE, "another operator reads the bias")


def test_together_with_the_bias() -> None:
    copy = check_rule(depthwise([0.01] * 4).model, RULE)
    apply(copy, StripUnreadQuantization(Runtime.TFLM))
    check_rule(
        depthwise([0.01] * 4).model, RULE, together_with=[StripUnreadQuantization(Runtime.TFLM)]
    )


@pytest.mark.parametrize("channels", [2, 124, 125, 130])
def test_around_the_channel_block_of_the_kernels(channels: int) -> None:
    check_rule(depthwise([0.003] * channels).model, RULE, hits=1)


def test_int16_activations() -> None:
    n = Layers()
    x = n.input((1, 4, 4, 3), DType.INT16, quant=(0.001, 0))
    bias = n.constant([100, -200], DType.INT64)
    inputs = [x, n.weights(2, 1, 1, 3, scales=[0.01, 0.01]), bias]
    options = Conv2DOptions(stride_w=1, stride_h=1)
    shape = (1, 4, 4, 2)
    n.output(n.op(OpCode.CONV_2D, inputs, shape, options=options, quant=(0.001, 0), version=4))
    check_rule(n.model, RULE, hits=1)


SCALES = (1e-6, 3.9e-5, 0.00390625, 0.0117, 0.9)


def every_product(code: OpCode, scale: float, output: Quant, activation: Activation) -> Layers:
    """Each int8 input times each int8 weight: all products that a channel can sum up."""
    n = Layers()
    numbers = np.arange(-127, 128)
    x = n.input((1, 16, 16, 1), quant=(0.05, -128))
    biases = n.constant(np.where(numbers % 5, numbers * 4097, 0))
    shape = (255, 1, 1, 1) if code is OpCode.CONV_2D else (1, 1, 1, 255)
    axis = shape.index(255)
    kernel = n.constant(
        numbers.reshape(shape), DType.INT8, Quantization.per_channel([scale] * 255, axis)
    )
    options: Conv2DOptions | DepthwiseConv2DOptions
    if code is OpCode.CONV_2D:
        options = Conv2DOptions(Padding.VALID, 1, 1, activation)
    else:
        options = DepthwiseConv2DOptions(Padding.VALID, 1, 1, 255, activation)
    inputs = [x, kernel, biases]
    n.output(n.op(code, inputs, (1, 16, 16, 255), options=options, quant=output, version=3))
    return n


@pytest.mark.parametrize("code", [OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("output", "activation"),
    [
        ((0.05, -128), Activation.RELU6),
        ((0.00001, 3), Activation.NONE),
        ((7.0, 0), Activation.NONE),
    ],
)
def test_every_product_of_every_input_and_weight(
    code: OpCode, scale: float, output: Quant, activation: Activation
) -> None:
    """65,280 products for each scale: multipliers far below, around and above 1."""
    n = every_product(code, scale, output, activation)
    copy = clone(n.model)
    assert apply(copy, RULE).counts[RULE.name] == 1
    sample = np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16, 1)
    for name in RUNNERS:
        if name not in installed():
            continue
        one, two = (
            runtime().run(name, write_bytes(each), [[sample]])[0][0] for each in (n.model, copy)
        )
        assert one.shape == (1, 16, 16, 255)
        assert np.array_equal(one, two)


def zero_points(n: Layers) -> None:
    value = weights(n)
    assert value.quant is not None
    value.quant = replace(value.quant, zero_point=np.array([0, 0, 0, 1], np.int64))


def second_reader(n: Layers) -> None:
    value = weights(n)
    shape = value.shape
    n.output(n.op(OpCode.ADD, [value, value], shape, options=AddOptions(), version=2))


def also_an_output(n: Layers) -> None:
    n.output(weights(n))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (zero_points, "the weights have zero points"),
        (second_reader, "another operator reads the weights"),
        (also_an_output, "another operator reads the weights"),
    ],
)
def test_declines(change: Callable[[Layers], None], reason: str) -> None:
    n = depthwise([0.01] * 4)
    change(n)
    check_declines(n.model, RULE, reason)


def next_scale() -> Layers:
    """Two scales that are as close as floats get."""
    return depthwise([0.01, float(np.nextafter(np.float32(0.01), np.float32(1)))])


def per_tensor() -> Layers:
    return depthwise([0.01])


def dense() -> Layers:
    """FULLY_CONNECTED multiplies scales in float where they are per tensor, in double else."""
    n = Layers()
    n.output(n.dense_with(n.feed(2, 3), n.bias(4), [0.01] * 4))
    return n


def unquantized() -> Layers:
    n = depthwise([0.01] * 4)
    weights(n).quant = None
    return n


def without_zero_points() -> Layers:
    n = depthwise([0.01] * 4)
    weights(n).quant = Quantization(np.full(4, 0.01, np.float32), None)
    return n


@pytest.mark.parametrize("build", [next_scale, per_tensor, dense, unquantized, without_zero_points])
def test_leaves_alone(build: Callable[[], Layers]) -> None:
    check_leaves_alone(build().model, RULE)
