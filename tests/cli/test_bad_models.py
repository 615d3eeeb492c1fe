"""Broken models through the command line: exit code 3, one line, no file, input untouched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.broken import Broken, broken_models
from tests.support.cli import Cli

pytestmark = pytest.mark.unit
COMMANDS = ("optimize", "inspect", "validate")


@pytest.mark.parametrize("case", broken_models(), ids=lambda case: case.name)
def test_a_broken_model_is_one_clear_line(case: Broken, cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "in.tflite"
    path.write_bytes(case.data)
    for command in COMMANDS:
        extra = [path] if command == "validate" else []
        ran = cli(command, path, *extra)
        assert ran.code == 3
        assert re.search(case.reason, ran.only_error)
        assert "in.tflite" in ran.only_error
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.tflite"]
    assert path.read_bytes() == case.data


def test_a_bad_model_leaves_an_existing_output_alone(cli: Cli, tmp_path: Path) -> None:
    bad, out = tmp_path / "bad.tflite", tmp_path / "out.tflite"
    bad.write_bytes(b"TFL3" * 20)
    out.write_bytes(b"precious")
    assert cli("optimize", bad, "-o", out).code == 3
    assert out.read_bytes() == b"precious"
