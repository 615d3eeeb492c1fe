"""The recipes of docs/builds.md: what can run here runs, from the page's own text."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.paths import ROOT, TESTDATA

pytestmark = pytest.mark.runtime
PAGE = (ROOT / "docs" / "builds.md").read_text(encoding="utf-8")
MAIN = """#include "kws_data.h"
#include "kws_info.h"
int main() { return kws_data[4] == 'T' && KWS_ARENA_BYTES > 0u ? 0 : 1; }
"""


def recipe(name: str) -> str:
    found = re.search(rf"file: {re.escape(name)} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None, name
    return found[1]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the model, a main program, and a tflopt on the PATH."""
    (tmp_path / "models").mkdir()
    shutil.copy(TESTDATA / "ds_cnn.tflite", tmp_path / "models" / "kws.tflite")
    (tmp_path / "main.cc").write_text(MAIN)
    command = tmp_path / "bin" / "tflopt"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m tflopt "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("meson", "ninja", "g++")),
    reason="meson, ninja or g++ is not installed",
)
def test_meson(project: Path) -> None:
    (project / "meson.build").write_text(recipe("meson.build"))
    for command in (["meson", "setup", "build"], ["meson", "compile", "-C", "build"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert subprocess.run([project / "build" / "firmware"], check=False).returncode == 0


class Scons:
    """What the script asks of PlatformIO's environment."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.built, self.paths = folder, list[str](), list[str]()

    def subst(self, text: str) -> str:
        return text.replace("$BUILD_DIR", str(self.folder))

    def Append(self, CPPPATH: list[str]) -> None:
        self.paths += CPPPATH

    def BuildSources(self, _: str, folder: str) -> None:
        self.built.append(folder)


def test_the_script_for_platformio(project: Path) -> None:
    env = Scons(project / "out")
    nothing: Callable[[str], None] = lambda _: None  # noqa: E731
    exec(recipe("models.py"), {"Import": nothing, "env": env})
    assert env.paths == env.built == [str(project / "out" / "models")]
    assert {path.name for path in (project / "out" / "models").iterdir()} == {
        *("kws.opt.tflite", "kws_data.cc", "kws_data.h", "kws_info.h", "kws_ops.h")
    }
