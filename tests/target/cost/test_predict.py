"""Predictions: against measured totals, and what they say of themselves."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from tests.support.graphs import QUANT, Net
from tests.support.paths import SHARED
from tflopt.io import read
from tflopt.ir import DType, OpCode, OperatorCode, Padding
from tflopt.ir.options import (
    Conv2DOptions,
    DepthwiseConv2DOptions,
    UnidirectionalSequenceLSTMOptions,
)
from tflopt.ir.types import Activation
from tflopt.target import Target
from tflopt.target.cost import (
    Basis,
    LayerSpec,
    TensorSpec,
    describe,
    predict_instructions,
    predict_layer,
    predict_model,
)
from tflopt.target.device import Device

pytestmark = pytest.mark.unit
CORES = ("cortex-m3", "cortex-m4", "cortex-m33", "cortex-m55")
M3, M4, M33, M55 = (Device(Target.parse(name)) for name in CORES)

# Million instructions of one inference, measured on QEMU's mps3-an547, mps2-an386 and mps2-an505.
MEASURED = [
    ("kws_ref_model", M55, 1.81),
    ("kws_ref_model", M4, 7.70),
    ("kws_ref_model", M33, 7.68),
    ("vww_96_int8", M55, 6.56),
    ("vww_96_int8", M4, 24.1),
    ("vww_96_int8", M33, 24.0),
    ("ic_resnet8_int8", M55, 4.91),
    ("ic_resnet8_int8", M4, 29.9),
    ("ic_resnet8_int8", M33, 30.0),
    ("ad01_int8", M55, 0.1507),
    ("ad01_int8", M4, 0.5836),
    ("ad01_int8", M33, 0.5841),
    ("micro_speech_quantized", M55, 1.01),
    ("micro_speech_quantized", M4, 1.50),
    ("micro_speech_quantized", M33, 1.48),
    ("mobilenet_v2_pytorch", M55, 176.6),
]


@pytest.mark.parametrize(("name", "device", "millions"), MEASURED)
def test_totals_are_near_the_measured_ones(name: str, device: Device, millions: float) -> None:
    path: Path = SHARED / f"{name}.tflite"
    if not path.exists():
        pytest.skip("needs ../shared/models")
    predicted = predict_model(read(path), device)
    assert predicted.instructions == pytest.approx(1e6 * millions, rel=0.04)
    assert predicted.measured_share > 0.99


def conv(channels: int, groups: int, multiplier: int = 1) -> LayerSpec:
    """3x3 SAME over 32x32."""
    out = channels * multiplier
    return LayerSpec(
        OpCode.CONV_2D,
        (
            TensorSpec((1, 32, 32, channels)),
            TensorSpec((out, 3, 3, channels // groups), constant=True, per_channel=True),
            TensorSpec((out,), DType.INT32, constant=True),
        ),
        (TensorSpec((1, 32, 32, out)),),
        Conv2DOptions(Padding.SAME, 1, 1),
    )


def as_depthwise(spec: LayerSpec) -> LayerSpec:
    """The same layer as a depthwise one."""
    data, weights, bias = spec.inputs
    assert data is not None
    assert weights is not None
    multiplier = spec.output.shape[3] // data.shape[3]
    shape = (1, *weights.shape[1:3], weights.shape[0])
    return replace(
        spec,
        code=OpCode.DEPTHWISE_CONV_2D,
        inputs=(data, replace(weights, shape=shape), bias),
        options=DepthwiseConv2DOptions(Padding.SAME, 1, 1, multiplier),
    )


def test_grouped_convolution_and_depthwise_as_measured() -> None:
    grouped = conv(16, 16)
    assert predict_layer(grouped, M4).instructions == pytest.approx(9.26e6, rel=0.1)
    assert predict_layer(as_depthwise(grouped), M4).instructions == pytest.approx(1.24e6, rel=0.1)


@pytest.mark.parametrize("device", [M4, M33, M55])
def test_depth_multiplier_above_one_is_slow(device: Device) -> None:
    single = predict_layer(as_depthwise(conv(16, 16)), device)
    double = predict_layer(as_depthwise(conv(16, 16, 2)), device)
    assert double.instructions > 2.5 * single.instructions


def test_more_work_costs_more() -> None:
    for device in (M3, M4, M33, M55):
        costs = [predict_layer(conv(c, 1), device).instructions for c in (4, 8, 16, 32, 64)]
        assert costs == sorted(costs)


def test_an_operator_and_its_description_cost_the_same() -> None:
    net = Net()
    op = net.conv(net.feed(1, 8, 8, 3), 5).producer
    assert op is not None
    prediction = predict_instructions(op, M55)
    assert prediction == predict_layer(describe(op), M55)
    assert prediction.basis is Basis.MEASURED
    assert (prediction.kernel, prediction.table) == ("arm_convolve_s8", "cortex-m55")


def test_known_kernels_without_measurements_are_estimated() -> None:
    net = Net()
    x = net.input((1, 40), DType.FLOAT32, None)
    net.op(OpCode.COS, [x], x.shape)
    few, many = (
        predict_layer(
            LayerSpec(OpCode.COS, (TensorSpec((n,), DType.FLOAT32),), (TensorSpec((n,)),)), M55
        )
        for n in (10, 1000)
    )
    assert few.basis is many.basis is Basis.ESTIMATED
    assert 0 < few.instructions < many.instructions


TWO_INPUTS = [
    (code, dtype)
    for code in (OpCode.ADD, OpCode.SUB, OpCode.MUL, OpCode.MAXIMUM, OpCode.MINIMUM, OpCode.PRELU)
    for dtype in (DType.INT8, DType.FLOAT32)
]


@pytest.mark.parametrize(("code", "dtype"), TWO_INPUTS)
@pytest.mark.parametrize("shape", [(1, 16, 16, 8), (8,), (1,), (1, 16, 1, 1), (1, 1, 16, 1)])
def test_every_element_costs_something_however_it_is_broadcast(
    code: OpCode, dtype: DType, shape: tuple[int, ...]
) -> None:
    """A form of a loop that was not measured must not count as free."""
    whole = TensorSpec((1, 16, 16, 8), dtype)
    inputs = [(whole, TensorSpec(shape, dtype))]
    inputs += [] if code is OpCode.PRELU else [(TensorSpec(shape, dtype), whole)]
    for each, device in product(inputs, (M3, M4, M33, M55)):
        found = predict_layer(LayerSpec(code, each, (whole,)), device)
        assert found.instructions > 2048, found


def lstm(steps: int, depth: int = 64, units: int = 64) -> LayerSpec:
    into, back = (
        TensorSpec((units, depth), constant=True),
        TensorSpec((units, units), constant=True),
    )
    bias = TensorSpec((units,), DType.INT32, constant=True)
    state = TensorSpec((1, units), variable=True)
    cell = replace(state, dtype=DType.INT16)
    data, out = TensorSpec((1, steps, depth)), TensorSpec((1, steps, units))
    inputs = (data, *[into] * 4, *[back] * 4, *[None] * 3, *[bias] * 4, None, None, state, cell)
    options = UnidirectionalSequenceLSTMOptions(fused_activation_function=Activation.TANH)
    return LayerSpec(OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM, inputs, (out,), options)


def test_the_first_step_of_an_lstm_has_no_hidden_state_to_multiply() -> None:
    for device in (M3, M4, M33, M55):
        one, two, three = (predict_layer(lstm(steps), device).instructions for steps in (1, 2, 3))
        assert three - two == pytest.approx(two - one, abs=2)
        assert two > 2.2 * one


def test_custom_operators_are_unknown() -> None:
    net = Net()
    entry = OperatorCode(int(OpCode.CUSTOM), "mine")
    (out,) = net.custom(entry, [net.feed(1, 8)], [(1, 8)], quant=QUANT)
    assert out.producer is not None
    prediction = predict_instructions(out.producer, M55)
    assert prediction.basis is Basis.UNKNOWN
    assert prediction.instructions > 0
    net.output(out)
    assert predict_model(net.model, M55).measured_share == 0.0


def test_targets_share_the_table_of_their_isa_and_architecture() -> None:
    spec = conv(8, 1)
    names = {"cortex-m7": "cortex-m4", "cortex-m85": "cortex-m55", "cortex-m35p": "cortex-m33"}
    names |= {"cortex-m0": "cortex-m3", "cortex-m33+nodsp": "cortex-m3"}
    names |= {f"cortex-m{number}+nomve": "cortex-m33" for number in (52, 55, 85)}
    for name, table in names.items():
        assert predict_layer(spec, Device(Target.parse(name))) == predict_layer(
            spec, Device(Target.parse(table))
        )


def test_an_empty_layer_does_not_raise() -> None:
    nothing = LayerSpec(OpCode.CONV_2D, (), ())
    assert predict_layer(nothing, M4).basis is Basis.UNKNOWN
