"""The help of every command at 80 columns: ``python -m tests.support.help_files`` writes it."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.paths import ROOT
from tflopt.cli.commands import PLACES

FOLDER = ROOT / "tests" / "cli" / "help"
NAMES = ("tflopt", *PLACES)
WIDTH = 80


def printed(name: str) -> str:
    """What ``--help`` prints of a command; of all with the name ``tflopt``."""
    command = [] if name == "tflopt" else [name]
    done = subprocess.run(
        [sys.executable, "-m", "tflopt", *command, "--help"],
        env={**os.environ, "COLUMNS": str(WIDTH), "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return done.stdout


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in NAMES:
        (FOLDER / f"{each}.txt").write_text(printed(each), encoding="utf-8")
