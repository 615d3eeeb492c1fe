"""Weights of int4, two in a byte: no rule takes them for numbers, and nothing fails on them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.support.check_rule import check_same_outputs
from tests.support.paths import needs_tflm
from tflopt.config import Config, Goal, Runtime, Tiling
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import DType, Model, OpCode, Options, Padding, Quantization
from tflopt.ir.builder import Builder
from tflopt.ir.node import Buffer, Value
from tflopt.ir.options import Conv2DOptions, DepthwiseConv2DOptions, FullyConnectedOptions
from tflopt.product.optimize import optimize
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.hazards import find_hazards
from tflopt.target.memory import memory_of

pytestmark = [pytest.mark.runtime, needs_tflm]
SAME, VALID = Padding.SAME, Padding.VALID
X, QUANT = (1, 6, 6, 4), (0.05, 3)
LAYERS: dict[str, tuple[OpCode, tuple[int, ...], tuple[int, ...], Options]] = {
    "1x1": (OpCode.CONV_2D, (8, 1, 1, 4), (1, 6, 6, 8), Conv2DOptions(SAME, 1, 1)),
    "3x3": (OpCode.CONV_2D, (8, 3, 3, 4), (1, 6, 6, 8), Conv2DOptions(SAME, 1, 1)),
    "valid": (OpCode.CONV_2D, (8, 3, 3, 4), (1, 2, 2, 8), Conv2DOptions(VALID, 2, 2)),
    "depthwise": (
        *(OpCode.DEPTHWISE_CONV_2D, (1, 3, 3, 4), (1, 6, 6, 4)),
        DepthwiseConv2DOptions(SAME, 1, 1, 1),
    ),
    "multiplied": (
        *(OpCode.DEPTHWISE_CONV_2D, (1, 3, 3, 8), (1, 6, 6, 8)),
        DepthwiseConv2DOptions(SAME, 1, 1, 2),
    ),
    "dense": (OpCode.FULLY_CONNECTED, (5, 144), (1, 5), FullyConnectedOptions()),
}


def model_of(name: str) -> Model:
    code, kernel, shape, options = LAYERS[name]
    b, rng = Builder(), np.random.default_rng(1)
    x = b.input((1, 144) if name == "dense" else X, quant=QUANT)
    weights = Value(b.graph, DType.INT4, kernel, quant=Quantization.per_tensor(0.01))
    packed = rng.integers(0, 256, (weights.elements + 1) // 2, dtype=np.uint8)
    weights.buffer = Buffer(packed)
    b.model.buffers.append(weights.buffer)
    bias = b.constant(rng.integers(-90, 90, shape[-1]), quant=(0.0005, 0))
    y = b.op(code, [x, b.graph.add_value(weights), bias], shape, options=options, quant=QUANT)
    b.output(b.op(OpCode.RELU, [y], shape))
    return read_bytes(write_bytes(b.model))


def bytes_of(value: Value) -> bytes:
    assert value.buffer is not None
    assert value.buffer.data is not None
    return value.buffer.data.tobytes()


@pytest.mark.long
@pytest.mark.parametrize("name", LAYERS)
def test_they_stay_as_they_are(name: str) -> None:
    """A convolution with them was "internal": ``shrink-kernel`` read them as an array."""
    model = model_of(name)
    kept = model.main.ops[0].inputs[1]
    assert kept is not None
    for goal, runtime, tiling in product(Goal, Runtime, (None, Tiling(0.5))):
        result = optimize(model, config=Config(goal=goal, runtime=runtime, tiling=tiling))
        [weights] = [v for op in result.ops() for v in op.inputs if v and v.dtype is DType.INT4]
        assert bytes_of(weights) == bytes_of(kept)
        check_same_outputs(model, result, ["tflm"])
        for core in ("cortex-m4", "cortex-m55"):
            device = Device.of(core)
            assert predict_model(result, device)
            assert memory_of(result, device)
            assert find_hazards(result, device) == []
