"""Whether TFLM runs a model: the table of types and ranks against the real kernels."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.cli import Cli
from tests.support.field import field_case
from tests.support.flash import Layers
from tests.support.graphs import Net
from tests.support.kit import Kit
from tests.support.paths import needs_tflm
from tests.support.random_types import READ_AS_INT8, random_model
from tests.support.tries import try_models
from tests.support.type_probes import probe
from tflopt.errors import TfloptError
from tflopt.facts.accepted_types import PORTS, RANKS, TYPES
from tflopt.io import read, read_bytes, write_bytes
from tflopt.ir import Activation, Buffer, DType, Model, OpCode, Quantization, Value
from tflopt.ir.options import ConcatenationOptions, FullyConnectedOptions, SoftmaxOptions
from tflopt.report.notes import runs_notes
from tflopt.report.runs import verdict_of
from tflopt.rules.missing.dense_s16_to_conv import DenseS16ToConv
from tflopt.rules.pipeline import run_pipeline
from tflopt.target.device import Device
from tflopt.target.runs import Kernels, find_refusals, runs_on_tflm

pytestmark = pytest.mark.runtime
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="each model is tried in a fork")
TRIED = (
    *(DType.FLOAT32, DType.INT8, DType.INT16, DType.INT32, DType.INT64),
    *(DType.UINT8, DType.UINT32, DType.BOOL),
)
WEIGHTED = (OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D, OpCode.FULLY_CONNECTED, OpCode.TRANSPOSE_CONV)
MIXED = (
    *(OpCode.QUANTIZE, OpCode.DEQUANTIZE, OpCode.CAST, OpCode.ARG_MAX, OpCode.ARG_MIN),
    *(OpCode.GATHER, OpCode.GATHER_ND, OpCode.BATCH_MATMUL, OpCode.EMBEDDING_LOOKUP, *WEIGHTED),
)

SLOPES = (DType.INT16, DType.INT8, DType.INT16)


def combinations(code: OpCode) -> list[tuple[DType, ...]]:
    """Element types to try: all alike, or all pairs where kernels take different ones."""
    width = len(PORTS.get(code, (0, -1)))
    if code not in MIXED:
        return [(dtype,) * width for dtype in TRIED]
    kinds = TRIED[:-2] if code in WEIGHTED else TRIED
    return [pair for pair in product(kinds, repeat=2) if (code, pair) not in READ_AS_INT8]


@needs_tflm
@needs_fork
def test_the_verdict_is_that_of_tflm_for_every_operator_and_type(tmp_path: Path) -> None:
    cases = [(code, types) for code in TYPES for types in combinations(code)]
    cases.append((OpCode.PRELU, SLOPES))
    cases += [(code, (DType.INT8, DType.INT4)) for code in WEIGHTED]
    models = [probe(code, types) for code, types in cases]
    assert len(models) > 600
    found = try_models(models, tmp_path)
    wrong = [
        (code.name, [t.name for t in types], letter)
        for (code, types), data, letter in zip(cases, models, found, strict=True)
        if runs_on_tflm(read_bytes(data)) != (letter == "K")
    ]
    assert wrong == []


def ranked(code: OpCode, rank: int) -> Model | None:
    n, shape = Net(), (2,) * rank
    x = n.feed(*shape)
    if code is OpCode.PAD:
        n.output(n.pad(x, *[(0, 1)] * rank))
    elif code is OpCode.SLICE:
        n.output(n.slice(x, [1] * rank, [1] * rank))
    elif code is OpCode.STRIDED_SLICE:
        n.output(n.strided(x, [1] * rank, [2] * rank))
    elif code is OpCode.TRANSPOSE:
        n.output(n.transpose(x, *reversed(range(rank))))
    elif code is OpCode.CONCATENATION:
        n.output(n.concat(x, x))
    elif code is OpCode.REVERSE_V2:
        n.output(n.op(code, [x, n.constant([0])], shape))
    elif code is OpCode.L2_NORMALIZATION:
        n.output(n.op(code, [x], shape, quant=(1 / 128, 0)))
    else:
        return None
    return n.model


@needs_tflm
@needs_fork
def test_the_verdict_is_that_of_tflm_for_ranks(tmp_path: Path) -> None:
    built = [(code, rank, ranked(code, rank)) for code in RANKS for rank in range(1, 9)]
    cases = [(code, rank, model) for code, rank, model in built if model is not None]
    assert len({code for code, _, _ in cases}) == 7
    found = try_models([write_bytes(model) for _, _, model in cases], tmp_path)
    for (code, rank, model), letter in zip(cases, found, strict=True):
        assert runs_on_tflm(model) == (letter == "K"), (code, rank, letter)


@needs_tflm
@needs_fork
@pytest.mark.parametrize("count", [10, 11])
def test_the_verdict_is_that_of_tflm_for_many_inputs(count: int, tmp_path: Path) -> None:
    n = Net()
    n.output(n.concat(*(n.feed(1, 2) for _ in range(count))))
    letter = try_models([write_bytes(n.model)], tmp_path)
    assert runs_on_tflm(n.model) == (letter == "K") == (count == 10)


def dense_s16(rows: int = 3, bias: bool = False, per_channel: bool = True) -> Model:
    n = Layers()
    x = n.input((rows, 6), DType.INT16, quant=(0.001, 0))
    scales = [0.01, 0.02, 0.015, 0.03] if per_channel else [0.01]
    inputs: list[Value] = [x, n.weights(4, 6, scales=scales)]
    if bias:
        zero_points = np.zeros(len(scales), np.int64)
        scale = np.array(scales, np.float32) * np.float32(0.001)
        inputs.append(n.constant([100, -200, 300, 7], DType.INT64))
        inputs[-1].quant = Quantization(scale, zero_points)
    options = FullyConnectedOptions()
    n.output(
        n.op(
            OpCode.FULLY_CONNECTED, inputs, (rows, 4), options=options, quant=(0.002, 0), version=7
        )
    )
    return n.model


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("bias", [False, True])
def test_dense_s16_becomes_a_convolution(rows: int, bias: bool) -> None:
    model = dense_s16(rows, bias)
    assert [each.kernels for each in find_refusals(model)] == [Kernels.CMSIS_NN]
    copy = check_rule(model, DenseS16ToConv(), hits=1, runners=["tflm"])
    assert OpCode.CONV_2D in [op.code for op in copy.main.ops]
    assert verdict_of(copy) == "yes"
    conv = next(op for op in copy.main.ops if op.code is OpCode.CONV_2D)
    assert conv.input(2) is not None  # CMSIS-NN's kernel would take none for int32


def test_dense_s16_with_one_scale_is_left_alone() -> None:
    check_leaves_alone(dense_s16(per_channel=False), DenseS16ToConv())
    assert verdict_of(dense_s16(per_channel=False)) == "yes"


def test_dense_s16_with_another_bias_declines() -> None:
    model = dense_s16(bias=True)
    bias = model.main.ops[0].inputs[2]
    assert bias is not None
    assert bias.buffer is not None
    bias.dtype, bias.buffer.data = DType.INT32, np.zeros(16, np.uint8)
    check_declines(model, DenseS16ToConv(), "its bias is not of int64")


@needs_tflm
def test_int16_dense_per_channel_from_the_field(cli: Cli) -> None:
    path = field_case("c02_int16_dense_per_channel")
    assert "runs on reference kernels only" in cli("inspect", "--runs", path).out
    assert cli("emit", path, "-d", "gen").code == 3
    ran = cli("optimize", path, "-o", "out.tflite", "--fail-on-hazard", "--require-verified")
    assert ran.code == 0
    assert "identical" in ran.out
    assert "can't allocate" not in ran.out
    assert cli("emit", "out.tflite", "-d", "gen").code == 0


@pytest.mark.parametrize(
    ("name", "operator", "mend"),
    [
        ("c05_argmax_int64", "operator 2 (ARG_MAX)", "output_type=tf.int32"),
        ("c05_hybrid_dense", "operator 0 (FULLY_CONNECTED)", "representative dataset"),
    ],
)
def test_types_that_tflm_lacks_from_the_field(
    cli: Cli, name: str, operator: str, mend: str
) -> None:
    path = field_case(name)
    ran = cli("inspect", "--runs", path)
    assert "doesn't run" in ran.out
    assert operator in ran.out
    assert mend in ran.out
    told = cli("optimize", path, "-o", "out.tflite", "--no-verify").out
    assert f"note: doesn't run on TFLM: {operator}" in told
    refused = cli("emit", path, "-d", "gen")
    assert refused.code == 3
    assert operator.split()[1] in refused.err
    for option in ("--require-verified", "--fail-on-hazard"):
        assert cli("optimize", path, "-o", "out.tflite", option).code == 1


def hybrid() -> Model:
    """Built otherwise: a convolution with float data and int8 weights."""
    return read_bytes(probe(OpCode.CONV_2D, (DType.FLOAT32, DType.INT8)))


def wide_argmin() -> Model:
    return read_bytes(probe(OpCode.ARG_MIN, (DType.FLOAT32, DType.INT64)))


@pytest.mark.parametrize(("model", "mend"), [(hybrid, "hybrid"), (wide_argmin, "tf.int32")])
def test_the_same_built_otherwise(model: object, mend: str, cli: Cli, tmp_path: Path) -> None:
    assert callable(model)
    path = tmp_path / "m.tflite"
    path.write_bytes(write_bytes(model()))
    assert mend in cli("inspect", "--runs", path).out
    assert cli("emit", path, "-d", "gen").code == 3
    rows = json.loads(cli("inspect", "--runs", "--json", path).out)["runs"]
    assert rows["verdict"] == "no"
    assert rows["refused"][0]["by"] == "TFLM"


def test_int8_transpose_of_rank_five_and_int4_dense() -> None:
    n = Net()
    n.output(n.transpose(n.feed(1, 2, 3, 4, 5), 4, 3, 2, 1, 0))
    assert verdict_of(n.model) == "reference kernels only"
    run_pipeline(n.model)
    assert verdict_of(n.model) == "yes"


def test_what_runs_gets_no_note(cli: Cli, tmp_path: Path) -> None:
    n = Net()
    n.output(n.relu(n.feed(2, 3)))
    assert runs_notes(n.model, Device()) == []
    path = tmp_path / "m.tflite"
    path.write_bytes(write_bytes(n.model))
    assert cli("inspect", "--runs", path).out.startswith("runs on TFLM")
    assert verdict_of(read(path)) == "yes"


@needs_tflm
@needs_fork
def test_the_verdict_is_that_of_tflm_on_random_models(tmp_path: Path) -> None:
    """``benchmarks/runs.py`` tries 10,000: types and options also from what TFLM lacks."""
    drawn = [random_model(random.Random(seed)) for seed in range(300)]
    letters = try_models(drawn, tmp_path)
    wrong, judged = [], 0
    for seed, (data, letter) in enumerate(zip(drawn, letters, strict=True)):
        try:
            model = read_bytes(data)
        except TfloptError:
            continue  # its types contradict each other
        judged += 1
        if runs_on_tflm(model) != (letter == "K"):
            wrong.append((seed, letter))
    assert wrong == []
    assert judged > 200
    assert set(letters) >= {"K", "I", "P"}


def test_a_float_bias_of_an_int16_convolution_is_refused() -> None:
    """CONV_2D looks at the bias's type as it runs."""
    model = read_bytes(probe(OpCode.CONV_2D, (DType.INT16, DType.INT8)))
    op = model.main.ops[0]
    buffer = Buffer(np.zeros(16, np.uint8))
    model.buffers.append(buffer)
    bias = model.main.add_value(Value(model.main, DType.FLOAT32, (4,), buffer=buffer))
    op.set_inputs([*op.inputs[:2], bias])
    [refusal] = find_refusals(model)
    assert "has int16 data and a bias of float32, TFLM takes int32 and int64" in str(refusal)
    bias.dtype = DType.INT32
    assert find_refusals(model) == []


