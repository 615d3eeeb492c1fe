"""Rows of SOFTMAX are found on which neighbouring betas give unlike outputs."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.kit import Kit
from tflopt.arith.affine import affine_of
from tflopt.arith.softmax import OUTPUT, softmax
from tflopt.ir import Op, OpCode
from tflopt.ir.options import SoftmaxOptions
from tflopt.verify.directed.tables import unlike_rows

pytestmark = pytest.mark.unit
SCALE, ZERO_POINT = 0.14469251, 14
"""Of the logits of twelve keywords."""


def row_of(width: int, beta: float) -> Op:
    n = Kit()
    x = n.unary(OpCode.ABS, n.feed(1, width), quant=(SCALE, ZERO_POINT))
    y = n.op(OpCode.SOFTMAX, [x], (1, width), quant=OUTPUT, options=SoftmaxOptions(beta))
    n.output(y)
    assert y.producer is not None
    return y.producer


def found(width: int, other: float, seed: int = 1) -> np.ndarray:
    old, new = row_of(width, 1.0), row_of(width, other)
    ends = np.full(width, -128), np.full(width, 127)
    rows = unlike_rows(old, new, ends, np.random.default_rng(seed))
    assert rows is not None
    data = old.input(0)
    assert data is not None
    source = affine_of(data)
    assert source is not None
    one, two = (softmax(rows, source, beta) for beta in (1.0, other))
    assert (one != two).any(axis=1).all()
    return rows


@pytest.mark.parametrize("towards", [0, 2])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_next_beta_shows_in_twelve_elements(towards: int, seed: int) -> None:
    assert len(found(12, float(np.nextafter(np.float32(1), np.float32(towards))), seed))


@pytest.mark.parametrize("width", [2, 3, 4])
def test_short_rows_are_run_through(width: int) -> None:
    assert len(found(width, 1.1))
    assert not len(found(1, 1.01))
