"""``add-zero-bias``."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.check_rule import apply, check_leaves_alone, check_rule
from tests.support.graphs import Net
from tests.support.hazards import M4, M55, hazard_model
from tflopt.ir import DType
from tflopt.rules.defects.add_zero_bias import AddZeroBias

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "runners"),
    [
        ("grouped-conv-without-bias", ["tflm"]),  # LiteRT refuses it without a bias
        ("wide-depthwise-without-bias", ["tflm", "litert"]),
    ],
)
def test_adds_zeros_with_a_quantization_that_litert_takes(name: str, runners: list[str]) -> None:
    after = check_rule(hazard_model(name), AddZeroBias(M55), hits=1, runners=runners)
    (op,) = after.ops()
    bias = op.input(2)
    assert bias is not None
    assert bias.dtype is DType.INT32
    assert not bias.array().any()
    assert bias.array().shape == (op.output.shape[-1],)
    assert bias.quant is not None
    assert bias.quant.scale is not None
    assert np.allclose(bias.quant.scale, 0.05 * 0.005)


def test_int16_takes_a_bias_of_int64() -> None:
    model = hazard_model("transpose-conv-s16-without-bias")
    trace = apply(model, AddZeroBias(M4))
    (op,) = model.ops()
    bias = op.input(3)
    assert trace.counts["add-zero-bias"] == 1
    assert bias is not None
    assert bias.dtype is DType.INT64


def test_leaves_a_layer_alone_that_the_target_computes_right() -> None:
    check_leaves_alone(hazard_model("wide-depthwise-without-bias"), AddZeroBias(M4))


def test_leaves_a_bias_alone() -> None:
    net = Net()
    net.output(net.conv(net.feed(1, 4, 4, 8), 8))
    check_leaves_alone(net.model, AddZeroBias(M55))
