"""Weights are views of the file: a model needs little more memory than its size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.paths import ROOT
from tflopt.io import write
from tflopt.ir import DType
from tflopt.ir.builder import Builder
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import FullyConnectedOptions

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
