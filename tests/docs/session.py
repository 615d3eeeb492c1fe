"""Runs the blocks of one page in order, in one folder, and compares what they print."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.docs.blocks import Block
from tests.docs.renew import renew, renewed
from tests.support.cli import Cli
from tests.support.paths import ROOT, SHARED, TESTDATA
from tests.support.waiting import HANG_S

SHELL = re.compile(r"[|&;<>*$`]")
CODE = "echo $?"


@dataclass(frozen=True)
class Step:
    """A command of a console block, and what the page shows of its output."""

    command: str
    shown: list[str]


def steps(block: Block) -> Iterator[Step]:
    """The commands of a block: what follows ``$``, over several lines with a backslash."""
    lines = block.text.splitlines()
    while lines:
        first = lines.pop(0)
        assert first.startswith("$ "), f"{block.place}: {first!r} is not a command"
        command = first[2:]
        while command.endswith("\\"):
            command = command[:-1] + lines.pop(0).lstrip()
        shown = []
        while lines and not lines[0].startswith("$ "):
            shown.append(lines.pop(0))
        yield Step(command, shown)


def matches(shown: list[str], printed: str) -> bool:
    """Whether the page shows what was printed.

    A line ``...`` stands for any lines, ``...`` in a line for anything, and it doesn't matter how
    much white space there is.
    """
    pattern = "".join(
        r"(?:.*\n)*" if line.strip() == "..." else f"{_line(line)}\\n"
        for line in shown
        if line.strip()
    )
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines if line)) is not None


def _line(line: str) -> str:
    parts = " ".join(line.split()).split("...")
    return ".*".join(re.escape(part) for part in parts)


@dataclass
class Session:
    """The state that the blocks of a page share: the folder, and Python's names."""

    folder: Path
    cli: Cli
    renews: bool = False
    """Whether numbers that changed are written to the page."""
    names: dict[str, object] = field(default_factory=dict)
    printed: str = ""
    code: int = 0

    def take(self, block: Block) -> None:
        """Run a block, or write it, or compare it."""
        if "models" in block.marks:
            self._copy(block.marks["models"])
        if "file" in block.marks:
            path = self.folder / block.marks["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        if "output" in block.marks:
            self._compare(block, "the Python block before", block.text.splitlines())
        if "needs" in block.marks and shutil.which(block.marks["needs"]) is None:
            return
        if block.runs and block.language == "python":
            self._python(block)
        elif block.runs:
            self._console(block)

    def _copy(self, models: str) -> None:
        for entry in models.split(","):
            name, _, stem = (part.strip() for part in entry.partition("="))
            shared = stem.startswith("shared/")
            path = (SHARED.parent / "models" if shared else TESTDATA) / (
                f"{stem.removeprefix('shared/')}.tflite"
            )
            if shared and not path.exists():
                pytest.skip(f"{path.name} is not here")
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)

    def _python(self, block: Block) -> None:
        out = io.StringIO()
        code = compile("\n" * block.line + block.text, str(block.page), "exec")
        self.names.setdefault("__name__", "docs")
        with redirect_stdout(out):
            exec(code, self.names)
        self.printed = out.getvalue()

    def _console(self, block: Block) -> None:
        for step in steps(block):
            if step.command == CODE:
                self.printed, self.code = f"{self.code}\n", 0
            else:
                assert self.code == 0, f"{block.place}: exit code {self.code}\n{self.printed}"
                self._run(step.command)
            if step.shown:
                self._compare(block, step.command, step.shown)
        assert self.code == 0, f"{block.place}: exit code {self.code}\n{self.printed}"

    def _run(self, command: str) -> None:
        words = shlex.split(command, comments=True)
        if words[0] == "tflopt" and not SHELL.search(command):
            ran = self.cli(*words[1:])
            self.printed, self.code = ran.out + ran.err, ran.code
            return
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=HANG_S,
            check=False,
        )
        self.printed, self.code = done.stdout, done.returncode

    def _compare(self, block: Block, what: str, shown: list[str]) -> None:
        if self.renews and not matches(shown, self.printed):
            fresh = renewed(shown, self.printed)
            renew(block.page, shown, fresh)
            shown = fresh
        assert matches(shown, self.printed), (
            f"{block.place}: {what} printed\n{self.printed}\nand the page shows\n"
            + "\n".join(shown)
        )
