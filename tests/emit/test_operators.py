"""The resolver lists what the interpreter looks up: no more, no less."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.emit.compilers import output_of, write_all
from tests.support.objects import object_api
from tests.support.paths import MODELS, TESTDATA, every_model, needs_tflm
from tflopt.emit import NamedModel, emit_files, model_name, registrations
from tflopt.emit.operators import CUSTOM_METHODS
from tflopt.errors import UnsupportedError
from tflopt.facts.tflm import KERNELS
from tflopt.io import read, read_bytes, write_bytes
from tflopt.ir import DType, Model, OpCode, OperatorCode
from tflopt.ir.builder import Builder

SOURCES = Path(os.environ.get("TFLOPT_TFLM_SOURCES", "sources of TFLM"))
HEADER = SOURCES / "tensorflow/lite/micro/micro_mutable_op_resolver.h"
ABSENT = OpCode.SKIP_GRAM
LACKED = "it is an operator that TFLM doesn't have, so TFLM can't allocate the model; build"
CHILD = """
import sys
from tflite_micro.python.tflite_micro import runtime
for path in sys.argv[1:]:
    print("model", path, file=sys.stderr, flush=True)
    try:
        runtime.Interpreter.from_file(path, arena_size=1 << 25)
        print("loaded", file=sys.stderr, flush=True)
    except Exception as error:
        print("failed", error, file=sys.stderr, flush=True)
"""


def two_ops(*codes: OperatorCode) -> Model:
    b = Builder()
    x = b.input((1, 4))
    for code in codes:
        (x,) = b.custom(code, [x], [(1, 4)])
    b.output(x)
    return b.model


def builtin(code: OpCode, version: int = 1) -> OperatorCode:
    return OperatorCode(int(code), version=version)


def custom(name: str | None) -> OperatorCode:
    return OperatorCode(int(OpCode.CUSTOM), custom_code=name)


@pytest.mark.unit
def test_each_operator_once_whatever_its_version() -> None:
    model = two_ops(builtin(OpCode.RELU), builtin(OpCode.RELU, 2), builtin(OpCode.ABS))
    model.opcodes.append(builtin(OpCode.TANH))  # in the table, used by nobody
    assert [each.method for each in registrations([model])] == ["AddAbs", "AddRelu"]


@pytest.mark.unit
def test_all_subgraphs_and_all_models_count() -> None:
    model = two_ops(builtin(OpCode.RELU))
    b = Builder(model)
    b.output(b.op(OpCode.TANH, [b.input((1, 4))], (1, 4)))
    other = two_ops(builtin(OpCode.RELU), builtin(OpCode.ABS))
    methods = [each.method for each in registrations([model, other])]
    assert methods == ["AddAbs", "AddRelu", "AddTanh"]


@pytest.mark.unit
def test_custom_operators_of_tflm_have_methods_and_others_hooks() -> None:
    names = ["SignalRfft", "my op", "my-op", "9lives"]
    found = registrations([two_ops(*map(custom, names))])
    assert {each.name: (each.method, each.hook) for each in found} == {
        "SignalRfft": ("AddRfft", ""),
        "my op": ("AddCustom", "Register_my_op"),
        "my-op": ("AddCustom", "Register_my_op_2"),
        "9lives": ("AddCustom", "Register_model_9lives"),
    }


@pytest.mark.unit
@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (builtin(ABSENT), rf"subgraph 0 operator 1 \(SKIP_GRAM\): {LACKED}"),
        (OperatorCode(9999), rf"subgraph 0 operator 1 \(BUILTIN_9999\): {LACKED}"),
        (custom(None), "custom operator without a name"),
        (custom(""), "custom operator without a name"),
    ],
)
def test_what_tflm_lacks_is_named(entry: OperatorCode, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        registrations([two_ops(builtin(OpCode.RELU), entry)])


@pytest.mark.unit
@every_model
def test_the_list_agrees_with_another_reader(path: Path) -> None:
    model = object_api().ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    needed = set()
    for graph in model.subgraphs:
        for op in graph.operators or []:
            code = model.operatorCodes[op.opcodeIndex]
            number = max(code.deprecatedBuiltinCode, code.builtinCode)
            name = OpCode(number).name
            needed.add(code.customCode.decode() if name == "CUSTOM" else name)
    try:
        found = registrations([read(path)])
    except UnsupportedError as error:
        pytest.skip(str(error))
    assert {each.name for each in found} == needed


@pytest.mark.unit
@pytest.mark.skipif(not HEADER.exists(), reason="TFLOPT_TFLM_SOURCES is not set")
def test_the_methods_are_those_of_tflm() -> None:
    text = re.sub(r"//.*", "", HEADER.read_text())
    builtins, customs = {}, {}
    pattern = r"TfLiteStatus (Add\w+)\([^{]*?\)\s*\{(.*?)\n  \}"
    for method, body in re.findall(pattern, text, re.DOTALL):
        code = re.search(r"AddBuiltin\(\s*BuiltinOperator_(\w+)", body)
        name = re.search(r'AddCustom\(\s*(".*?"|tflite::GetString)', body)
        if code:
            builtins[code[1]] = method
        elif name:
            customs[name[1].strip('"').replace("tflite::GetString", "ethos-u")] = method
    assert builtins == {code.name: kernel.method for code, kernel in KERNELS.items()}
    assert customs == CUSTOM_METHODS


@pytest.mark.unit
def test_the_header_registers_exactly_the_list(tmp_path: Path) -> None:
    """On a resolver of the stated size; one more operator would not fit, by its own count."""
    names = ["SignalRfft", "my op"]
    model = two_ops(builtin(OpCode.RELU), builtin(OpCode.ABS), *map(custom, names))
    write_all(emit_files([NamedModel("m", model, b"x")]), tmp_path)
    (tmp_path / "test.cc").write_text("""
