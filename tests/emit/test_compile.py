"""Everything that is emitted compiles without a warning, for the host and for Arm."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.emit.compilers import ALL, CPP, GCC, GXX, STUB, C, Compiler, write_all
from tests.support.cli import Cli
from tests.support.field import field_case
from tests.support.paths import MODELS, TESTDATA
from tflopt.emit import EmitOptions, Language, NamedModel, emit_files, model_name
from tflopt.errors import UnsupportedError
from tflopt.io import read, read_bytes
from tflopt.ir import DType, Model, OpCode
from tflopt.ir.builder import Builder

pytestmark = pytest.mark.unit


def strange() -> Model:
    """Names and types that could break a source file."""
    b = Builder()
    names = ["*/ int x;", 'quote"', "back\\", "??/", "new\nline", "\udcff", "%s", "}", ""]
    for name in names:
        b.input((1, 4), DType.INT8, name=name)
    for dtype in (DType.INT4, DType.STRING, DType.BOOL, DType.INT64, DType.COMPLEX64):
        b.input((1, 4), dtype)
    b.input((1, 4), DType.INT8, quant=(1e-45, 127))
    b.output(b.op(OpCode.RELU, [b.graph.inputs[0]], (1, 4)))
    return b.model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The headers of all models that TFLM can run, and a list of them."""
    folder = tmp_path_factory.mktemp("headers")
    named = []
    for path in MODELS:
        one = NamedModel(model_name(path.name), read(path), b"x")
        try:
            emit_files([one])
        except UnsupportedError:
            continue
        named.append(one)
    named.append(NamedModel("strange", strange(), b"x"))
    assert len(named) > 30
    for one in named:
        write_all(emit_files([one]), folder)
    write_all(emit_files(named, "all"), folder)
    plain = "".join(f'#include "{n.name}_{w}.h"\n' for n in named for w in ("data", "info"))
    ops = "".join(f'#include "{n.name}_ops.h"\n' for n in named)
    arenas = "".join(
        f"\n#ifdef {n.name.upper()}_ARENA_BYTES\nextern unsigned char {n.name}_arena"
        f"[{n.name.upper()}_ARENA_BYTES];\n#endif\nextern {n.name.upper()}_INPUT0_TYPE {n.name}_in;"
        for n in named
    )
    (folder / "plain.c").write_text(plain + plain + arenas + "\n")
    (folder / "plain.cc").write_text(plain + plain + ops + '#include "all_ops.h"\n' + arenas + "\n")
    return folder


@C
def test_headers_in_c(compiler: Compiler, folder: Path) -> None:
    compiler.run(f"-I{folder}", "-c", folder / "plain.c", "-o", folder / "o")


@CPP
def test_headers_in_cpp(compiler: Compiler, folder: Path) -> None:
    compiler.run(f"-I{folder}", f"-isystem{STUB}", "-c", folder / "plain.cc", "-o", folder / "o")


@ALL
@pytest.mark.parametrize("incbin", [False, True], ids=["array", "incbin"])
def test_data(compiler: Compiler, incbin: bool, tmp_path: Path) -> None:
    data, is_c = bytes(range(256)) * 5, compiler.options[-1:] == GCC.options
    options = EmitOptions(
        language=Language.C if is_c else Language.CPP, incbin=incbin, section=".flash.model"
    )
    files = emit_files([NamedModel("m", strange(), data)], options=options)
    write_all(files, tmp_path)
    source = "m_data.S" if incbin else "m_data.c" if is_c else "m_data.cc"
    compiler.run(f"-I{tmp_path}", "-c", tmp_path / source, "-o", tmp_path / "m.o")
    built = (tmp_path / "m.o").read_bytes()
    assert data in built
    assert b".flash.model" in built


@CPP
@pytest.mark.parametrize("count", [1, 2])
def test_the_program(compiler: Compiler, count: int, tmp_path: Path) -> None:
    b = Builder()
    b.output(b.op(OpCode.RELU, [b.input((1, 4))], (1, 4)))
    named = [NamedModel(f"m{index}", b.model, b"x") for index in range(count)]
    write_all(emit_files(named, options=EmitOptions(main=True)), tmp_path)
    compiler.run(
        f"-I{tmp_path}", f"-isystem{STUB}", "-c", tmp_path / "main.cc", "-o", tmp_path / "o"
    )


