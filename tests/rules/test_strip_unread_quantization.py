"""``strip-unread-quantization``: who reads the scale of a bias, and who does not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.flash import Layers, real_model, refusal
from tests.support.graphs import QUANT
from tflopt.config import Runtime
from tflopt.facts.operators import OPERATORS
from tflopt.ir import DType, OpCode, Quantization, Value
from tflopt.ir.clone import clone
from tflopt.ir.options import AddOptions, FullyConnectedOptions
from tflopt.rules.flash.strip_unread_quantization import StripUnreadQuantization

pytestmark = pytest.mark.runtime
RULE = StripUnreadQuantization(Runtime.TFLM)
FOR_BOTH = StripUnreadQuantization()
LIMIT = float(np.float32(0.02))
OVER = float(np.nextafter(np.float32(0.02), np.float32(1)))
RUNNERS = {"keyword_scrambled_8bit": ("tflm",)}
"""LiteRT corrupts its heap with the original of this model and dies sooner or later."""
Build = Callable[[Layers], Value]


def conv(n: Layers) -> Value:
    return n.conv(n.feed(1, 4, 4, 3), 5)


def depthwise(n: Layers) -> Value:
    return n.depthwise(n.feed(1, 4, 4, 3), n.bias(3), [0.01, 0.02, 0.03])


def depthwise_per_tensor(n: Layers) -> Value:
    return n.depthwise(n.feed(1, 4, 4, 3), n.bias(3, per_channel=False), [0.01])


def transpose_conv(n: Layers) -> Value:
    return n.transpose_conv(n.feed(1, 3, 3, 2), n.bias(4), [0.01] * 4)


def dense_per_channel(n: Layers) -> Value:
    """Far over the ratio, which only counts for per-tensor weights."""
    return n.dense_with(n.feed(2, 3), n.bias(4, 0.05), [1.0, 1.1, 1.2, 1.3])


@pytest.mark.parametrize(
    "build", [conv, depthwise, depthwise_per_tensor, transpose_conv, dense_per_channel]
)
def test_biases_lose_their_quantization(build: Build) -> None:
    n = Layers()
    n.output(build(n))
    copy = check_rule(n.model, RULE, hits=1)
    (op,) = copy.main.ops
    bias, weights = op.inputs[-1], op.inputs[1]
    assert bias is not None
    assert bias.quant is None
    assert weights is not None
    assert weights.quant is not None
    assert op.output.quant is not None


@pytest.mark.parametrize(
    "build", [conv, depthwise, depthwise_per_tensor, transpose_conv, dense_per_channel]
)
def test_int8_biases_keep_it_for_litert_s_default_path(build: Build) -> None:
    n = Layers()
    n.output(build(n))
    before = n.graph.ops[0].inputs[-1]
    copy = check_rule(n.model, FOR_BOTH, hits=1 if build is transpose_conv else 0)
    after = copy.main.ops[0].inputs[-1]
    assert before is not None
    assert after is not None
    assert after.quant == before.quant is not None


def test_int16_biases_go_for_litert_too() -> None:
    n = Layers()
    n.output(conv(n))
    n.graph.inputs[0].dtype = DType.INT16
    check_rule(n.model, FOR_BOTH, hits=1, runners=[])


def test_the_text_of_a_result() -> None:
    n = Layers()
    bias = n.constant([1, 2, 3, 4], quant=(0.0005, 0))
    n.output(n.dense_with(n.feed(2, 3), bias, [0.01]))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[2,3]{0.05,3}) -> %1
          %1: i8[2,4]{0.05,3} = FULLY_CONNECTED(%0, const i8[4,3]{0.01,0}, [1, 2, 3, 4])
        """,
    )


def dense(ratio: float) -> Layers:
    """Input and output scale are equal powers of two, so the ratio is the weights' scale."""
    n = Layers()
    x = n.input((2, 3), quant=(0.5, 3))
    n.output(n.dense_with(x, n.bias(4, 0.5 * ratio, per_channel=False), [ratio], (0.5, 3)))
    return n


@pytest.mark.parametrize("ratio", [1e-4, 0.0199, LIMIT])
def test_a_dense_bias_within_the_ratio_loses_it(ratio: float) -> None:
    copy = check_rule(dense(ratio).model, RULE, hits=1)
    bias = copy.main.ops[0].inputs[2]
    assert bias is not None
    assert bias.quant is None


@pytest.mark.parametrize("ratio", [OVER, 0.0226, 0.5])
@pytest.mark.parametrize("runner", ["tflm", "litert"])
def test_a_dense_bias_over_the_ratio_keeps_it_for_both_runtimes_would_refuse(
    ratio: float, runner: str
) -> None:
    n = dense(ratio)
    check_leaves_alone(n.model, RULE)
    stripped = clone(n.model)
    bias = stripped.main.ops[0].inputs[2]
    assert bias is not None
    bias.quant = None
    assert "0.02" in refusal(stripped, runner) or "failed" in refusal(stripped, runner).lower()