def test_what_prepare_refuses_is_named() -> None:
    n = Net()
    joined = n.concat(n.feed(1, 2), n.feed(1, 2))
    assert joined.producer is not None
    joined.producer.options = ConcatenationOptions(1, Activation.RELU)
    n.output(joined)
    [refusal] = find_refusals(n.model)
    assert "has a fused activation" in str(refusal)
    assert "put the activation behind it" in str(refusal)
    n = Net()
    soft = n.op(OpCode.SOFTMAX, [n.feed(1, 4)], (1, 4), options=SoftmaxOptions(1.0))
    soft.quant = Quantization.per_tensor(1 / 255, -128)
    n.output(soft)
    [refusal] = find_refusals(n.model)
    assert "scale 0.00392157, TFLM takes 0.00390625" in str(refusal)


OLD = Device.of("cortex-m55", tflm="3b20912")


def means(rank: int, axes: list[int]) -> Model:
    n = Kit()
    n.output(n.reduce(OpCode.MEAN, n.feed(*(2,) * rank), axes))
    return n.model


def slopes() -> Model:
    return read_bytes(probe(OpCode.PRELU, SLOPES))


def updated() -> Model:
    return read_bytes(probe(OpCode.DYNAMIC_UPDATE_SLICE, (DType.INT8, DType.INT8)))


