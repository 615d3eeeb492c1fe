"""Shapes, arena and quantization helpers, against the model and TFLM's own QUANTIZE."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.emit.compilers import GCC, GXX, Compiler, output_of, write_all
from tests.support.paths import TESTDATA, needs_tflm
from tests.support.runtime import runtime
from tflopt.emit import EmitOptions, NamedModel, emit_files
from tflopt.emit.arena import arena_of
from tflopt.emit.info import quantization
from tflopt.emit.names import float_literal
from tflopt.io import read, read_bytes, write_bytes
from tflopt.ir import DType, Model, OpCode, OperatorCode, Quantization
from tflopt.ir.builder import Builder
from tflopt.target import Target
from tflopt.target.device import Device
from tflopt.target.memory import memory_of, two_arenas_of

QUANTS = [(0.5, -3), (0.00390625, -128), (0.584702909, 83), (1e-38, 0), (3e38, 127), (0.1, -128)]
CONVERT = """
#include <stdio.h>
#include "m_info.h"
#ifdef __cplusplus
#define AS_TYPE(q) static_cast<M_INPUT0_TYPE>(q)
#else
#define AS_TYPE(q) ((M_INPUT0_TYPE)(q))
#endif
int main(void) {{
  float value;
  while (fread(&value, sizeof value, 1, stdin) == 1) {{
    const M_INPUT0_TYPE q = m_quantize_input0(value);
    fwrite(&q, sizeof q, 1, stdout);
  }}
  for (int q = {least}; q <= {most}; ++q) {{
    const float back = m_dequantize_input0(AS_TYPE(q));
    fwrite(&back, sizeof back, 1, stdout);
  }}
  return 0;
}}
"""


def header(model: Model, options: EmitOptions | None = None) -> str:
    return emit_files([NamedModel("m", model, b"x")], options=options)["m_info.h"].decode()


@pytest.mark.parametrize("alignment", [16, 64])
def test_two_arenas_beside_the_one(alignment: int) -> None:
    model = read(TESTDATA / "ds_cnn.tflite")
    two = two_arenas_of(model, Device())
    told = header(model, EmitOptions(arena_alignment=alignment))
    for name, least in (
        ("PERSISTENT", two.persistent_bytes),
        ("NON_PERSISTENT", two.non_persistent_bytes),
    ):
        assert f"#define M_{name}_ARENA_BYTES {-(-least // alignment) * alignment}u\n" in told
    assert "PERSISTENT" not in header(model, EmitOptions(arena_bytes=1 << 16))


def one_input(quant: Quantization | tuple[float, int] | None, dtype: DType = DType.INT8) -> Model:
    """What reads the input is an operator that TFLM has for its type."""
    b = Builder()
    x = b.input((1, 4), dtype, quant)
    if dtype is DType.UINT8:
        b.output(b.op(OpCode.DEQUANTIZE, [x], (1, 4), dtype=DType.FLOAT32))
    else:
        b.output(b.op(OpCode.RELU, [x], (1, 4)))
    return b.model


def inputs(scale: float) -> npt.NDArray[np.float32]:
    """Everything near a boundary, the extremes, and noise."""
    rng = np.random.default_rng(7)
    steps = np.arange(-600, 601).astype(np.float32) / 2
    with np.errstate(over="ignore"):
        halves = (steps * np.float32(scale)).astype(np.float32)
        around = [np.nextafter(halves, np.float32(side)) for side in (-np.inf, np.inf)]
        noise = (rng.normal(0, 100, 5000) * scale).astype(np.float32)
    return np.concatenate([halves, *around, noise])


def converted(
    model: Model, values: npt.NDArray[np.float32], folder: Path, compiler: Compiler = GCC
) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.float32]]:
    """The helpers' results: quantized values, and every quantized value back as float."""
    dtype = model.main.inputs[0].dtype.numpy
    assert dtype is not None
    limits = np.iinfo(dtype.name)
    write_all(emit_files([NamedModel("m", model, b"x")]), folder)
    source = "test.c" if compiler is GCC else "test.cc"
    (folder / source).write_text(CONVERT.format(least=limits.min, most=limits.max))
    out = output_of(folder, [source], compiler, values.tobytes())
    size = len(values) * dtype.itemsize
    return np.frombuffer(out[:size], dtype), np.frombuffer(out[size:], np.float32)


@pytest.mark.unit
@pytest.mark.parametrize("compiler", [GCC, GXX], ids=lambda c: c.name)
@pytest.mark.parametrize("dtype", [DType.INT8, DType.UINT8, DType.INT16], ids=lambda d: d.name)
def test_helpers_follow_the_formula(dtype: DType, compiler: Compiler, tmp_path: Path) -> None:
    scale, zero_point = np.float32(0.37), 5
    model = one_input((float(scale), zero_point), dtype)
    values = inputs(0.37)
    values = np.concatenate([values, np.array([np.inf, -np.inf, 3e38, -3e38, 0, -0.0], np.float32)])
    quantized, back = converted(model, values, tmp_path, compiler)
    info = np.iinfo(quantized.dtype.name)
    with np.errstate(over="ignore"):
        ratio = (values / scale).astype(np.float64)
    away = np.sign(ratio) * np.floor(np.abs(ratio) + 0.5)
    expected = np.clip(away + zero_point, info.min, info.max)
    assert np.array_equal(quantized, expected)
    every = np.arange(info.min, info.max + 1)
    assert np.array_equal(back, (np.float64(scale) * (every - zero_point)).astype(np.float32))


