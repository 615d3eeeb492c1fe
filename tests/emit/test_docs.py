"""The examples in the documentation of emit, CMake and CI run as they stand there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT, TESTDATA, needs_tflm
from tflopt.gate import read_config

pytestmark = pytest.mark.runtime
DS = TESTDATA / "ds_cnn.tflite"


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / "docs" / document).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "models" / "vision").mkdir(parents=True)
    for name in ("kws.tflite", "vision/a.tflite", "vision/b.tflite"):
        shutil.copy(DS, tmp_path / "models" / name)
    (text,) = blocks("ci.md", "toml")
    (tmp_path / "tflopt.toml").write_text(text)
    found = read_config(tmp_path / "tflopt.toml")
    assert [str(entry.settings.device.target) for entry in found] == ["cortex-m55"] + [
        "cortex-m4"
    ] * 2
    assert found[0].settings.max_flash_bytes == 300 << 10


@needs_tflm
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_makefile(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    shutil.copy(DS, tmp_path / "models" / "kws.tflite")
    (text,) = blocks("cmake.md", "make")
    text = text.replace("shell tflopt", "shell $(TFLOPT)")
    (tmp_path / "Makefile").write_text(f"TFLOPT := {sys.executable} -m tflopt\n{text}")
    said = []
    for _ in range(2):
        done = subprocess.run(["make"], cwd=tmp_path, capture_output=True, text=True, check=True)
        said.append(done.stdout)
    assert (tmp_path / "kws.o").exists()
    assert "up to date" in said[1]


@pytest.mark.parametrize("document", ["ci.md", "emit.md", "python.md"])
def test_the_python(document: str, tmp_path: Path) -> None:
    for name in ("old.tflite", "new.tflite", "kws.opt.tflite", "model.tflite"):
        shutil.copy(DS, tmp_path / name)
    (tmp_path / "tflopt.toml").write_text('verify = false\n[[model]]\npath = "old.tflite"\n')
    codes = [code for code in blocks(document, "python") if "nox" not in code]
    assert codes
    for code in codes:
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
