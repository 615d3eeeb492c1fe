"""Prints, as JSON, what Python's audit events say of commands: ``python -m tests.support.audited``.

First everything runs once with one model, so that imports and the page's template are done; then
again with another one while the events are kept.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.support.paths import TESTDATA
from tflopt.cli.main import run
from tflopt.config import Config
from tflopt.emit import NamedModel, emit_files
from tflopt.io import read_bytes
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.report.html.page import html_report
from tflopt.report.json_report import dumps, report
from tflopt.report.markdown import markdown_report
from tflopt.report.memory_map import maps_svg
from tflopt.target.memory import PlanRequest

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CODE = ("exec", "compile", "code.__new__", "marshal.loads", "pickle.find_class", "import")
NETWORK = (
    "socket.",
    "urllib.",
    "http.",
    "ftplib.",
    "smtplib.",
    "imaplib.",
    "poplib.",
    "telnetlib.",
)
PROCESSES = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn")
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.symlink")
COMMANDS = (
    "inspect in.tflite --memory --scratch --hazards --kernels",
    "inspect in.tflite --json",
    "optimize in.tflite -q -o out/m.tflite --report out/r.json --html out/r.html --annotate file",
    "validate in.tflite out/m.tflite --samples 2",
    "report in.tflite out/m.tflite -o out/p.html --svg out/m.svg --samples 2",
    "emit out/m.tflite -q -d out --main",
    "diff in.tflite out/m.tflite",
    "check c.toml -q --junit out/j.xml --markdown out/t.md",
)


class Ledger:
    """The events while it is open."""

    def __init__(self) -> None:
        self.open = False
        self.found: list[tuple[str, str]] = []
        sys.addaudithook(self.note)

    def note(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.open:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, (str, bytes)) and isinstance(flags, int) and flags & WRITING:
                self.found.append(("write", os.fsdecode(path)))
        elif event in CODE or event in CHANGES or event.startswith((*NETWORK, *PROCESSES)):
            first = arguments[1] if event == "subprocess.Popen" else arguments[:1]
            self.found.append((event, json.dumps(first, default=str)))

    def of(self, work: Callable[[], None]) -> list[tuple[str, str]]:
        """What happens during ``work``."""
        self.found, self.open = [], True
        try:
            work()
        finally:
            self.open = False
        return self.found


def library(name: str) -> None:
    """A model through everything that looks into it, without the command line around it."""
    data = (TESTDATA / f"{name}.tflite").read_bytes()
    settings = Settings(config=Config(plan=PlanRequest()), samples=None)
    result = optimize_file_bytes(read_bytes(data), data, settings)
    plain = report(result, settings, "in", "out")
    for text in (html_report, markdown_report, maps_svg, dumps):
        text(plain)
    emit_files([NamedModel("m", read_bytes(result.data), result.data)])


def commands(name: str) -> None:
    """A model through all commands, in the current folder."""
    Path("in.tflite").write_bytes((TESTDATA / f"{name}.tflite").read_bytes())
    Path("c.toml").write_text("samples = 2\n[[model]]\npath = 'in.tflite'\n")
    Path("out").mkdir(exist_ok=True)
    for line in COMMANDS:
        sys.argv = ["tflopt", *line.split()]
        try:
            run()
        except SystemExit as end:
            assert not end.code, f"{line}: {end.code}"


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp(dir=sys.argv[1]))
    sys.stdout, printed = Path(os.devnull).open("w"), sys.stdout  # noqa: SIM115
    ledger = Ledger()
    library("conv1d_pairs")
    within = ledger.of(lambda: library("squeeze_excite"))
    commands("conv1d_pairs")
    around = ledger.of(lambda: commands("squeeze_excite"))
    printed.write(json.dumps({"library": within, "commands": around}))