@pytest.mark.unit
def test_what_is_no_number_gives_the_least(tmp_path: Path) -> None:
    quantized, _ = converted(one_input((0.5, 3)), np.array([np.nan], np.float32), tmp_path)
    assert quantized.tolist() == [-128]


@pytest.mark.runtime
@needs_tflm
@pytest.mark.parametrize("quant", QUANTS, ids=str)
def test_helpers_agree_with_tflm(quant: tuple[float, int], tmp_path: Path) -> None:
    """Inside of int32, where TFLM's own conversion is defined."""
    values = inputs(quant[0])
    values = values[np.isfinite(values)]
    b = Builder()
    x = b.input((len(values),), DType.FLOAT32, None)
    b.output(b.op(OpCode.QUANTIZE, [x], x.shape, dtype=DType.INT8, quant=quant))
    ((expected,),) = runtime().run("tflm", write_bytes(b.model), [[values]])
    quantized, back = converted(one_input(quant), values, tmp_path)
    assert np.array_equal(quantized, expected)
    b = Builder()
    every = np.arange(-128, 128).astype(np.int8)
    x = b.input((256,), DType.INT8, quant)
    b.output(b.op(OpCode.DEQUANTIZE, [x], x.shape, dtype=DType.FLOAT32))
    ((expected,),) = runtime().run("tflm", write_bytes(b.model), [[every]])
    assert np.array_equal(back, expected)


@pytest.mark.unit
def test_float_constants_read_back_exactly() -> None:
    rng = np.random.default_rng(3)
    bits = rng.integers(0x00000001, 0x7F7FFFFF, 2000, np.uint32).view(np.float32)
    for value in [*bits, np.float32(1), np.float32(0.5), np.float32(2**127)]:
        text = float_literal(float(value))
        assert text.endswith("f")
        assert "." in text or "e" in text
        assert np.float32(text[:-1]) == value


@pytest.mark.unit
@pytest.mark.parametrize(
    "quant",
    [
        None,
        Quantization.per_channel([1.0, 2.0], 1),
        Quantization(np.array([0.5], np.float32)),
        Quantization.per_tensor(0.0),
        Quantization.per_tensor(float("nan")),
        Quantization.per_tensor(-1.0),
        Quantization.per_tensor(float("inf")),
        Quantization.per_tensor(0.5, 128),
    ],
    ids=["none", "per channel", "no zero point", "0", "nan", "negative", "inf", "out of range"],
)
def test_no_helpers_without_a_usable_quantization(quant: Quantization | None) -> None:
    model = one_input(quant)
    assert quantization(model.main.inputs[0]) is None
    assert "SCALE" not in header(model)


@pytest.mark.unit
def test_shapes_types_and_names() -> None:
    b = Builder()
    x = b.input((1, 49, 10), DType.INT8, (0.25, -7), name='a"b\\?\u00e9*/')
    s = b.input((), DType.FLOAT32, None, name="s")
    b.output(b.op(OpCode.RELU, [x], (1, 49, 10)), b.op(OpCode.RELU, [s], ()))
    text = header(b.model)
    for line in (
        '#define M_INPUT0_NAME "a\\042b\\134\\077\\303\\251*/"',
        "#define M_INPUT_COUNT 2",
        "#define M_OUTPUT_COUNT 2",
        "#define M_INPUT0_TYPE int8_t",
        "#define M_INPUT0_RANK 3",
        "#define M_INPUT0_SHAPE {1, 49, 10}",
        "#define M_INPUT0_ELEMENTS 490u",
        "#define M_INPUT0_BYTES 490u",
        "#define M_INPUT0_SCALE 0.25f",
        "#define M_INPUT0_ZERO_POINT (-7)",
        "#define M_INPUT1_TYPE float",
        "#define M_INPUT1_RANK 0",
        "#define M_INPUT1_BYTES 4u",
    ):
        assert line in text.splitlines()
    assert "INPUT1_SHAPE" not in text


@pytest.mark.unit
@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_the_arena_is_that_of_the_target(target: str) -> None:
    model = read(TESTDATA / "ds_cnn.tflite")
    device = Device(Target.parse(target))
    minimum = memory_of(model, device).arena.minimum_bytes
    text = header(model, EmitOptions(device=device))
    assert f"#define M_ARENA_BYTES {minimum}u" in text
    assert f"on {target}, CMSIS-NN" in text


@pytest.mark.unit
def test_an_unknown_arena_is_a_comment() -> None:
    b = Builder()
    entry = OperatorCode(int(OpCode.CUSTOM), custom_code="mine */ #error")
    b.output(*b.custom(entry, [b.input((1, 4))], [(1, 4)]))
    assert arena_of(b.model, EmitOptions()).size_bytes is None
    text = header(b.model)
    assert "#define M_ARENA_BYTES" not in text
    assert "not known (no sizes for the kernels of mine * / #error)" in text
    assert "#define M_ARENA_BYTES 4096u" in header(b.model, EmitOptions(arena_bytes=4096))
    read_bytes(write_bytes(b.model))
