"""tflopt.mk: makes what the model, the options and tflopt itself ask for, and only then."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.paths import ROOT, TESTDATA

pytestmark = [
    pytest.mark.runtime,
    pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed"),
    pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed"),
]
MAKEFILE = """
TFLOPT := {python} -m tflopt
include $(shell $(TFLOPT) cmake-dir)/tflopt.mk

kws_MODEL    := kws.tflite
kws_TARGET   := cortex-m4
kws_OPTIMIZE := --max-arena 64K --no-verify
$(eval $(call tflopt_add_model,kws))

first: main.o
main.o: main.cc $(kws_SOURCE) $(kws_HEADERS)
\t$(CXX) -std=c++17 -I$(kws_FOLDER) -c $< -o $@
"""


@dataclass(frozen=True)
class Project:
    """A folder with a Makefile and a tflopt of its own."""

    folder: Path

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "tool")}
        environment.pop("MAKEFLAGS", None)
        command = ["make", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True
        )

    def ran(self, *arguments: str) -> bool:
        """Whether tflopt and the compiler ran; both or none."""
        done = self.make(*arguments)
        assert done.returncode == 0, done.stderr
        assert ("tflopt emit" in done.stdout) is ("-c main.cc" in done.stdout)
        return "tflopt emit" in done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(ROOT / "tflopt", tmp_path / "tool" / "tflopt")
    shutil.copy(TESTDATA / "ds_cnn.tflite", tmp_path / "kws.tflite")
    (tmp_path / "Makefile").write_text(MAKEFILE.format(python=sys.executable))
    (tmp_path / "main.cc").write_text(
        '#include "kws_data.h"\n#include "kws_info.h"\nunsigned char arena[KWS_ARENA_BYTES];\n'
    )
    return Project(tmp_path)


def test_only_what_changed_is_made_again(project: Project) -> None:
    assert project.ran()
    built = project.folder / "build" / "tflopt" / "kws"
    assert "on cortex-m4, CMSIS-NN" in (built / "kws_info.h").read_text()
    assert (built / "kws.json").exists()
    assert not project.ran()
    (project.folder / "kws.tflite").touch()
    assert project.ran()
    assert not project.ran()
    (project.folder / "tool" / "tflopt" / "budget.py").touch()
    assert project.ran()
    other = "kws_EMIT=--section .model"
    assert project.ran(other)
    assert 'section(".model")' in (built / "kws_data.cc").read_text()
    assert not project.ran(other)


@pytest.mark.parametrize(
    ("emit", "source"),
    [("", "kws_data.cc"), ("--language c", "kws_data.c"), ("-q --incbin", "kws_data.S")],
)
def test_the_source_follows_the_options(emit: str, source: str, project: Project) -> None:
    with (project.folder / "Makefile").open("a") as file:
        file.write("print:\n\t@echo $(kws_SOURCE)\n")
    done = project.make("print", f"kws_EMIT={emit}")
    assert done.stdout == f"build/tflopt/kws/{source}\n"


def test_a_budget_stops_the_build(project: Project) -> None:
    done = project.make("kws_OPTIMIZE=--max-flash 1K --no-verify")
    assert done.returncode == 2
    assert "more than the limit of 1,024" in done.stderr
    assert not list(project.folder.rglob("kws_data.*"))


@pytest.mark.parametrize(
    ("argument", "message"),
    [("kws_MODEL=", "kws_MODEL is missing"), ("kws_MODEL=no.tflite", "No rule to make target")],
)
def test_mistakes(argument: str, message: str, project: Project) -> None:
    done = project.make(argument)
    assert done.returncode == 2
    assert message in done.stderr
