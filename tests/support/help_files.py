"""The help of every command at 80 columns: ``python -m tests.support.help_files`` writes it."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache

from tests.support.paths import ROOT
from tflopt.cli.commands import PLACES

FOLDER = ROOT / "tests" / "cli" / "help"
NAMES = ("tflopt", *PLACES)
WIDTH = 80
END = "\0"
ALL = f"""
import sys
from tflopt.cli.main import app
for name in sys.argv[1:]:
    path = [] if name == "tflopt" else [name]
    app([*path, "--help"], prog_name="tflopt", standalone_mode=False)
    print(end={END!r})
"""


def printed(name: str) -> str:
    """What ``--help`` prints of a command; of all with the name ``tflopt``."""
    return _printed()[name]


@cache
def _printed() -> dict[str, str]:
    """All of them by one process, where nothing has set a width or colours yet."""
    done = subprocess.run(
        [sys.executable, "-c", ALL, *NAMES],
        env={**os.environ, "COLUMNS": str(WIDTH), "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return dict(zip(NAMES, done.stdout.split(END)[:-1], strict=True))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in NAMES:
        (FOLDER / f"{each}.txt").write_text(printed(each), encoding="utf-8")
