"""The example project: configures, builds, and builds again only what changed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.emit.compilers import STUB
from tests.support.cli import Cli
from tests.support.paths import ROOT, TESTDATA, needs_tflm

pytestmark = [
    pytest.mark.runtime,
    pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed"),
]
EXAMPLE = ROOT / "examples" / "firmware"
TOOLCHAIN = EXAMPLE / "cmake" / "arm-none-eabi.cmake"
COMMAND = f"-DTFLOPT_COMMAND={sys.executable};-m;tflopt"
COPY = "-DTFLOPT_COMMAND=cmake;-E;env;PYTHONPATH={};" + f"{sys.executable};-m;tflopt"
GENERATORS = {"Ninja": "ninja", "Unix Makefiles": "make"}


@dataclass(frozen=True)
class Project:
    """A source folder and its build folder."""

    source: Path
    build: Path

    def configure(self, *options: str) -> None:
        done = self._run("cmake", COMMAND, "-S", self.source, "-B", self.build, *options)
        assert done.returncode == 0, done.stdout + done.stderr

    def make(self) -> str:
        done = self._run("cmake", "--build", self.build)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def fails(self) -> str:
        done = self._run("cmake", "--build", self.build)
        assert done.returncode != 0
        return done.stdout + done.stderr

    def times(self) -> dict[str, int]:
        """Of everything that was generated or compiled."""
        files = [p for p in self.build.rglob("*") if p.suffix in (".h", ".cc", ".o", ".obj", ".a")]
        own = [p for p in files if "CompilerId" not in str(p)]
        return {str(p.relative_to(self.build)): p.stat().st_mtime_ns for p in own}

    def _run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*map(str, arguments)], capture_output=True, text=True, cwd=self.source
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A copy of the example with a model of its own."""
    shutil.copytree(EXAMPLE, tmp_path / "firmware")
    shutil.copy(TESTDATA / "ds_cnn.tflite", tmp_path / "model.tflite")
    return Project(tmp_path / "firmware", tmp_path / "build")


def model_option(project: Project) -> str:
    return f"-DMODEL={project.source.parent / 'model.tflite'}"


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


def test_a_budget_stops_the_build(project: Project) -> None:
    project.configure(model_option(project), "-DMAX_FLASH=1K")
    assert "more than the limit of 1024" in project.fails()
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
