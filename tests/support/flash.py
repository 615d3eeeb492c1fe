"""Models and checks for the tests of what makes a file small."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.check_rule import apply
from tests.support.graphs import QUANT, Net
from tests.support.paths import SHARED, TESTDATA, present
from tests.support.runtime import RuntimeFailure, runtime
from tflopt.io import WriteOptions, read, write_bytes
from tflopt.ir import Buffer, DType, Metadata, Model, OpCode, Padding, Quantization, Value
from tflopt.ir.options import (
    DepthwiseConv2DOptions,
    FullyConnectedOptions,
    TransposeConvOptions,
)
from tflopt.rewrite import AnyRule
from tflopt.run.samples import SampleOptions, make_samples

SMALL = WriteOptions(share=True)


class Layers(Net):
    """A ``Net`` with the layers whose quantization is stripped."""

    def bias(self, count: int, scale: float | None = 0.0005, per_channel: bool = True) -> Value:
        """Seeded numbers, with the quantization that converters write."""
        numbers = np.random.default_rng(count).integers(-500, 500, (count,))
        quant: Quantization | None = None
        if scale is not None:
            scales = [scale] * (count if per_channel else 1)
            quant = Quantization.per_channel(scales, 0)
        return self.constant(numbers, quant=quant)

    def weights(self, *shape: int, scales: list[float], axis: int = 0) -> Value:
        """Seeded int8 weights, per channel where there are several scales."""
        numbers = np.random.default_rng(sum(shape)).integers(-127, 128, shape)
        return self.constant(numbers, DType.INT8, quant=Quantization.per_channel(scales, axis))

    def dense_with(
        self,
        x: Value,
        bias: Value,
        scales: list[float],
        quant: tuple[float, int] = QUANT,
    ) -> Value:
        """FULLY_CONNECTED with bias."""
        units = bias.elements
        inputs = [x, self.weights(units, x.shape[-1], scales=scales), bias]
        return self.op(
            OpCode.FULLY_CONNECTED,
            inputs,
            (*x.shape[:-1], units),
            options=FullyConnectedOptions(),
            quant=quant,
            version=4,
        )

    def depthwise(self, x: Value, bias: Value, scales: list[float]) -> Value:
        """DEPTHWISE_CONV_2D, 3x3."""
        inputs = [x, self.weights(1, 3, 3, x.shape[3], scales=scales, axis=3), bias]
        options = DepthwiseConv2DOptions(stride_w=1, stride_h=1, depth_multiplier=1)
        return self.op(
            OpCode.DEPTHWISE_CONV_2D, inputs, x.shape, options=options, quant=QUANT, version=3
        )

    def transpose_conv(self, x: Value, bias: Value, scales: list[float]) -> Value:
        """TRANSPOSE_CONV, 2x2, stride 2."""
        n, height, width, channels = x.shape
        shape = (n, 2 * height, 2 * width, bias.elements)
        weights = self.weights(bias.elements, 2, 2, channels, scales=scales)
        inputs = [self.constant(shape, quant=(1.0, 0)), weights, x, bias]
        options = TransposeConvOptions(padding=Padding.VALID, stride_w=2, stride_h=2)
        return self.op(
            OpCode.TRANSPOSE_CONV,
            inputs,
            shape,
            options=options,
            quant=QUANT,
            dtype=DType.INT8,
            version=3,
        )

    def metadata(self, **entries: bytes) -> None:
        """Metadata entries in this order."""
        self.model.metadata = [*(self.model.metadata or ())]
        for name, content in entries.items():
            buffer = Buffer(np.frombuffer(content, np.uint8))
            self.model.buffers.append(buffer)
            self.model.metadata.append(Metadata(name, buffer))


def relu_chain(*names: str) -> Layers:
    """Input, one RELU for each name; the last is the output."""
    n = Layers()
    x = n.feed(2, 3)
    for name in names:
        x = n.relu(x)
        x.name = name
    n.output(x)
    return n


def real_model(stem: str) -> Model:
    """A model of the test data or the shared ones; skips where neither has it."""
    for folder in (TESTDATA, SHARED):
        path = folder / f"{stem}.tflite"
        if path.exists():
            return read(path)
    pytest.skip(f"{stem}.tflite is absent")


def applied(model: Model, *rules: AnyRule) -> Model:
    """The model itself, rewritten."""
    apply(model, *rules)
    return model


def refusal(model: Model, runner: str) -> str:
    """What a runtime says when it refuses a model; fails where it runs it."""
    if not present({"tflm": "tflite_micro", "litert": "ai_edge_litert"}[runner]):
        pytest.skip(f"{runner} is not installed")
    samples = make_samples(model, SampleOptions(2))
    try:
        runtime().run(runner, write_bytes(model), samples)
    except RuntimeFailure as failure:
        return str(failure)
    pytest.fail(f"{runner} runs the model")
