"""Every command that needs no runtime works without the names that only POSIX has."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

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
VERIFIES = "validate m.tflite n.tflite"


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[object, str]]:
    """Exit code and standard error of each command, all of one process."""
    where = tmp_path_factory.mktemp("windows")
    for name in ("m", "n", "m.opt"):
        shutil.copy(SMALL, where / f"{name}.tflite")
    (where / "c.toml").write_text('[[model]]\npath = "m.tflite"\nverify = false\n')
    commands = (*COMMANDS, VERIFIES)
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.windows_names", *commands],
        cwd=where,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(commands, map(tuple, json.loads(done.stdout)), strict=True))


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_work(ended: dict[str, tuple[object, str]], command: str) -> None:
    code, errors = ended[command]
    assert code == 0, errors


def test_verification_says_what_to_do_where_no_package_exists(
    ended: dict[str, tuple[object, str]],
) -> None:
    code, errors = ended[VERIFIES]
    assert code == 4
    assert "there is no package for Windows" in errors
    assert "--no-verify" in errors


def test_the_names_are_gone() -> None:
    code = (
        "from tests.support.windows_names import hide; hide()\n"
        "import os, signal, importlib.util\n"
        "assert not hasattr(signal, 'SIGHUP') and not hasattr(os, 'killpg')\n"
        "assert importlib.util.find_spec('resource') is None\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
