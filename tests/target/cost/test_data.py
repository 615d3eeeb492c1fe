"""Work that depends on the data: from what to what, and what is usual."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.graphs import Net
from tflopt.arith import unary
from tflopt.arith.affine import Affine
from tflopt.ir import DType, OpCode
from tflopt.target import Target
from tflopt.target.cortex_m import Isa
from tflopt.target.cost import Basis, LayerSpec, TensorSpec, describe, predict_layer, predict_model
from tflopt.target.cost.features_data import COMPUTED, extremes, saturating
from tflopt.target.memory import Device

pytestmark = pytest.mark.unit
DEVICES = [Device(Target.parse(name)) for name in ("cortex-m3", "cortex-m4", "cortex-m55")]
CODES = np.arange(-128, 128)


def layer(code: OpCode, scale: float | None, zero_point: int, count: int = 256) -> LayerSpec:
    data = TensorSpec((1, count), scale=scale, zero_point=zero_point)
    return LayerSpec(code, (data,), (TensorSpec((1, count)),))


@pytest.mark.parametrize("code", [OpCode.LOGISTIC, OpCode.TANH])
@pytest.mark.parametrize(
    ("scale", "zero_point"), [(0.02, 0), (0.1, -7), (0.15, 100), (0.6, -60), (2.0, 3), (40.0, 0)]
)
def test_what_is_computed_is_what_does_not_saturate(
    code: OpCode, scale: float, zero_point: int
) -> None:
    """Counted on the arithmetic that the kernels' bit-exact models have."""
    source = Affine.make(scale, zero_point)
    radius = unary.sigmoid_radius(source)
    near = int((np.abs(CODES - zero_point) < radius).sum())
    assert saturating(layer(code, scale, zero_point), Isa.DSP)[COMPUTED] == near
    compute = unary.logistic if code is OpCode.LOGISTIC else unary.tanh
    beyond = np.abs(CODES - zero_point) >= radius
    assert set(compute(CODES, source)[beyond].tolist()) <= {-128, 127}


@pytest.mark.parametrize("code", [OpCode.LOGISTIC, OpCode.TANH])
def test_the_extremes_enclose_what_is_usual(code: OpCode) -> None:
    for device in DEVICES:
        found = predict_layer(layer(code, 0.3, 0), device)
        assert found.basis is Basis.MEASURED
        assert found.least < found.instructions < found.most
        assert found.most > 10 * found.least


@pytest.mark.parametrize("code", [OpCode.LOGISTIC, OpCode.TANH])
def test_without_saturation_there_is_no_range(code: OpCode) -> None:
    for device in DEVICES:
        found = predict_layer(layer(code, 0.02, 0), device)
        assert found.least == found.instructions == found.most


def test_of_an_unknown_scale_everything_is_computed() -> None:
    known, unknown = layer(OpCode.TANH, 0.02, 0), layer(OpCode.TANH, None, 0)
    assert saturating(known, Isa.MVE) == saturating(unknown, Isa.MVE)


def test_other_layers_have_no_range() -> None:
    net = Net()
    net.conv(net.feed(1, 8, 8, 3), 5)
    spec = describe(net.graph.ops[-1])
    assert extremes(spec, {"call": 1.0}) == ({}, {})
    for device in DEVICES:
        found = predict_layer(spec, device)
        assert found.least == found.instructions == found.most


def test_softmax_computes_at_least_one_exponential_of_each_row() -> None:
    data = TensorSpec((5, 40), scale=0.8, zero_point=3)
    spec = LayerSpec(OpCode.SOFTMAX, (data,), (TensorSpec((5, 40)),))
    least, most = extremes(spec, {"exponentials": 9.0, "rows": 5.0, "elements": 200.0})
    assert (least, most) == ({"exponentials": 5.0}, {"exponentials": 200.0})


def test_a_model_sums_the_ranges_of_its_operators() -> None:
    net = Net()
    x = net.input((1, 256), DType.INT8, (0.3, 0))
    net.op(OpCode.LOGISTIC, [x], x.shape)
    for device in DEVICES:
        found = predict_model(net.model, device)
        (row,) = found.rows
        spread = row.prediction.most - row.prediction.least
        assert found.most_instructions is not None
        assert found.most_instructions - found.least_instructions == spread
