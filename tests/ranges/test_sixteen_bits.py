"""Layers of int16 over one number: all 65,536 inputs against the bounds."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.kit import Kit
from tests.support.paths import needs_tflm
from tests.support.planted import bias_of, set_data
from tests.support.runtime import runtime
from tflopt.io import write_bytes
from tflopt.ir import Activation, DType, Value
from tflopt.ranges import ranges_of

pytestmark = [pytest.mark.runtime, needs_tflm]
EVERY = np.arange(-(1 << 15), 1 << 15).astype(np.int16)
ACTIVATIONS = (Activation.NONE, Activation.RELU, Activation.RELU6)


def layer(n: Kit, kind: str, x: Value, activation: Activation) -> Value:
    quant = (3e-4, 0)
    if kind == "dense":
        flat = n.reshape(x, len(EVERY), 1)
        return n.fully_connected(flat, 4, activation=activation, quant=quant)
    if kind == "depthwise":
        return n.depthwise(x, (1, 1), multiplier=4, activation=activation, quant=quant)
    return n.conv2d(x, 4, (1, 1), activation=activation, quant=quant)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", ["conv", "depthwise", "dense"])
def test_bounds_are_what_occurs(kind: str, activation: Activation) -> None:
    """Some channels saturate."""
    n = Kit(len(kind))
    x = n.input((len(EVERY), 1, 1, 1), DType.INT16, (3e-4, 0))
    y = layer(n, kind, x, activation)
    n.output(y)
    op = y.producer
    assert op is not None
    bias = bias_of(op).array().copy()
    bias[1:3] = [-(1 << 34), 1 << 22]
    set_data(bias_of(op), bias)
    rows = runtime().run("tflm", write_bytes(n.model), [[EVERY.reshape(-1, 1, 1, 1)]])[0][0]
    rows = rows.reshape(-1, 4)
    bounds = ranges_of(n.graph).along(y, len(y.shape) - 1)
    assert bounds is not None
    assert (rows.min(axis=0) - bounds[0] <= 1).all()
    assert (rows.min(axis=0) >= bounds[0]).all()
    assert (bounds[1] - rows.max(axis=0) <= 1).all()
    assert (bounds[1] >= rows.max(axis=0)).all()
    assert bounds[0][1] == bounds[1][1]
