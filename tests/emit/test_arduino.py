"""The Arduino library: its metadata, and that its sources compile with nothing but ``-I src``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emit.compilers import CPP, STUB, Compiler, output_of
from tests.support.cli import Cli
from tests.support.paths import TESTDATA
from tflopt.emit import EmitOptions, Layout
from tflopt.errors import UsageError

pytestmark = pytest.mark.unit
HAR, DS = TESTDATA / "har_cnn.tflite", TESTDATA / "ds_cnn.tflite"
REQUIRED = ("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url")
"""By Arduino's library specification, with ``architectures``."""
SKETCH = """
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "{name}.h"
#include "{name}_ops.h"
{name}_ops::OpResolver resolver;
alignas({upper}_ARENA_ALIGNMENT) unsigned char arena[{upper}_ARENA_BYTES];
bool setup_model() {{ return {name}_ops::RegisterOps(resolver) == kTfLiteOk; }}
"""


@pytest.mark.parametrize("models", [[HAR], [HAR, DS]], ids=len)
@CPP
def test_a_library(compiler: Compiler, models: list[Path], cli: Cli, tmp_path: Path) -> None:
    ran = cli("emit", *models, "-d", "lib", "--name", "m", "--layout", "arduino")
    assert (ran.code, ran.err) == (0, "")
    library, source = tmp_path / "lib", tmp_path / "lib" / "src"
    lines = (library / "library.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    assert {*REQUIRED, "architectures"} <= properties.keys()
    assert all(properties.values())
    assert (properties["name"], properties["includes"]) == ("m", "m.h")
    assert {path.suffix for path in source.iterdir()} == {".h", ".cpp"}
    assert len(list(source.glob("*.cpp"))) == len(models)
    (library / "sketch.cpp").write_text(SKETCH.format(name="m", upper="M"))
    for path in source.glob("*.cpp"):
        compiler.run(f"-I{source}", "-c", path, "-o", library / "o")
    sketch = library / "sketch.cpp"
    compiler.run(f"-I{source}", f"-isystem{STUB}", "-c", sketch, "-o", library / "o")


def test_the_sketch_sees_the_model(cli: Cli, tmp_path: Path) -> None:
    assert cli("emit", HAR, "-d", ".", "--name", "m", "--layout", "arduino", "-q").code == 0
    (tmp_path / "src" / "main.cpp").write_text(
        '#include <stdio.h>\n#include "m.h"\n'
        "int main() { return fwrite(m_data, 1, M_DATA_BYTES, stdout) == M_DATA_BYTES ? 0 : 1; }\n"
    )
    assert output_of(tmp_path / "src", ["main.cpp", "m_data.cpp"]) == HAR.read_bytes()


@pytest.mark.parametrize("option", ["incbin", "main"])
def test_what_the_layout_lacks(option: str) -> None:
    with pytest.raises(UsageError, match=f"--{option} and --layout arduino exclude"):
        EmitOptions(layout=Layout.ARDUINO, incbin=option == "incbin", main=option == "main")


def test_a_name_that_is_a_header(cli: Cli) -> None:
    ran = cli("emit", HAR, DS, "-d", "lib", "--name", "ds_cnn_data", "--layout", "arduino")
    assert ran.code == 2
    assert "ds_cnn_data.h is a header of one of the models" in ran.only_error
