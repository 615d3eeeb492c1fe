"""CAST from uint8, int64 indices and float16 weights: written so that TFLM runs them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.cli import Cli
from tests.support.field import field_case
from tests.support.kit import Kit
from tests.support.paths import needs_litert, needs_tflm
from tests.support.runtime import runtime
from tflopt.config import Config
from tflopt.errors import RefusedError
from tflopt.io import read, read_bytes, write_bytes
from tflopt.ir import DType, Model, OpCode, Record
from tflopt.ir.options import (
    CastOptions,
    DequantizeOptions,
    FullyConnectedOptions,
    GatherOptions,
    Options,
)
from tflopt.product.optimize import Settings, check_verdict, optimize_file_bytes
from tflopt.product.validation import validate
from tflopt.rules.missing.cast_from_uint8 import TO, CastFromUint8
from tflopt.rules.missing.narrow_arg_max import NarrowArgMax
from tflopt.target.runs import find_refusals, runs_on_tflm

pytestmark = [pytest.mark.runtime, needs_tflm, needs_litert]
EVERY_BYTE = np.arange(256, dtype=np.uint8).reshape(1, 256)


def cast(dtype: DType, quant: tuple[float, int] | None = None) -> Model:
    n = Kit()
    x = n.input((1, 256), DType.UINT8, quant=quant)
    options = CastOptions(DType.UINT8.value, dtype.value)
    y = n.op(OpCode.CAST, [x], (1, 256), options=options, dtype=dtype)
    y.quant = None
    n.output(y)
    return read_bytes(write_bytes(n.model))


@pytest.mark.parametrize("quant", [None, (0.5, 3), (1.0, 0)], ids=["bare", "quantized", "numbers"])
@pytest.mark.parametrize("dtype", [each for each in DType if each in TO], ids=lambda d: d.name)
def test_every_byte_is_cast_as_litert_does(dtype: DType, quant: tuple[float, int] | None) -> None:
    model = cast(dtype, quant)
    assert not runs_on_tflm(model)
    result = check_rule(model, CastFromUint8(), runners=("litert",), hits=1)
    assert runs_on_tflm(result)
    [[expected]] = runtime().run("litert", write_bytes(model), [[EVERY_BYTE]])
    [[found]] = runtime().run("tflm", write_bytes(result), [[EVERY_BYTE]])
    assert expected.dtype == found.dtype
    assert np.array_equal(expected, found)


def test_the_whole_pipeline_leaves_the_numbers() -> None:
    """Rules that move or drop views must not take the one that gives the bytes a scale."""
    n = Kit()
    x = n.input((1, 4, 8), DType.UINT8, quant=None)
    flat = n.reshape(x, 1, 32)
    options = CastOptions(DType.UINT8.value, DType.FLOAT32.value)
    y = n.op(OpCode.CAST, [flat], (1, 32), options=options, dtype=DType.FLOAT32)
    n.output(n.op(OpCode.RELU, [n.reshape(y, 1, 8, 4)], (1, 8, 4), dtype=DType.FLOAT32))
    model = read_bytes(write_bytes(n.model))
    result = optimize_file_bytes(model, write_bytes(model), Settings(samples=None))
    assert runs_on_tflm(result.model)
    verdict = validate(model, read_bytes(result.data), runner="tflm", reference="litert")
    assert verdict.status == "identical"


@pytest.mark.parametrize("dtype", [DType.INT64, DType.FLOAT64], ids=lambda each: each.name)
def test_a_type_that_tflm_casts_nothing_to(dtype: DType) -> None:
    check_declines(cast(dtype), CastFromUint8(), "TFLM casts nothing to its type")


def arg(code: OpCode = OpCode.ARG_MAX, reader: str = "") -> Model:
    """An int64 index: an output, or read by an operator."""
    n = Kit()
    inputs = [n.feed(2, 5), n.constant(1)]
    index = n.op(code, inputs, (2,), dtype=DType.INT64)
    assert index.producer is not None
    table = "ArgMaxOptions" if code is OpCode.ARG_MAX else "ArgMinOptions"
    index.producer.options = Record(table, {"output_type": DType.INT64.value})
    if not reader or reader == "output":
        n.output(index)
    if reader == "cast":
        options: Options = CastOptions(DType.INT64.value, DType.FLOAT32.value)
        n.output(n.op(OpCode.CAST, [index], (2,), options=options, dtype=DType.FLOAT32))
    if reader == "gather":
        n.output(n.op(OpCode.GATHER, [n.feed(5, 3), index], (2, 3), options=GatherOptions(0)))
    if reader == "equal":
        other = n.constant(np.array([2], np.int64), DType.INT64)
        n.output(n.op(OpCode.EQUAL, [index, other], (2,), dtype=DType.BOOL))
    return read_bytes(write_bytes(n.model))


@pytest.mark.parametrize("code", [OpCode.ARG_MAX, OpCode.ARG_MIN], ids=lambda code: code.name)
@pytest.mark.parametrize("reader", ["cast", "gather"])
def test_an_index_inside_becomes_int32(code: OpCode, reader: str) -> None:
    model = arg(code, reader)
    result = check_rule(model, NarrowArgMax(), runners=("litert",), hits=1)
    assert runs_on_tflm(result)
    verdict = validate(model, result, runner="tflm", reference="litert")
    assert verdict.status == "identical"


BOUND = "its int64 is an output of the model; --narrow-outputs changes it"


def test_who_needs_int64() -> None:
    check_declines(arg(reader="equal"), NarrowArgMax(), "another operator needs its int64")
    check_declines(arg(reader="output"), NarrowArgMax(), BOUND)


def test_an_index_of_int32_is_left_alone() -> None:
    n = Kit()
    n.output(n.op(OpCode.ARG_MAX, [n.feed(2, 5), n.constant(1)], (2,), dtype=DType.INT32))
    check_leaves_alone(read_bytes(write_bytes(n.model)), NarrowArgMax())


NARROW = Settings(config=Config(narrow_outputs=True))


@pytest.mark.parametrize("code", [OpCode.ARG_MAX, OpCode.ARG_MIN], ids=lambda code: code.name)
def test_an_output_becomes_int32_where_that_is_asked_for(code: OpCode) -> None:
    model = arg(code)
    data = write_bytes(model)
    kept = optimize_file_bytes(model, data, Settings())
    assert kept.model.main.outputs[0].dtype is DType.INT64
    result = optimize_file_bytes(model, data, NARROW)
    assert result.model.main.outputs[0].dtype is DType.INT32
    assert result.verification is not None
    assert result.verification.status == "identical"
    check_verdict(result, replace(NARROW, require_verified=True, fail_on_hazard=True))
    for settings in (replace(NARROW, require_verified=True), replace(NARROW, fail_on_hazard=True)):
        with pytest.raises(RefusedError, match="--narrow-outputs"):
            check_verdict(kept, settings)


def test_a_wrong_index_is_found() -> None:
    model = arg()
    result = optimize_file_bytes(model, write_bytes(model), NARROW)
    broken = arg(OpCode.ARG_MIN)
    settings = replace(NARROW, samples=None)
    other = optimize_file_bytes(broken, write_bytes(broken), settings)
    assert result.verification is not None and result.verification.mismatch is None
    verdict = validate(result.model, other.model)
    assert verdict.status == "different"


def test_the_case_from_the_field(cli: Cli, tmp_path: Path) -> None:
    path = field_case("c05_argmax_int64")
    options = ("-o", tmp_path / "o.tflite", "--require-verified", "--fail-on-hazard")
    refused = cli("optimize", path, *options)
    assert refused.code != 0
    assert "--narrow-outputs" in refused.err
    ran = cli("optimize", path, *options, "--narrow-outputs")
    assert ran.code == 0
    out = " ".join(ran.out.split())
    assert "the firmware must follow: output 0" in out
    assert "int64 is now int32" in out
    assert cli("emit", tmp_path / "o.tflite", "-d", tmp_path / "gen").code == 0
    assert not find_refusals(read(tmp_path / "o.tflite"))


def halves(layers: Iterable[tuple[int, int]]) -> Model:
    """Float dense layers whose weights are stored as float16."""
    n = Kit()
    rng = np.random.default_rng(5)
    x = n.input((1, 8), DType.FLOAT32, quant=None)
    for inputs, outputs in layers:
        w = n.constant(rng.standard_normal((outputs, inputs)).astype(np.float16), DType.FLOAT16)
        shape = (outputs, inputs)
        options = DequantizeOptions()
        real = n.op(OpCode.DEQUANTIZE, [w], shape, options=options, dtype=DType.FLOAT32, version=3)
        dense = FullyConnectedOptions()
        x = n.op(
            OpCode.FULLY_CONNECTED, [x, real], (1, outputs), options=dense, dtype=DType.FLOAT32
        )
    n.output(x)
    return read_bytes(write_bytes(n.model))


def test_float16_weights_are_stored_as_float32() -> None:
    model = halves([(8, 32), (32, 4)])
    assert "optimize stores them as float32" in str(find_refusals(model)[0])
    result = optimize_file_bytes(model, write_bytes(model), Settings())
    assert [op.code for op in result.model.ops()] == [OpCode.FULLY_CONNECTED] * 2
    assert runs_on_tflm(result.model)
    assert result.verification is not None
    assert result.verification.status == "identical"
    verdict = validate(model, result.model, runner="tflm", reference="litert")
    assert verdict.status == "identical"
