"""The example project: configures, builds, and builds again only what changed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.emit.compilers import STUB
from tests.emit.project import TOOLCHAIN, Project, copy_of_example, model_option
from tests.support.cli import Cli
from tests.support.paths import ROOT, TESTDATA, needs_tflm

pytestmark = [
    pytest.mark.runtime,
    pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed"),
]
COPY = "-DTFLOPT_COMMAND=cmake;-E;env;PYTHONPATH={};" + f"{sys.executable};-m;tflopt"
GENERATORS = {"Ninja": "ninja", "Unix Makefiles": "make"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A copy of the example with a model of its own."""
    return copy_of_example(tmp_path)


@pytest.mark.long
@needs_tflm
@pytest.mark.parametrize("generator", GENERATORS)
def test_only_what_changed_is_built_again(generator: str, project: Project) -> None:
    if shutil.which(GENERATORS[generator]) is None:
        pytest.skip(f"{GENERATORS[generator]} is not installed")
    tool = project.source.parent / "tool"
    shutil.copytree(ROOT / "tflopt", tool / "tflopt")
    includes = f"-DTFLM_INCLUDE_DIRS={STUB}"
    options = (f"-G{generator}", model_option(project), includes, COPY.format(tool))
    project.configure(*options)
    assert "tflopt kws" in project.make()
    first = project.times()
    assert any("inference" in name for name in first)
    assert "tflopt kws" not in project.make()
    assert project.times() == first

    project.configure(*options)  # the same again
    assert "tflopt kws" not in project.make()
    assert project.times() == first

    (project.source.parent / "model.tflite").touch()
    assert "tflopt kws" in project.make()
    second = project.times()
    assert second["tflopt/kws/kws_data.cc"] > first["tflopt/kws/kws_data.cc"]
    assert "tflopt kws" not in project.make()

    (tool / "tflopt" / "budget.py").touch()
    assert "tflopt kws" in project.make()
    assert "tflopt kws" not in project.make()

    project.configure(*options, "-DMAX_FLASH=200K")
    assert "tflopt kws" in project.make()
    assert "tflopt kws" not in project.make()


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        (
            "MAX_ARENA 1K",
            "more than the limit of 1,024; live together: operator 1 DEPTHWISE_CONV_2D",
        ),
        ("MAX_FLASH 1.5K", "more than the limit of 1,536; largest: operator 0 CONV_2D 1,280"),
        ("MAX_INSTRUCTIONS 1.5K", "more than the limit of 1,500; most in: operator 0 CONV_2D"),
    ],
)
def test_budgets_of_a_model(budget: str, message: str, cli: Cli, tmp_path: Path) -> None:
    folder = cli("cmake-dir").out.strip()
    text = CONSUMER.format(languages="C", model=TESTDATA / "ds_cnn.tflite", more=budget)
    (tmp_path / "CMakeLists.txt").write_text(text)
    (tmp_path / "x.c").write_text(PROGRAM)
    project = Project(tmp_path, tmp_path / "build")
    project.configure(f"-Dtflopt_DIR={folder}")
    assert message in " ".join(project.fails().split())


def test_a_budget_stops_the_build(project: Project) -> None:
    project.configure(model_option(project), "-DMAX_FLASH=1K")
    assert "more than the limit of 1,024" in project.fails()
    assert not list(project.build.rglob("kws_data.*"))


@needs_tflm
def test_the_cross_compiler(project: Project) -> None:
    if shutil.which("arm-none-eabi-g++") is None:
        pytest.skip("arm-none-eabi-g++ is not installed")
    more = (f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAIN}", f"-DTFLM_INCLUDE_DIRS={STUB}")
    project.configure(model_option(project), *more)
    project.make()
    objects = list(project.build.rglob("*.obj")) + list(project.build.rglob("*.o"))
    machines = {p.read_bytes()[18:20] for p in objects if "CompilerId" not in str(p)}
    assert machines == {b"\x28\x00"}  # EM_ARM


CONSUMER = """
cmake_minimum_required(VERSION 3.20)
project(x LANGUAGES {languages})
find_package(tflopt CONFIG REQUIRED)
add_executable(x x.c)
tflopt_add_model(x MODEL {model} NAME m NO_VERIFY {more})
"""
PROGRAM = """
#include <stdio.h>
#include "m_data.h"
#include "m_info.h"
int main(void) {
  return fwrite(m_data, 1, sizeof m_data, stdout) == M_DATA_BYTES ? 0 : 1;
}
"""


