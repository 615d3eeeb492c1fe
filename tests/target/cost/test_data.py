"""Work that depends on the data: from what to what, and what is usual."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.graphs import Net
from tflopt.arith import unary
from tflopt.arith.affine import Affine
from tflopt.ir import DType, OpCode
from tflopt.target import Target
from tflopt.target.cortex_m import Isa
from tflopt.target.cost import Basis, LayerSpec, TensorSpec, describe, predict_layer, predict_model
from tflopt.target.cost.features_data import COMPUTED, extremes, saturating, signs
from tflopt.target.device import Device

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


def added(code: OpCode, zero_points: tuple[int, int]) -> LayerSpec:
    """(1, 8, 8, 16) and a vector of channels: TFLM's own loop."""
    shapes = ((1, 8, 8, 16), (16,))
    operands = [
        TensorSpec(shape, scale=0.05, zero_point=each)
        for shape, each in zip(shapes, zero_points, strict=True)
    ]
    return LayerSpec(code, tuple(operands), (TensorSpec(shapes[0]),))


def test_behind_a_relu_no_number_is_negative() -> None:
    for device in DEVICES:
        bare = predict_layer(added(OpCode.ADD, (-128, -128)), device)
        half = predict_layer(added(OpCode.ADD, (0, 0)), device)
        assert bare.least == bare.instructions == bare.most == half.least
        assert half.least < half.instructions < half.most
        assert half.most < 1.4 * half.least


def test_a_product_rounds_by_the_sign_of_the_result() -> None:
    for device in DEVICES:
        like = predict_layer(added(OpCode.MUL, (-128, -128)), device)
        unlike = predict_layer(added(OpCode.MUL, (-128, 127)), device)
        assert like.instructions < unlike.instructions


@pytest.mark.parametrize("place", [0, 1])
def test_the_sign_of_a_difference_follows_from_a_constant(place: int) -> None:
    """``1 - z`` of a LOGISTIC is never negative, ``z - 1`` never positive."""
    net = Net()
    z = net.input((1, 96), DType.INT8, (1 / 256, -128))
    one = net.constant([127], DType.INT8, quant=(1 / 255, -128))
    pair = [one, z] if place == 0 else [z, one]
    net.op(OpCode.SUB, pair, z.shape, quant=(1 / 256, -128 if place == 0 else 127))
    spec = describe(net.graph.ops[-1])
    found = signs(spec)
    assert found["first negative"] == found["second negative"] == 0
    assert found["negative result"] == (0 if place == 0 else 96)
    for device in DEVICES:
        predicted = predict_layer(spec, device)
        assert predicted.least == predicted.instructions == predicted.most


@pytest.mark.parametrize("scale", [None, 0.0, float("inf"), float("nan")])
def test_without_a_usable_scale_half_of_the_numbers_are_negative(scale: float | None) -> None:
    data = TensorSpec((1, 8), scale=scale, zero_point=-128)
    spec = LayerSpec(OpCode.ADD, (data, replace(data, shape=(8,))), (data,))
    assert set(signs(spec).values()) == {4.0}


def test_signs_do_not_matter_to_vector_code() -> None:
    for device in DEVICES:
        spec = added(OpCode.ADD, (0, 0))
        same = LayerSpec(OpCode.ADD, (spec.inputs[0], spec.inputs[0]), spec.outputs)
        found = predict_layer(same, device)
        assert found.kernel == "arm_elementwise_add_s8"
        assert found.least == found.instructions == found.most


@pytest.mark.parametrize("code", [OpCode.ADD, OpCode.SUB, OpCode.MUL])
def test_float_sums_of_unlike_rank_take_the_loops(code: OpCode) -> None:
    whole, flat = (TensorSpec(shape, DType.FLOAT32) for shape in ((1, 24), (24,)))
    for device in DEVICES:
        found = predict_layer(LayerSpec(code, (whole, flat), (whole,)), device)
        assert found.row.endswith(" broadcast") == (code is not OpCode.MUL)
        same = predict_layer(LayerSpec(code, (whole, whole), (whole,)), device)
        assert not same.row.endswith(" broadcast")


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
