"""Text models: inputs are token ids, drawn within what CAST and GATHER allow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.kit import Kit
from tests.support.paths import needs_tflm
from tflopt.facts.rows import row_count
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import DType, Model, OpCode, Value
from tflopt.ir.options import CastOptions, GatherOptions
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.run.samples import SampleOptions, make_samples

pytestmark = pytest.mark.runtime
ROWS = 50


def cast(n: Kit, x: Value, dtype: DType) -> Value:
    options = CastOptions(x.dtype.value, dtype.value)
    y = n.op(OpCode.CAST, [x], x.shape, options=options, dtype=dtype)
    y.quant = None
    return y


def embedded(n: Kit, ids: Value, rows: int = ROWS) -> Value:
    """An int8 table of 4 columns."""
    table = n.constant(np.arange(rows * 4).reshape(rows, 4) % 100, DType.INT8, quant=(0.05, 0))
    shape = (*ids.shape, 4)
    return n.op(OpCode.GATHER, [table, ids], shape, options=GatherOptions(0), quant=(0.05, 0))


def text(dtype: DType = DType.FLOAT32, view: bool = False) -> Model:
    """Ids as floats, which Keras hands over; a dense layer behind the table."""
    n = Kit()
    x = n.input((1, 6), dtype, quant=None)
    y = x if dtype is DType.INT32 else cast(n, x, DType.INT32)
    y = n.reshape(y, 6) if view else y
    z = n.reshape(embedded(n, y), 1, 24)
    n.output(n.dense(z, 3))
    return read_bytes(write_bytes(n.model))


@pytest.mark.parametrize("view", [False, True])
@pytest.mark.parametrize("dtype", [DType.FLOAT32, DType.INT32, DType.INT16], ids=lambda d: d.name)
def test_ids_lie_within_the_table_and_reach_its_ends(dtype: DType, view: bool) -> None:
    model = text(dtype, view)
    assert row_count(model.main.inputs[0]) == ROWS
    drawn = np.array([sample[0] for sample in make_samples(model, SampleOptions(16))])
    assert drawn.dtype == dtype.numpy
    assert np.array_equal(drawn, np.floor(drawn))
    assert (drawn.min(), drawn.max()) == (0, ROWS - 1)
    assert len(np.unique(drawn)) > 20


@needs_tflm
@pytest.mark.parametrize("dtype", [DType.FLOAT32, DType.INT32], ids=lambda d: d.name)
def test_a_text_model_is_verified(dtype: DType) -> None:
    model = text(dtype)
    result = optimize_file_bytes(model, write_bytes(model), Settings())
    assert result.verification is not None
    assert (result.verification.status, result.verification.runner) == ("identical", "tflm")


def narrow(n: Kit) -> Value:
    x = n.input((1, 6), DType.INT8, quant=None)
    n.output(embedded(n, cast(n, x, DType.INT32), rows=300))
    return x


def two_tables(n: Kit) -> Value:
    x = n.input((1, 6), DType.INT32, quant=None)
    n.output(embedded(n, x), embedded(n, x, rows=7))
    return x


def by_place(n: Kit) -> Value:
    """GATHER_ND takes rows and columns: the smaller counts."""
    x = n.input((2, 2), DType.INT32, quant=None)
    table = n.constant(np.zeros((9, 5)), DType.INT8, quant=(0.05, 0))
    n.output(n.op(OpCode.GATHER_ND, [table, x], (2,), quant=(0.05, 0)))
    return x


@pytest.mark.parametrize(("build", "rows"), [(narrow, 128), (two_tables, 7), (by_place, 5)])
def test_the_smallest_of_tables_and_types_counts(build: Callable[[Kit], Value], rows: int) -> None:
    assert row_count(build(Kit())) == rows


def test_an_input_that_chooses_no_row() -> None:
    n = Kit()
    x = n.input((1, 6), DType.FLOAT32, quant=None)
    n.output(cast(n, x, DType.INT32))
    assert row_count(x) is None
