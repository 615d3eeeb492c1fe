"""Weights are views of the file: a model needs little more memory than its size."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from tests.support.paths import ROOT
from tflopt.io import read_bytes, write, write_bytes
from tflopt.io.writing.records import model_record
from tflopt.ir import DType
from tflopt.ir.builder import Builder
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import FullyConnectedOptions
from tflopt.ir.record import Rows

pytestmark = pytest.mark.unit
MEBIBYTE = 1 << 20
FILE_MIB = 100
ALLOWED = 2.5
HEAD = """
import sys, tracemalloc, tflopt.io, tflopt.product.optimize
from pathlib import Path
source = Path(sys.argv[1])
tracemalloc.start()
"""
READ = "from tflopt.io import read\nmodel = read(source)\n"
OPTIMIZE = READ + "tflopt.io.write_bytes(tflopt.product.optimize.optimize(model))\n"
TAIL = "print(tracemalloc.get_traced_memory()[1] >> 20)"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    b = Builder()
    x = b.input((1, FILE_MIB // 5 * 1024))
    rng = np.random.default_rng(0)
    for _ in range(5):
        weights = rng.integers(-128, 127, (1024, FILE_MIB // 5 * 1024), np.int8)
        w = b.constant(weights, DType.INT8, quant=(0.1, 0))
        b.op(OpCode.FULLY_CONNECTED, [x, w], (1, 1024), options=FullyConnectedOptions())
        b.output(list(b.graph.values)[-1])
    path = tmp_path_factory.mktemp("large") / "large.tflite"
    assert write(b.model, path) >= FILE_MIB * MEBIBYTE
    return path


@pytest.mark.parametrize("work", [READ, OPTIMIZE], ids=["read", "optimize"])
def test_memory_stays_below_two_and_a_half_times_the_file(work: str, large: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HEAD + work + TAIL, str(large)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert FILE_MIB * 0.9 < int(done.stdout) < FILE_MIB * ALLOWED


def test_tensors_share_equal_quantizations() -> None:
    """Bit for bit, also what equality doesn't look at."""
    b = Builder()
    x = b.input((1, 4), quant=(0.1, 0))
    plain = [b.op(OpCode.RELU, [x], (1, 4)) for _ in range(20)]
    wide = b.op(OpCode.RELU, [x], (1, 4))
    assert wide.quant is not None
    wide.quant = replace(wide.quant, min=np.array([-1], np.float32))
    b.output(*plain, wide)
    model = read_bytes(write_bytes(b.model))
    *same, other = model.main.outputs
    assert len({id(value.quant) for value in same}) == 1
    assert other.quant == same[0].quant
    assert other.quant is not same[0].quant
    assert write_bytes(model) == write_bytes(b.model)


def test_tables_of_a_file_are_made_one_by_one() -> None:
    """No operator's record waits for those of the others."""
    b = Builder()
    x = b.input((1, 4), quant=(0.1, 0))
    b.output(*(b.op(OpCode.RELU, [x], (1, 4)) for _ in range(20)))
    (graph,) = cast("Rows", model_record(b.model).fields["subgraphs"])
    for name, count in (("operators", 20), ("tensors", 21)):
        rows = graph.fields[name]
        assert isinstance(rows, Rows)
        assert len(rows) == count
        assert [record.key() for record in rows] == [record.key() for record in rows]
        first, again = next(iter(rows)), next(iter(rows))
        assert first is not again
