"""``share-bias-scales``: only the number of a bias's scales is read, and only by LiteRT."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.support.check_rule import apply, check_leaves_alone, check_rule
from tests.support.flash import SMALL, Layers, real_model, refusal
from tests.support.paths import needs_litert
from tflopt.config import Config, Runtime
from tflopt.io import write_bytes
from tflopt.ir import DType, Model, OpCode, Quantization, Value
from tflopt.ir.clone import clone
from tflopt.rules.flash.share_bias_scales import ShareBiasScales
from tflopt.rules.pipeline import Selection, run_pipeline
from tflopt.run.samples import SampleOptions
from tflopt.verify.compare import Candidate
from tflopt.verify.default_path import run_default_path

pytestmark = pytest.mark.runtime
RULE = ShareBiasScales()
SCALES = [0.01, 0.02, 0.03]
Build = Callable[[Layers], Value]


def conv(n: Layers) -> Value:
    return n.conv(n.feed(1, 4, 4, 3), 5)


def depthwise(n: Layers) -> Value:
    return n.depthwise(n.feed(1, 4, 4, 3), n.bias(3), SCALES)


def depthwise_per_tensor(n: Layers) -> Value:
    return n.depthwise(n.feed(1, 4, 4, 3), n.bias(3, per_channel=False), [0.01])


def transpose_conv(n: Layers) -> Value:
    return n.transpose_conv(n.feed(1, 3, 3, 2), n.bias(4), [0.01, 0.02, 0.03, 0.04])


def dense_per_channel(n: Layers) -> Value:
    return n.dense_with(n.feed(2, 3), n.bias(4, 0.05), [1.0, 1.1, 1.2, 1.3])


def net(build: Build) -> Layers:
    n = Layers()
    n.output(build(n))
    return n


def last_inputs(model: Model) -> tuple[Value, Value]:
    """Weights and bias of the only layer."""
    weights, bias = model.main.ops[0].inputs[1], model.main.ops[0].inputs[-1]
    assert weights is not None
    assert bias is not None
    return weights, bias


BUILDS = [conv, depthwise, depthwise_per_tensor, transpose_conv, dense_per_channel]


@pytest.mark.parametrize("build", BUILDS)
def test_a_bias_has_the_scales_of_its_weights(build: Build) -> None:
    n = net(build)
    copy = check_rule(n.model, RULE, hits=1)
    weights, bias = last_inputs(copy)
    assert weights.quant is not None
    assert bias.quant is not None
    assert bias.quant.scales.tolist() == weights.quant.scales.tolist()
    assert bias.quant.quantized_dimension == 0
    assert len(write_bytes(copy, SMALL)) < len(write_bytes(n.model, SMALL))


@needs_litert
@pytest.mark.parametrize("build", BUILDS)
def test_litert_s_default_path_computes_the_same(build: Build) -> None:
    n = net(build)
    copy = clone(n.model)
    apply(copy, RULE)
    pair = [Candidate(model, write_bytes(model)) for model in (n.model, copy)]
    found, _ = run_default_path(pair[0], pair[1], SampleOptions(60, seed=1))
    assert found is not None
    assert found.total > 0
    assert not found.different


def dense(weights: float, bias: float, source: float, target: float = 1.0) -> Layers:
    n = Layers()
    x = n.input((2, 3), quant=(source, 3))
    given = n.bias(4, bias, per_channel=False)
    n.output(n.dense_with(x, given, [weights], (target, 3)))
    return n


def test_per_tensor_dense_layers_compare_it_with_the_product() -> None:
    """|0.5 * 0.03 - 0.03| is 1.5 % of the output scale, |0.5 * 0.05 - 0.05| 2.5 %."""
    copy = check_rule(dense(0.03, 0.015, 0.5).model, RULE, hits=1)
    assert last_inputs(copy)[1].quant == Quantization.per_tensor(float(np.float32(0.03)))
    check_leaves_alone(dense(0.05, 0.025, 0.5).model, RULE)


@pytest.mark.parametrize("runner", ["tflm", "litert"])
def test_both_runtimes_refuse_what_it_leaves(runner: str) -> None:
    n = dense(0.05, 0.05, 0.5)
    assert "0.02" in refusal(n.model, runner) or "failed" in refusal(n.model, runner).lower()


def twelve_channels(n: Layers) -> Value:
    return n.depthwise(n.feed(1, 4, 4, 12), n.bias(12), [0.01 + 0.001 * c for c in range(12)])


def test_the_pipeline_uses_it_before_equal_vectors_are_stored_once() -> None:
    models = []
    for disabled in (set(), {RULE.name}):
        n = net(twelve_channels)
        run_pipeline(n.model, Selection(disable=disabled), Config(plan=None))
        models.append(n.model)
    with_it, without = (len(write_bytes(model, SMALL)) for model in models)
    assert without - with_it >= 4 * 12


def test_tflm_alone_needs_none() -> None:
    n = net(twelve_channels)
    run_pipeline(n.model, Selection(), Config(runtime=Runtime.TFLM, plan=None))
    assert last_inputs(n.model)[1].quant is None


def test_the_result_optimized_for_tflm_alone_loses_it() -> None:
    n = net(twelve_channels)
    run_pipeline(n.model, Selection(), Config(plan=None))
    run_pipeline(n.model, Selection(), Config(runtime=Runtime.TFLM, plan=None))
    assert last_inputs(n.model)[1].quant is None


def two_layers(second: list[float]) -> Layers:
    n = Layers()
    bias = n.bias(3)
    n.output(n.depthwise(n.depthwise(n.feed(1, 4, 4, 3), bias, SCALES), bias, second))
    return n


def test_a_bias_of_two_layers_takes_what_both_have() -> None:
    check_rule(two_layers(SCALES).model, RULE, hits=1)
    check_leaves_alone(two_layers([0.01, 0.02, 0.04]).model, RULE)


def unquantized(n: Layers) -> Value:
    return n.depthwise(n.feed(1, 4, 4, 3), n.bias(3, None), SCALES)


def one_scale_for_three(n: Layers) -> Value:
    return n.depthwise(n.feed(1, 4, 4, 3), n.bias(3, per_channel=False), SCALES)


@pytest.mark.parametrize("build", [unquantized, one_scale_for_three])
def test_leaves_alone_what_would_change_who_runs_the_layer(build: Build) -> None:
    check_leaves_alone(net(build).model, RULE)


def test_weights_with_zero_points_stay() -> None:
    """XNNPACK takes no bias with zero points, and a bias has none to begin with."""
    n = net(depthwise)
    weights, _ = last_inputs(n.model)
    assert weights.quant is not None
    weights.quant = replace(weights.quant, zero_point=np.array([0, 1, 0], np.int64))
    check_leaves_alone(n.model, RULE)


@pytest.mark.parametrize("data", [DType.UINT8, DType.INT16])
def test_only_int8_layers(data: DType) -> None:
    n = net(conv)
    n.graph.inputs[0].dtype = data
    check_leaves_alone(n.model, RULE)


@pytest.mark.parametrize("stem", ["svdf", "lstm"])
def test_recurrent_layers_keep_theirs(stem: str) -> None:
    model = real_model(stem)
    copy = clone(model)
    apply(copy, RULE)
    for one, two in zip(model.main.ops, copy.main.ops, strict=True):
        if one.code in {OpCode.SVDF, OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM}:
            assert [v and v.quant for v in one.inputs] == [v and v.quant for v in two.inputs]