@pytest.mark.parametrize(
    ("languages", "more"),
    [
        ("C", ""),
        ("C", "ALIGN 64 SECTION .model ARENA_ALIGNMENT 128"),
        ("C CXX", ""),
        ("C ASM", "INCBIN"),
    ],
)
def test_find_package_and_programs(languages: str, more: str, cli: Cli, tmp_path: Path) -> None:
    folder = cli("cmake-dir").out.strip()
    text = CONSUMER.format(languages=languages, model=TESTDATA / "ds_cnn.tflite", more=more)
    (tmp_path / "CMakeLists.txt").write_text(text)
    (tmp_path / "x.c").write_text(PROGRAM)
    project = Project(tmp_path, tmp_path / "build")
    project.configure(f"-Dtflopt_DIR={folder}", "-DCMAKE_EXE_LINKER_FLAGS=-lm")
    project.make()
    out = subprocess.run([project.build / "x"], capture_output=True, check=True).stdout
    assert out == (project.build / "tflopt" / "m" / "m.opt.tflite").read_bytes()
    assert project.make().count("tflopt m") == 0
    generated = project.build / "tflopt" / "m"
    alignment = 128 if "ARENA_ALIGNMENT" in more else 16
    info = (generated / "m_info.h").read_text()
    assert f"#define M_ARENA_ALIGNMENT {alignment}\n" in info
    options = json.loads((generated / "m.json").read_text())["options"]
    assert options["arena_alignment"] == alignment


@pytest.mark.parametrize(
    ("more", "message"),
    [("FOO 1", "unknown arguments: FOO;1"), ("INCBIN", "needs enable_language(ASM)")],
)
def test_mistakes(more: str, message: str, cli: Cli, tmp_path: Path) -> None:
    folder = cli("cmake-dir").out.strip()
    text = CONSUMER.format(languages="C", model="m.tflite", more=more)
    (tmp_path / "CMakeLists.txt").write_text(text)
    (tmp_path / "x.c").write_text(PROGRAM)
    project = Project(tmp_path, tmp_path / "build")
    with pytest.raises(AssertionError, match=message.replace("(", r"\(").replace(")", r"\)")):
        project.configure(f"-Dtflopt_DIR={folder}")


ZEPHYR = """
cmake_minimum_required(VERSION 3.20)
project(x LANGUAGES C CXX)
# As find_package(Zephyr) leaves it: these targets, and each module added as a folder.
add_library(zephyr_interface INTERFACE)
target_compile_definitions(zephyr_interface INTERFACE FROM_ZEPHYR)
add_library(app STATIC x.c)
add_subdirectory({folder}/zephyr modules/tflopt)
tflopt_add_zephyr_model(kws MODEL {model} NAME m NO_VERIFY)
add_executable(x main.c)
target_link_libraries(x PRIVATE app)
"""


def test_the_zephyr_module(cli: Cli, tmp_path: Path) -> None:
    """Not with Zephyr: with targets of the same names, and the module in a folder of its own."""
    folder = Path(cli("cmake-dir").out.strip())
    assert "cmake: zephyr\n" in (folder / "zephyr" / "module.yml").read_text()
    model = TESTDATA / "ds_cnn.tflite"
    (tmp_path / "CMakeLists.txt").write_text(ZEPHYR.format(folder=folder, model=model))
    program = PROGRAM.replace("int main(void)", "int x(void);\nint x(void)")
    (tmp_path / "x.c").write_text(program)
    (tmp_path / "main.c").write_text("int x(void);\nint main(void) { return x(); }\n")
    project = Project(tmp_path, tmp_path / "build")
    project.configure("-GUnix Makefiles", "-DCMAKE_EXE_LINKER_FLAGS=-lm")
    project.make()
    out = subprocess.run([project.build / "x"], capture_output=True, check=True).stdout
    assert out == (project.build / "tflopt" / "m" / "m.opt.tflite").read_bytes()
    flags = project.build / "CMakeFiles" / "kws.dir" / "flags.make"
    assert "-DFROM_ZEPHYR" in flags.read_text()
