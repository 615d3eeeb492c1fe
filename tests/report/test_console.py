"""The summary on a terminal and in a pipe: its length, its line breaks, its colours."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT, SHARED, TESTDATA

pytestmark = pytest.mark.unit
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:\d+;)*[34][0-7]m")
MODELS = [TESTDATA / "torch_tcn.tflite", TESTDATA / "conv1d_stride2.tflite"]
LARGE = [SHARED / "vww_96_int8.tflite", SHARED / "mobilenet_v2_pytorch.tflite"]
SUMMARY_LINES = 30


def command(model: Path, *options: str) -> list[str]:
    output = ["-o", "out.tflite", "--no-verify"]
    return [sys.executable, "-m", "tflopt", "optimize", str(model), *output, *options]


def environment(**variables: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **variables}


def on_terminal(arguments: list[str], folder: Path, **variables: str) -> str:
    """What a terminal of 80 columns receives."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        arguments, stdout=theirs, cwd=folder, env=environment(COLUMNS="80", **variables)
    )
    os.close(theirs)
    received = b""
    try:
        while chunk := os.read(ours, 65536):
            received += chunk
    except OSError:
        pass  # Linux reports the end of a terminal so
    os.close(ours)
    assert child.wait() == 0
    return received.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("model", [*MODELS, *LARGE], ids=lambda path: path.stem)
def test_thirty_lines_of_eighty_columns(model: Path, tmp_path: Path) -> None:
    if not model.exists():
        pytest.skip(f"{model.name} is missing")
    path, *lines = ESCAPE.sub("", on_terminal(command(model), tmp_path)).splitlines()
    assert len(lines) + 1 <= SUMMARY_LINES
    assert path.startswith(str(model))
    assert max(map(len, lines)) <= 80
    assert lines[-1].startswith("wrote ")


def test_lines_break_between_words(tmp_path: Path) -> None:
    arguments = command(TESTDATA / "two_signatures.tflite", "--explain")
    shown = ESCAPE.sub("", on_terminal(arguments, tmp_path))
    piped = subprocess.run(
        arguments, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment()
    ).stdout
    note = next(line for line in piped.splitlines() if line.startswith("note: "))
    assert note.endswith("split the model into a file for each.")
    assert note in " ".join(shown.split())
    assert max(map(len, shown.splitlines()[1:])) <= 80
    assert "\x1b" not in piped


def test_colour_only_where_it_is_wanted(tmp_path: Path) -> None:
    arguments = command(MODELS[1])
    assert COLOUR.search(on_terminal(arguments, tmp_path))
    assert not COLOUR.search(on_terminal(arguments, tmp_path, NO_COLOR="1"))