def compared(rank: int, dtype: DType = DType.INT8) -> Model:
    n = Net()
    inputs = [n.input((2,) * size, dtype) for size in (rank, 1)]
    for value in inputs:
        value.quant = inputs[0].quant
    n.output(n.op(OpCode.EQUAL, inputs, (2,) * rank, dtype=DType.BOOL))
    return n.model


def all_of() -> Model:
    return read_bytes(probe(OpCode.REDUCE_ALL, (DType.BOOL,)))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (updated, "is an operator that TFLM 3b20912 doesn't have"),
        (all_of, "is an operator that TFLM 3b20912 doesn't have"),
        (slopes, "has the types int16 and int8, which TFLM 3b20912 lacks"),
        (lambda: means(4, [0, 1, 2]), "reduces 3 axes, TFLM 3b20912 takes 2"),
        (lambda: compared(5), "broadcasts over 5 dimensions, TFLM 3b20912 takes 4"),
        (lambda: means(6, [1]), "has 6 dimensions, TFLM 3b20912 takes 5"),
    ],
)
def test_an_older_tflm_is_judged_by_what_it_has(
    make: Callable[[], Model], reason: str, cli: Cli, tmp_path: Path
) -> None:
    """Found by comparing the sources; ``benchmarks/runs.py --program`` tries a build of it."""
    path = tmp_path / "m.tflite"
    path.write_bytes(write_bytes(make()))
    assert verdict_of(make()) == "yes"
    [refusal] = find_refusals(make(), OLD)
    assert str(refusal).endswith(f"{reason}; TFLM 90b983c runs it")
    old = ("--tflm", "3b20912")
    assert "doesn't run on TFLM 3b20912" in cli("inspect", "--runs", *old, path).out
    assert "runs on TFLM 90b983c" in cli("inspect", "--runs", path).out
    assert cli("emit", path, "-d", "gen", *old).code == 3
    assert cli("emit", path, "-d", "gen").code == 0


def test_what_an_older_tflm_takes_runs_on_it() -> None:
    assert verdict_of(means(4, [1, 2]), OLD) == verdict_of(means(5, [1, 2]), OLD) == "yes"
    assert verdict_of(compared(4), OLD) == "yes"


def test_without_cmsis_nn_its_refusals_dont_count(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(write_bytes(dense_s16()))
    own = Device.of("cortex-m55", "none")
    assert verdict_of(dense_s16(), own) == "yes"
    assert "with its own kernels" in cli("inspect", "--runs", "--cmsis-nn", "none", path).out
    assert cli("emit", path, "-d", "gen", "--cmsis-nn", "none").code == 0
