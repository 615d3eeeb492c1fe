"""A model whose computed constants show that no runtime would run it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.graphs import Net
from tflopt.errors import EXIT_INVALID, ModelError
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import DType, Model, OpCode
from tflopt.ir.options import ReshapeOptions, TransposeOptions
from tflopt.product.optimize import optimize

pytestmark = pytest.mark.unit


def transposed_by(order: list[int]) -> Model:
    """The order is the result of a RESHAPE, so that the reader doesn't see what it is."""
    n = Net()
    x = n.feed(2, 3)
    flat = n.op(
        OpCode.RESHAPE,
        [n.constant([order]), n.constant([len(order)])],
        (len(order),),
        dtype=DType.INT32,
        options=ReshapeOptions((len(order),)),
    )
    n.output(n.op(OpCode.TRANSPOSE, [x, flat], (3, 2), options=TransposeOptions()))
    return n.model


def test_an_order_that_is_none_is_refused_and_nothing_is_written(cli: Cli, tmp_path: Path) -> None:
    """What was written could not be read again."""
    path, out = tmp_path / "in.tflite", tmp_path / "out.tflite"
    path.write_bytes(write_bytes(transposed_by([1, 5])))
    done = cli("optimize", "--no-verify", path, "-o", out)
    assert done.code == EXIT_INVALID
    assert "in.tflite: optimized: subgraph 0 operator" in done.err
    assert "(TRANSPOSE): [1, 5] is not an order of 2 axes, as shows once" in done.err
    assert not out.exists()
    with pytest.raises(ModelError, match="is not an order"):
        optimize(read_bytes(path.read_bytes()))


def test_an_order_that_is_one_is_taken() -> None:
    result = optimize(read_bytes(write_bytes(transposed_by([1, 0]))))
    assert len(result.main.ops) == 1
