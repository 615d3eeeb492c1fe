"""What the hazard of the fused LSTM advises, in numbers: the same layer made of other operators."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.kit import Kit
from tests.support.paths import TESTDATA
from tflopt.io import read, read_bytes, write_bytes
from tflopt.ir import Model, OpCode, Value
from tflopt.ir.options import AddOptions, FullyConnectedOptions
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.memory import memory_of

pytestmark = pytest.mark.unit
STEPS, FEATURES, UNITS = 12, 8, 16
GATE, TANH = (1 / 256, -128), (1 / 128, 0)
HAZARDS = Path(__file__).parents[3] / "docs" / "hazards.md"


def unrolled() -> Model:
    """As Keras writes ``LSTM(16, unroll=True)``: weights that all steps share, gates by SPLIT."""
    n = Kit()
    x = n.feed(1, STEPS, FEATURES)
    parts = [n.strided(x, [0, t, 0], [1, t + 1, FEATURES]) for t in range(STEPS)]
    own, back = (n.weights((4 * UNITS, k), k, x, (0.05, 0)) for k in (FEATURES, UNITS))
    bias = n.bias(own, x, 4 * UNITS)

    def dense(value: Value, weights: Value, add: Value | None) -> Value:
        flat = n.reshape(value, 1, value.elements)
        return n.op(
            OpCode.FULLY_CONNECTED,
            [flat, weights, add],
            (1, 4 * UNITS),
            options=FullyConnectedOptions(),
            quant=(0.05, 0),
            version=4,
        )

    hidden, cell = n.level((1, UNITS), TANH), n.level((1, UNITS))
    for part in parts:
        sums = [dense(part, own, bias), dense(hidden, back, None)]
        gates = n.op(OpCode.ADD, sums, (1, 4 * UNITS), options=AddOptions(), version=2)
        enter, forget, new, out = n.split(gates, 4, axis=1)
        enter, forget, out = (
            n.unary(OpCode.LOGISTIC, each, quant=GATE) for each in (enter, forget, out)
        )
        fresh = n.binary(OpCode.MUL, enter, n.unary(OpCode.TANH, new, quant=TANH), quant=(0.05, 0))
        kept = n.binary(OpCode.MUL, forget, cell, quant=(0.05, 0))
        cell = n.add(kept, fresh)
        hidden = n.binary(OpCode.MUL, out, n.unary(OpCode.TANH, cell, quant=TANH), quant=TANH)
    n.output(hidden)
    return read_bytes(write_bytes(n.model))


def numbers(model: Model, core: str) -> tuple[float, int, int]:
    """Predicted instructions, least arena, and bytes of the file."""
    device = Device.of(core)
    instructions = predict_model(model, device).instructions
    return instructions, memory_of(model, device).arena.minimum_bytes, len(write_bytes(model))


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
def test_the_unrolled_layer_costs_what_the_page_says(core: str) -> None:
    data = write_bytes(unrolled())
    result = optimize_file_bytes(read_bytes(data), data, Settings(samples=None))
    fused, free = numbers(read(TESTDATA / "lstm.tflite"), core), numbers(result.model, core)
    ratios = [after / before for before, after in zip(fused, free, strict=True)]
    row = f"| {core} | " + " | ".join(f"{ratio:.1f}" for ratio in ratios) + " |"
    assert row in HAZARDS.read_text(encoding="utf-8")
