"""What resource variables can hold, against runs in which it builds up."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.kit import Kit
from tests.support.paths import needs_tflm
from tests.support.planted import saturate
from tests.support.runtime import runtime
from tflopt.io import write_bytes
from tflopt.ir import Activation, DType, OpCode, Value
from tflopt.ir.node import Array
from tflopt.ir.options import AssignVariableOptions, ReadVariableOptions, VarHandleOptions
from tflopt.ranges import ranges_of

pytestmark = pytest.mark.runtime
QUANT = (0.05, 0)
SHAPE = (1, 3, 2, 4)


def handle(n: Kit) -> Value:
    options = VarHandleOptions("", "state")
    return n.op(OpCode.VAR_HANDLE, [], (1,), options=options, dtype=DType.RESOURCE)


def read(n: Kit, variable: Value) -> Value:
    options = ReadVariableOptions()
    return n.op(
        OpCode.READ_VARIABLE, [variable], SHAPE, options=options, quant=QUANT, dtype=DType.INT8
    )


def assign(n: Kit, variable: Value, value: Value) -> None:
    n.ops(OpCode.ASSIGN_VARIABLE, [variable, value], [], AssignVariableOptions())


def features(n: Kit) -> Value:
    """A row whose channel 2 is dead, at the zero point."""
    x = n.conv2d(n.feed(1, 1, 2, 3), 4, (1, 1), activation=Activation.RELU, quant=QUANT)
    saturate(x, [2])
    return x


def ring(n: Kit) -> tuple[Value, Value]:
    """Three rows of the past and a new one, of which the last three are kept."""
    variable, x = handle(n), features(n)
    old = read(n, variable)
    both = n.concat(old, x, axis=1)
    assign(n, variable, n.slice(both, (0, 1, 0, 0), SHAPE))
    n.output(both)
    return old, both


def bounds(value: Value) -> tuple[list[int], list[int]]:
    found = ranges_of(value.graph).along(value, 3)
    assert found is not None
    return found[0].tolist(), found[1].tolist()


@needs_tflm
def test_what_is_kept_of_the_past() -> None:
    """Nothing below the zero point, and of the dead channel nothing else, however long it runs."""
    n = Kit()
    old, both = ring(n)
    low, high = bounds(old)
    assert low == [0, 0, 0, 0]
    assert high[2] == 0
    assert min(high[0], high[1], high[3]) > 0
    rng = np.random.default_rng(0)
    feed: list[list[Array]] = [
        [rng.integers(-128, 128, (1, 1, 2, 3)).astype(np.int8)] for _ in range(40)
    ]
    rows = np.concatenate([run[0] for run in runtime().run("tflm", write_bytes(n.model), feed)])
    found = ranges_of(n.graph).of(both)
    assert found is not None
    assert (rows >= found.low).all()
    assert (rows <= found.high).all()


def test_a_sum_that_grows_may_be_anything() -> None:
    n = Kit()
    variable = handle(n)
    old = read(n, variable)
    x = n.conv2d(n.feed(1, 3, 2, 3), 4, (1, 1), activation=Activation.RELU, quant=QUANT)
    saturate(x, [2])
    total = n.binary(OpCode.ADD, old, x, quant=QUANT)
    assign(n, variable, total)
    n.output(total)
    assert bounds(old) == ([0, 0, 0, 0], [127, 127, 0, 127])


def test_what_starts_elsewhere_counts() -> None:
    """A zero point apart from 0: versions of TFLM start with either."""
    n = Kit()
    variable = handle(n)
    old = n.op(
        OpCode.READ_VARIABLE,
        [variable],
        SHAPE,
        options=ReadVariableOptions(),
        quant=(0.05, -128),
        dtype=DType.INT8,
    )
    x = n.conv2d(n.feed(1, 3, 2, 3), 4, (1, 1), activation=Activation.RELU, quant=(0.05, -128))
    saturate(x, range(4))
    assign(n, variable, x)
    n.output(old)
    assert bounds(old) == ([-128] * 4, [0] * 4)


@pytest.mark.parametrize("what", ["computed elsewhere", "handle from elsewhere"])
def test_whoever_else_writes_may_write_anything(what: str) -> None:
    n = Kit()
    old, _ = ring(n)
    other = Kit(1, n.model)
    if what == "computed elsewhere":
        variable = handle(other)
        assign(other, variable, other.input(SHAPE, quant=QUANT))
    else:
        assign(other, other.input((1,), DType.RESOURCE, None), other.input(SHAPE, quant=QUANT))
    assert bounds(old) == ([-128] * 4, [127] * 4)
