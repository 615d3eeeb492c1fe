"""Models that only LiteRT runs: rules whose forms it rounds differently from TFLM are left out."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.graphs import Net
from tests.support.paths import needs_litert, needs_tflm
from tests.support.runtime import runtime
from tflopt.annotation.annotate import Annotate
from tflopt.config import Config, Goal, Runtime
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import DType, Model, OpCode
from tflopt.ir.options import MulOptions, QuantizeOptions
from tflopt.product.optimize import Settings, optimize_file_bytes

pytestmark = [pytest.mark.runtime, needs_litert, needs_tflm]
SHAPE = (1, 256)
BEFORE, AFTER = (0.05, 3), (0.04, 127)
"""Every fourth value of the first is halfway between two of the second, but for its rounding."""
RULE = "requantize-with-kernel"


def requantized(*, lacking: bool) -> Model:
    """A QUANTIZE that runs faster as MUL, and a SELECT, which TFLM lacks."""
    n = Net()
    x = n.input(SHAPE, quant=BEFORE)
    y = n.op(OpCode.QUANTIZE, [x], SHAPE, options=QuantizeOptions(), quant=AFTER, version=2)
    if lacking:
        mask = n.op(OpCode.GREATER, [y, y], SHAPE, dtype=DType.BOOL)
        y = n.op(OpCode.SELECT, [mask, y, y], SHAPE, quant=AFTER)
    n.output(y)
    return read_bytes(write_bytes(n.model))


def by_ones() -> Model:
    n = Net()
    ones = n.constant(np.ones(SHAPE, np.int8), DType.INT8, (1.0, 0))
    inputs = [n.input(SHAPE, quant=BEFORE), ones]
    n.output(n.op(OpCode.MUL, inputs, SHAPE, options=MulOptions(), quant=AFTER, version=2))
    return n.model


def test_litert_rounds_mul_otherwise() -> None:
    """Else there is nothing to leave out."""
    every = np.arange(-128, 128, dtype=np.int8).reshape(SHAPE)
    files = [write_bytes(model) for model in (requantized(lacking=False), by_ones())]
    same = {}
    for runner in ("tflm", "litert"):
        one, two = (runtime().run(runner, data, [[every]])[0][0] for data in files)
        same[runner] = np.array_equal(one, two)
    assert same == {"tflm": True, "litert": False}


@pytest.mark.parametrize("lacking", [False, True])
def test_the_rule_is_left_out_where_only_litert_compares(lacking: bool) -> None:
    model = requantized(lacking=lacking)
    settings = Settings(annotate=Annotate.NONE, config=Config(Runtime.TFLM, goal=Goal.SPEED))
    result = optimize_file_bytes(model, write_bytes(model), settings)
    verdict = result.verification
    assert verdict is not None
    assert verdict.status == "identical"
    assert verdict.runner == ("litert" if lacking else "tflm")
    assert (RULE in verdict.note) is lacking
    assert (RULE in result.trace.counts) is not lacking
    codes = [op.code for op in result.model.ops()]
    assert (OpCode.SELECT_V2 in codes) is lacking
