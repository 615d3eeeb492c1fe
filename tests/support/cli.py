"""Runs the command line in this process, as its entry point does."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from tflopt.cli.main import run


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def only_error(self) -> str:
        """The message, after checking that it is one line and nothing else."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("tflopt: error: "), self.err
        assert self.out == ""
        return lines[0].removeprefix("tflopt: error: ")


class Cli:
    """``cli("optimize", path)``."""

    def __init__(self, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.capsys = capsys
        self.patch = patch

    def __call__(self, *arguments: object) -> Ran:
        self.capsys.readouterr()
        self.patch.setattr(sys, "argv", ["tflopt", *map(str, arguments)])
        code: object = 0
        try:
            run()
        except SystemExit as exit_:
            code = exit_.code or 0
        captured = self.capsys.readouterr()
        assert isinstance(code, int)
        assert "Traceback" not in captured.err
        return Ran(code, captured.out, captured.err)