def test_an_int16_dense_bias_keeps_it() -> None:
    n = Layers()
    x = n.input((2, 3), DType.INT16, quant=(0.001, 0))
    bias = n.constant([1, 2, 3, 4], DType.INT64)
    bias.quant = Quantization.per_tensor(1e-5)
    inputs = [x, n.weights(4, 3, scales=[0.01]), bias]
    n.output(
        n.op(
            OpCode.FULLY_CONNECTED,
            inputs,
            (2, 4),
            options=FullyConnectedOptions(),
            quant=(0.001, 0),
            version=7,
        )
    )
    check_leaves_alone(n.model, RULE)


@pytest.mark.parametrize("data", [DType.UINT8, DType.FLOAT32])
def test_only_int8_and_int16_convolutions_ignore_it(data: DType) -> None:
    n = Layers()
    n.output(conv(n))
    n.graph.inputs[0].dtype = data
    check_leaves_alone(n.model, RULE)


@pytest.mark.parametrize("stem", ["svdf", "keyword_scrambled_8bit"])
def test_svdf_keeps_its_bias(stem: str) -> None:
    _kept(stem, {OpCode.SVDF})


@pytest.mark.parametrize("stem", ["lstm", "trained_lstm_int8"])
def test_lstm_keeps_its_biases(stem: str) -> None:
    _kept(stem, {OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM})


def _kept(stem: str, codes: set[OpCode]) -> None:
    model = real_model(stem)
    copy = check_rule(model, RULE, hits=1, runners=RUNNERS.get(stem, ("tflm", "litert")))
    pairs = [
        (before, after)
        for one, two in zip(model.main.ops, copy.main.ops, strict=True)
        for before, after in zip(one.inputs, two.inputs, strict=True)
        if one.code in codes and before is not None and after is not None
    ]
    biases = [before for before, _ in pairs if before.is_constant and before.dtype is DType.INT32]
    assert any(value.quant is not None for value in biases)
    assert all(before.quant == after.quant for before, after in pairs)


def shared(n: Layers, reader: Callable[[Layers, Value, Value], Value]) -> Value:
    """A bias of a convolution that something else reads too."""
    bias = n.bias(4, 0.0005, per_channel=False)
    y = n.depthwise(n.feed(1, 3, 3, 4), bias, [0.01] * 4)
    n.output(y, reader(n, y, bias))
    return bias


def test_a_bias_with_two_readers_that_ignore_it_loses_it() -> None:
    n = Layers()
    shared(n, lambda n, y, bias: n.depthwise(y, bias, [0.02] * 4))
    copy = check_rule(n.model, RULE, hits=1)
    assert {id(op.inputs[2]) for op in copy.main.ops} == {id(copy.main.ops[0].inputs[2])}


def over_the_ratio(n: Layers, y: Value, bias: Value) -> Value:
    return n.dense_with(n.reshape(y, 9, 4), bias, [0.5])


def add_to(n: Layers, y: Value, bias: Value) -> Value:
    return n.op(OpCode.ADD, [bias, bias], (4,), options=AddOptions(), dtype=DType.INT32)


def as_weights(n: Layers, y: Value, bias: Value) -> Value:
    """The same tensor at another input of the same kind of operator."""
    return n.op(OpCode.DEPTHWISE_CONV_2D, [y, bias, bias], y.shape)


def output_itself(n: Layers, y: Value, bias: Value) -> Value:
    return bias


@pytest.mark.parametrize("reader", [over_the_ratio, add_to, as_weights, output_itself])
def test_a_bias_keeps_it_if_one_reader_needs_it(
    reader: Callable[[Layers, Value, Value], Value],
) -> None:
    n = Layers()
    bias = shared(n, reader)
    for value in n.graph.values:
        value.quant = value.quant if value is bias or value.dtype is DType.INT8 else None
    check_leaves_alone(n.model, RULE)


def test_constants_that_steer_lose_it() -> None:
    n = Layers()
    x = n.pad(n.relu(n.feed(2, 3, 4)), (0, 0), (1, 0), (0, 1))
    x = n.transpose(n.reshape(n.strided(x, [0, 0, 0], [2, 4, 5]), 2, 20), 1, 0)
    n.output(x)
    constants = [v for v in n.graph.values if v.is_constant]
    for value in constants:
        value.quant = Quantization.per_tensor(1.0)
    copy = check_rule(n.model, RULE, hits=1)
    assert len(constants) == 6
    assert all(v.quant is None for v in copy.main.values if v.is_constant)


def test_data_is_no_steering_constant() -> None:
    """Every operator that steers by one input takes data at another."""
    rows = {code: row for code, row in OPERATORS.items() if row.controls}
    assert len(rows) >= 20
    for code, row in rows.items():
        if code in (OpCode.SPLIT, OpCode.TRANSPOSE_CONV):
            assert row.controls == (0,), code
        else:
            assert 0 not in row.controls, code


def test_leaves_alone_a_computed_bias_and_int8_constants() -> None:
    n = Layers()
    x = n.feed(1, 3, 3, 4)
    bias = n.input((4,), DType.INT32, quant=(0.0005, 0))
    y = n.depthwise(x, bias, [0.01] * 4)
    n.output(n.add(y, n.constant(np.ones((1, 3, 3, 4)), DType.INT8, quant=QUANT)))
    check_leaves_alone(n.model, RULE)
