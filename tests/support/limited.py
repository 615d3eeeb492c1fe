"""Commands in processes with limits that the system enforces, forked from one with all imports.

``python -m tests.support.limited MIB SECONDS`` reads lines of JSON, ``[FOLDER, ARGUMENT...]``, runs
``tflopt ARGUMENT...`` for each, with its output in files of the folder, and prints the exit code.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from tests.support.paths import ROOT

OUT, ERR = "stdout", "stderr"


class Limited(AbstractContextManager["Limited"]):
    """The parent of all commands, which starts when the first is run."""

    def __init__(self, mebibytes: int, seconds: int) -> None:
        self.command = [sys.executable, "-m", "tests.support.limited", str(mebibytes), str(seconds)]
        self.process: subprocess.Popen[str] | None = None

    def run(self, folder: Path, *arguments: object) -> tuple[int, str]:
        """Exit code and standard error of a command; negative for a signal."""
        process = self.process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([str(folder), *map(str, arguments)]) + "\n")
        process.stdin.flush()
        return int(process.stdout.readline()), (folder / ERR).read_text()

    def _start(self) -> subprocess.Popen[str]:
        # OpenBLAS reserves address space for each of its threads.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True
        )
        return self.process

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.communicate()


def _child(folder: Path, arguments: Sequence[str], mebibytes: int, seconds: int) -> None:
    import resource

    from tflopt.cli.main import run

    for number, name in ((1, OUT), (2, ERR)):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20, mebibytes << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    sys.argv = ["tflopt", *arguments]
    code: object = 0
    try:
        run()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


def main(mebibytes: int, seconds: int) -> None:
    """Serve until standard input is closed."""
    from tflopt.cli.commands import load_command
    from tflopt.report import console_summary
    from tflopt.rules import registry

    load_command("optimize")
    load_command("inspect")
    assert console_summary
    assert registry
    left = max(1, seconds - math.ceil(time.process_time()))  # the imports count
    for line in sys.stdin:
        folder, *arguments = json.loads(line)
        number = os.fork()
        if number == 0:
            _child(Path(folder), arguments, mebibytes, left)
        _, status = os.waitpid(number, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