#include <cstdio>
#include "m_ops.h"
const TFLMRegistration* m_ops::Register_my_op() {
  static const TFLMRegistration registration{};
  return &registration;
}
int main() {
  m_ops::OpResolver resolver;
  if (m_ops::RegisterOps(resolver) != kTfLiteOk) return 1;
  for (unsigned int i = 0; i < resolver.GetRegistrationLength(); ++i) puts(resolver.name(i));
  return m_ops::kOpCount == resolver.GetRegistrationLength() ? 0 : 2;
}
""")
    out = output_of(tmp_path, ["test.cc"]).decode().splitlines()
    assert out == ["AddAbs", "AddRelu", "AddRfft", "my op"]


# --- The real interpreter.


def load_on_tflm(paths: list[Path]) -> dict[Path, str]:
    """What TFLM prints while it loads each; an abort costs that model alone."""
    found: dict[Path, str] = {}
    while paths:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, *map(str, paths)], capture_output=True, text=True
        )
        parts = done.stderr.split("model ")[1:]
        for path, part in zip(paths, parts, strict=False):
            found[path] = part
        paths = paths[len(parts) :] if parts else []
    return found


def without(model: Model, entry: OperatorCode) -> bytes:
    """The model with one entry of its table replaced by an operator that TFLM lacks."""
    kept = (entry.builtin, entry.custom_code, entry.stored)
    entry.builtin, entry.custom_code, entry.stored = int(ABSENT), None, None
    data = write_bytes(model)
    entry.builtin, entry.custom_code, entry.stored = kept
    return data


@pytest.mark.runtime
@needs_tflm
def test_tflm_misses_each_of_the_operators_and_no_other(tmp_path: Path) -> None:
    """Of every model that TFLM loads: without an operator of the list it no longer does."""
    known = []
    for path in MODELS:
        try:
            registrations([read(path)])
            known.append(path)
        except UnsupportedError:
            assert path.parent == TESTDATA
    loads = [path for path, said in load_on_tflm(known).items() if "\nloaded" in said]
    assert loads == known
    cases: dict[Path, bool] = {}
    for path in loads:
        model = read_bytes(path.read_bytes())
        needed = {each.name for each in registrations([model])}
        model.opcodes.append(builtin(OpCode.ABS, 77))
        for index, entry in enumerate(model.opcodes):
            variant = tmp_path / f"{model_name(path.name)}.{index}"
            variant.write_bytes(without(model, entry))
            used = any(op.opcode is entry for op in model.ops())
            assert not used or entry.label in needed
            cases[variant] = used
    said = load_on_tflm(list(cases))
    for variant, used in cases.items():
        assert ("Didn't find op for builtin opcode 'SKIP_GRAM'" in said[variant]) is used, variant
        assert ("\nloaded" in said[variant]) is not used, variant


def test_a_model_without_operators_compiles(tmp_path: Path) -> None:
    b = Builder()
    b.output(b.input((1, 4), DType.INT8))
    write_all(emit_files([NamedModel("m", b.model, b"x")]), tmp_path)
    (tmp_path / "test.cc").write_text(
        '#include "m_ops.h"\nint main() { m_ops::OpResolver r; return m_ops::RegisterOps(r); }\n'
    )
    assert output_of(tmp_path, ["test.cc"]) == b""
