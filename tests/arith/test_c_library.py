"""Functions of a C library: TFLM with that of this machine lies between the ends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.graphs import Net
from tests.support.paths import needs_tflm
from tests.support.runtime import runtime
from tflopt.arith import c_library
from tflopt.arith.c_library import End
from tflopt.arith.fixed_point import Reals, Singles
from tflopt.io import write_bytes
from tflopt.ir import DType, OpCode

Function = Callable[[Singles, End], Singles]
FUNCTIONS: dict[OpCode, Function] = {
    OpCode.LOGISTIC: c_library.logistic,
    OpCode.TANH: c_library.tanh,
    OpCode.EXP: c_library.exp,
    OpCode.ELU: c_library.elu,
}
REAL: dict[OpCode, Callable[[Reals], Reals]] = {
    OpCode.LOGISTIC: lambda x: np.exp(-x),
    OpCode.TANH: np.tanh,
    OpCode.EXP: np.exp,
    OpCode.ELU: np.expm1,
}
"""What the C library computes of each."""
COUNT = 100_000


def floats() -> Singles:
    """Of every size, and close to where TFLM changes its formula."""
    rng = np.random.default_rng(0)
    sizes = np.exp2(rng.uniform(-30, 8, COUNT - 400)) * rng.choice((-1, 1), COUNT - 400)
    edges = [x + np.arange(-50, 50) * np.spacing(np.float32(x)) for x in (-9.0, 16.619047, 0.5)]
    zeros = np.linspace(-0.0, 0.0, 100)
    return np.concatenate([sizes, *edges, zeros]).astype(np.float32)


def floats_for(code: OpCode) -> Singles:
    """Those whose exponentials are numbers."""
    return np.clip(floats(), -80, 80) if code is OpCode.EXP else floats()


@pytest.mark.runtime
@needs_tflm
@pytest.mark.parametrize("code", FUNCTIONS)
def test_tflm_lies_between_the_ends(code: OpCode) -> None:
    n, x = Net(), floats_for(code)
    n.output(n.op(code, [n.input((COUNT,), DType.FLOAT32)], (COUNT,)))
    found = runtime().run("tflm", write_bytes(n.model), [[x]])[0][0].astype(np.float32)
    low, high = (FUNCTIONS[code](x, end) for end in (End.LOW, End.HIGH))
    assert np.all(low <= found)
    assert np.all(found <= high)
    # The ends are no wider than a few units in the last place of an exponential.
    assert np.all(high - low <= 20 * np.spacing(np.abs(high)))


@pytest.mark.unit
@pytest.mark.parametrize("end", End)
def test_fixed_points(end: End) -> None:
    x = np.asarray([0.0, 17.0, -200.0], dtype=np.float32)
    assert c_library.logistic(x, end)[:2].tolist() == [0.5, 1.0]
    assert 0 <= c_library.logistic(x, end)[2] < 1e-40
    assert c_library.tanh(x, end)[0] == 0.0


@pytest.mark.unit
@pytest.mark.parametrize("code", FUNCTIONS)
def test_every_result_within_four_units_is_covered(code: OpCode) -> None:
    """Other C libraries, played by a result that is moved by up to 4 floats."""
    x = floats_for(code)
    with np.errstate(over="ignore"):
        result = REAL[code](x.astype(np.float64)).astype(np.float32)
    rng = np.random.default_rng(1)
    towards = np.where(rng.random(COUNT) < 0.5, -np.inf, np.inf).astype(np.float32)
    for _ in range(4):
        moved = np.nextafter(result, towards)
        result = np.where((rng.random(COUNT) < 0.8) & (x != 0), moved, result)
    if code is OpCode.LOGISTIC:
        inside = (x >= c_library.EXPONENTIAL_BELOW) & (x <= c_library.ONE_FROM)
        x, result = x[inside], 1 / (1 + result[inside])
    if code is OpCode.ELU:
        x, result = x[x < 0], np.maximum(result[x < 0], np.float32(-1))
    assert np.all(FUNCTIONS[code](x, End.LOW) <= result)
    assert np.all(result <= FUNCTIONS[code](x, End.HIGH))
