"""``-``: a model from standard input, and one to standard output; ``bench`` without a library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.broken import small_model
from tests.support.cli import Cli
from tests.support.paths import ROOT

pytestmark = pytest.mark.unit


def piped(given: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tflopt", *arguments],
        input=given,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_a_model_goes_through_a_pipe(cli: Cli, small: Path) -> None:
    assert cli("optimize", small, "--no-verify", "-o", "file.tflite", "-q").code == 0
    done = piped(small_model(), "optimize", "-", "-o", "-", "--no-verify")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (small.parent / "file.tflite").read_bytes()
    assert done.stderr.startswith(b"standard input  for ")
    assert b"\nwrote to standard output, " in done.stderr
    quiet = piped(small_model(), "optimize", "-", "-o", "-", "--no-verify", "-q")
    assert (quiet.stdout, quiet.stderr) == (done.stdout, b"")


def test_other_commands_read_standard_input(small: Path) -> None:
    done = piped(small_model(), "inspect", "-", "--json")
    assert json.loads(done.stdout)["model"]["file_bytes"] == len(small_model())


@pytest.mark.parametrize(
    ("given", "arguments", "code", "sentence"),
    [
        (b"", ("optimize", "-"), 2, "a model from standard input needs --output"),
        (b"no model", ("optimize", "-", "-o", "-"), 3, "standard input: "),
        (b"", ("view", "-"), 2, "needs --output"),
        (
            small_model(),
            ("optimize", "-", "-o", "-", "--report", "-", "--no-verify"),
            2,
            "the model goes to standard output",
        ),
    ],
)
def test_what_can_not_be_is_said(
    given: bytes, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    given = given or small_model()
    done = piped(given, *arguments)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr.decode()
    assert done.stdout == b""


def test_bench_predicts_where_no_library_is_named(
    cli: Cli, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TFLOPT_TFLM_LIB_CORTEX_M55", raising=False)
    ran = cli("bench", small)
    assert (ran.code, ran.err) == (0, "")
    assert "--tflm-lib DIR, your TFLM build, measures it on QEMU" in ran.out
    explicit = cli("bench", small, "--runner", "predicted")
    assert "--tflm-lib" not in explicit.out
    assert cli("bench", small, "--runner", "qemu").code == 2
