"""The emitted array is the file, byte for byte, in every form."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.emit.compilers import GCC, GXX, Compiler, output_of, write_all
from tests.support.paths import MODELS, TESTDATA, every_model
from tflopt.emit import EmitOptions, Language, NamedModel, emit_files
from tflopt.emit.array import data_files, data_source
from tflopt.errors import UsageError
from tflopt.io import read_bytes
from tflopt.ir import Model

pytestmark = pytest.mark.unit
PROGRAM = """
#include <stdint.h>
#include <stdio.h>
#include "m_data.h"
int main(void) {
#ifdef __cplusplus
  const uintptr_t place = reinterpret_cast<uintptr_t>(m_data);
#else
  const uintptr_t place = (uintptr_t)m_data;
#endif
  if (place % M_DATA_ALIGNMENT) return 1;
  return fwrite(m_data, 1, sizeof m_data, stdout) == M_DATA_BYTES ? 0 : 2;
}
"""


@every_model
def test_the_array_is_the_file(path: Path) -> None:
    data = path.read_bytes()
    text = data_source(NamedModel("m", Model(), data), EmitOptions())
    found = re.findall(r"0x([0-9a-f]{2}),", text)
    assert bytes.fromhex("".join(found)) == data
    assert text.count("0x") == len(data)


FORMS = {
    "c": ("c", EmitOptions(language=Language.C)),
    "cpp": ("cc", EmitOptions()),
    "incbin": ("S", EmitOptions(incbin=True)),
}


LONG_TO_COMPILE_BYTES = 200_000
"""A compiler reads five bytes of text for each of a file; an assembler takes the file itself."""


@pytest.mark.parametrize("form", FORMS)
def test_the_linked_array_of_every_model_is_its_file(form: str, tmp_path: Path) -> None:
    """The models in one program, which writes them one after another."""
    suffix, options = FORMS[form]
    data = [path.read_bytes() for path in MODELS]
    if not options.incbin:
        data = [one for one in data if len(one) < LONG_TO_COMPILE_BYTES]
    compiler = GCC if form == "c" else GXX
    includes, writes = "", ""
    for index, one in enumerate(data):
        name = f"m{index}"
        write_all(data_files(NamedModel(name, Model(), one), options), tmp_path)
        includes += f'#include "{name}_data.h"\n'
        writes += f"  fwrite({name}_data, 1, sizeof {name}_data, stdout);\n"
    program = f"#include <stdio.h>\n{includes}int main(void) {{\n{writes}  return 0;\n}}\n"
    main = f"main.{'c' if form == 'c' else 'cc'}"
    (tmp_path / main).write_text(program)
    sources = [f"m{index}_data.{suffix}" for index in range(len(data))]
    assert output_of(tmp_path, [main, *sources], compiler) == b"".join(data)


def built(tmp_path: Path, data: bytes, options: EmitOptions, compiler: Compiler) -> bytes:
    model = read_bytes((TESTDATA / "har_cnn.tflite").read_bytes())
    files = emit_files([NamedModel("m", model, data)], options=options)
    write_all(files, tmp_path)
    source = "test.c" if compiler is GCC else "test.cc"
    (tmp_path / source).write_text(PROGRAM)
    (code,) = (name for name in files if name.startswith("m_data.") and not name.endswith(".h"))
    if code.endswith(".c"):
        GCC.run("-c", tmp_path / code, "-o", tmp_path / "code.o")
        code = "code.o"
    return output_of(tmp_path, [source, code], compiler)


@pytest.mark.parametrize("section", ["", ".model_flash"])
@pytest.mark.parametrize("align", [16, 256])
@pytest.mark.parametrize("form", ["cpp", "c", "incbin", "c for c++", "incbin for c"])
def test_programs_see_the_file(form: str, align: int, section: str, tmp_path: Path) -> None:
    data = np.random.default_rng(1).bytes(1001) + bytes(range(256))
    language = Language.C if form.startswith("c") and form != "cpp" else Language.CPP
    options = EmitOptions(
        language=language, incbin="incbin" in form, alignment=align, section=section
    )
    compiler = GCC if form in ("c", "incbin for c") else GXX
    assert built(tmp_path, data, options, compiler) == data
    if section:
        assert section.encode() in (tmp_path / "program").read_bytes()


@pytest.mark.parametrize("align", [0, 8, 24, -16])
def test_an_alignment_that_makes_no_sense(align: int) -> None:
    with pytest.raises(UsageError, match="power of two from 16"):
        EmitOptions(alignment=align)


@pytest.mark.parametrize("section", ['a"b', "a b", "x)", "a,b"])
def test_a_section_that_needs_quoting(section: str) -> None:
    with pytest.raises(UsageError, match="letters, digits"):
        EmitOptions(section=section)