@CPP
@pytest.mark.parametrize("count", [1, 2])
def test_the_arena_in_a_section_of_its_own(compiler: Compiler, count: int, tmp_path: Path) -> None:
    b = Builder()
    b.output(b.op(OpCode.RELU, [b.input((1, 4))], (1, 4)))
    named = [NamedModel(f"m{index}", b.model, b"x") for index in range(count)]
    options = EmitOptions(main=True, arena_section=".bss.dtcm", arena_bytes=1 << 20)
    write_all(emit_files(named, options=options), tmp_path)
    sources = f"-I{tmp_path}", f"-isystem{STUB}", "-c", tmp_path / "main.cc"
    compiler.run(*sources, "-o", tmp_path / "main.o")
    data = (tmp_path / "main.o").read_bytes()
    assert b".bss.dtcm" in data
    assert len(data) < 1 << 20, "an arena of zeros is no part of the image"


@CPP
@pytest.mark.parametrize("mixed", [False, True])
def test_the_program_with_resource_variables(
    compiler: Compiler, mixed: bool, tmp_path: Path
) -> None:
    data = (TESTDATA / "streaming_variables.tflite").read_bytes()
    named = [NamedModel("s", read_bytes(data), data)]
    b = Builder()
    b.output(b.op(OpCode.RELU, [b.input((1, 4))], (1, 4)))
    named += [NamedModel("m", b.model, b"x")] if mixed else []
    write_all(emit_files(named, options=EmitOptions(main=True)), tmp_path)
    text = (tmp_path / "main.cc").read_text()
    assert ("Run(m_data, resolver, 0)" in text) == mixed
    assert "MicroResourceVariables::Create(allocator, variables)" in text
    compiler.run(
        f"-I{tmp_path}", f"-isystem{STUB}", "-c", tmp_path / "main.cc", "-o", tmp_path / "o"
    )


@pytest.mark.parametrize(("stem", "count"), [("c04_resource_variable", 1), ("", 2)])
def test_the_header_counts_resource_variables(stem: str, count: int) -> None:
    """A model from the field, and one of ours whose variables have two names."""
    path = field_case(stem) if stem else TESTDATA / "streaming_variables.tflite"
    data = path.read_bytes()
    files = emit_files([NamedModel("m", read_bytes(data), data)], options=EmitOptions(main=True))
    found = re.search(rb"#define M_RESOURCE_VARIABLES (\d+)", files["m_info.h"])
    assert found is not None
    assert int(found[1]) == count
    assert b"Run(m_data, resolver, %d)" % count in files["main.cc"]


def test_a_warning_fails(tmp_path: Path) -> None:
    """The harness itself."""
    (tmp_path / "x.cc").write_text("static int f() { return 1; }\n")
    with pytest.raises(AssertionError, match="unused-function"):
        GXX.run("-c", tmp_path / "x.cc", "-o", tmp_path / "o")


@pytest.mark.parametrize(
    ("overlap", "kernels", "code"),
    [
        ("--overlap", 4, 0),  # as the file was made for
        ("--overlap", 2, 1),
        ("--overlap", 16, 1),
        ("--no-overlap", 2, 0),
    ],
)
def test_the_program_asks_for_the_kernels_of_the_plan(
    overlap: str, kernels: int, code: int, cli: Cli, tmp_path: Path
) -> None:
    """The condition of ``HasKernels``, on what the header says of a plan."""
    model = tmp_path / "m.tflite"
    source = TESTDATA / "mobilenet_v1.tflite"
    made = cli("optimize", source, overlap, "--no-verify", "-q", "-o", model)
    assert made.code == 0, made.err
    assert cli("emit", model, "-d", tmp_path, "--main").code == 0
    header, program = ((tmp_path / name).read_text() for name in ("m_info.h", "main.cc"))
    assert "if (!HasKernels(M_PLAN_KERNELS)) return 1;" in program
    assert "(planned & TFLOPT_KERNELS) != 0" in program
    planned = re.search(r"M_PLAN_KERNELS (\d+)u", header)
    assert planned is not None
    assert int(planned[1]) & kernels == 0 if code else int(planned[1]) & kernels
