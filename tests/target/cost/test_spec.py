"""Descriptions of layers: complete, hashable, and as good as the operator itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.graphs import Net
from tests.support.paths import every_model
from tflopt.io import read
from tflopt.ir import DType, Op, OpCode
from tflopt.ir.options import SoftmaxOptions
from tflopt.target import Target
from tflopt.target.cost import LayerSpec, TensorSpec, describe
from tflopt.target.cost.spec import detached
from tflopt.target.device import Device
from tflopt.target.kernels import kernel_use

pytestmark = pytest.mark.unit
TARGETS = [Target.parse(name) for name in ("cortex-m0", "cortex-m4", "cortex-m55")]


def last(net: Net) -> Op:
    return net.graph.ops[-1]


@every_model
def test_a_detached_operator_is_described_and_dispatched_alike(path: Path) -> None:
    for graph in read(path).graphs:
        for op in graph.ops:
            spec = describe(op)
            copy = detached(spec)
            assert without_context(describe(copy)) == without_context(spec)
            for device in map(Device.of, TARGETS):
                assert kernel_use(copy, device) == kernel_use(op, device)


def without_context(spec: LayerSpec) -> LayerSpec:
    """Without quantization and other graphs, which a detached operator lacks."""
    tensors = (
        None if each is None else replace(each, scale=None, zero_point=None) for each in spec.inputs
    )
    return replace(spec, inputs=tuple(tensors), trips=None)


def test_only_integers_that_decide_a_cost_are_kept() -> None:
    net = Net()
    net.pad(net.feed(1, 4, 4, 2), (0, 0), (1, 1), (1, 1), (0, 0))
    assert describe(last(net)).inputs[1] == TensorSpec(
        (4, 2), DType.INT32, constant=True, ints=(0, 0, 1, 1, 1, 1, 0, 0)
    )
    net.conv(net.feed(1, 4, 4, 2), 3)
    assert all(each is not None and each.ints is None for each in describe(last(net)).inputs)


def test_equal_layers_of_different_weights_are_one_layer() -> None:
    net = Net()
    x = net.feed(1, 4, 4, 2)
    first = describe(net.conv(x, 3).producer or last(net))
    second = describe(net.conv(x, 3).producer or last(net))
    assert first == second
    assert hash(first) == hash(second)


def test_softmax_keeps_its_scale() -> None:
    net = Net()
    x = net.input((1, 8), quant=(0.25, 0))
    net.op(OpCode.SOFTMAX, [x], x.shape, options=SoftmaxOptions(beta=1.0), quant=(1 / 256, -128))
    data = describe(last(net)).inputs[0]
    assert data is not None
    assert data.scale == 0.25
