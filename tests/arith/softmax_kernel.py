"""SOFTMAX as a kernel under test."""

from __future__ import annotations

import numpy as np

from tests.arith.draws import affine, int8s, scales
from tests.arith.slots import Array, Drawn, Kernel, Slot
from tflopt.arith import softmax
from tflopt.arith.affine import Affine
from tflopt.ir import OpCode, Quantization, Value
from tflopt.ir.options import SoftmaxOptions

SHAPE = (20, 12)


def _rows(rng: np.random.Generator) -> list[Array]:
    """Rows of wide and of near values, and one of equal values."""
    wide = int8s(rng, *SHAPE)
    near = np.clip(rng.integers(-128, 128, (SHAPE[0], 1)) + wide // 32, -128, 127)
    data = np.where(np.arange(SHAPE[0])[:, None] % 2, wide, near)
    data[0] = data[0, 0]
    return [data.astype(np.int8)]


def _draw(rng: np.random.Generator, count: int) -> Drawn:
    """Differences are scaled by more than 1, and saturate from e^-32 on."""
    beta = np.where(rng.random((count, 1)) < 0.5, 1.0, 2.0 ** rng.uniform(-2.0, 2.0, (count, 1)))
    source = affine(rng, scales(rng, count, -18.0, 7.0))
    return Drawn({"one": source}, {"beta": beta.astype(np.float32)})


def _build(slot: Slot) -> Value:
    options, quant = SoftmaxOptions(slot.number("beta")), Quantization.per_tensor(*softmax.OUTPUT)
    source = slot.relabel(0, "one")
    return slot.net.op(OpCode.SOFTMAX, [source], SHAPE, options=options, quant=quant, version=2)


def _model(drawn: Drawn, feeds: list[Array]) -> Array:
    rows = feeds[0].astype(np.int64)
    pairs = zip(drawn.affine["one"].scale, drawn.numbers["beta"], strict=True)
    return np.stack(
        [softmax.softmax(rows, Affine.make(scale, 0), float(beta[0])) for scale, beta in pairs]
    )


SOFTMAX = Kernel("SOFTMAX", _draw, _rows, _build, _model)
