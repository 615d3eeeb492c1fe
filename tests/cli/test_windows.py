"""Every command that needs no runtime works without the names that only POSIX has."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.unit
SMALL = ROOT / "testdata" / "models" / "conv1d_pairs.tflite"
COMMANDS = (
    "--version",
    "optimize m.tflite --no-verify",
    "optimize m.tflite n.tflite --dir . --jobs 2 --no-verify",
    "inspect m.tflite --memory",
    "emit m.tflite --dir sources",
    "report m.tflite m.opt.tflite --no-verify --output r.html",
    "diff m.tflite m.opt.tflite",
    "bench m.tflite --runner predicted",
    "check c.toml",
    "passes",
    "targets",
    "cmake-dir",
)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.support.windows_names", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("windows")
    for name in ("m", "n", "m.opt"):
        shutil.copy(SMALL, where / f"{name}.tflite")
    (where / "c.toml").write_text('[[model]]\npath = "m.tflite"\nverify = false\n')
    return where


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_work(folder: Path, command: str) -> None:
    ran = run(folder, *command.split())
    assert ran.returncode == 0, ran.stderr


def test_verification_says_what_to_do_where_no_package_exists(folder: Path) -> None:
    ran = run(folder, "validate", "m.tflite", "n.tflite")
    assert ran.returncode == 4
    assert "there is no package for Windows" in ran.stderr
    assert "--no-verify" in ran.stderr


def test_the_names_are_gone(folder: Path) -> None:
    code = (
        "from tests.support.windows_names import hide; hide()\n"
        "import os, signal, importlib.util\n"
        "assert not hasattr(signal, 'SIGHUP') and not hasattr(os, 'killpg')\n"
        "assert importlib.util.find_spec('resource') is None\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
