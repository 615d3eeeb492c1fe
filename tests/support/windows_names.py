"""Runs a command as on Windows: without the names that only POSIX has, and without runners.

``python -m tests.support.windows_names COMMAND...`` is ``tflopt COMMAND`` there, for each in turn,
and prints how each ended as JSON. Python on Windows has neither the modules nor the attributes that
are hidden here; the runtimes publish no package for it.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib.machinery import ModuleSpec
from io import StringIO
from traceback import format_exc
from types import ModuleType
from typing import Protocol

MODULES = ("resource", "fcntl", "termios", "pwd", "grp", "tflite_micro", "ai_edge_litert")
SIGNALS = ("SIGHUP", "SIGKILL", "SIGXFSZ", "SIGSTOP", "SIGALRM", "SIGUSR1")
SIGNAL_CALLS = ("pthread_sigmask", "pthread_kill", "alarm", "sigwait")
CALLS = ("killpg", "getpgid", "setsid", "fork", "getuid", "geteuid", "mkfifo", "nice")


class Finder(Protocol):
    """What ``sys.meta_path`` holds."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """The module's place, or None."""


class Without:
    """A finder that finds what another does, but for the hidden modules."""

    def __init__(self, finder: Finder) -> None:
        self.finder = finder

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None for a hidden module."""
        if name.split(".")[0] in MODULES:
            return None
        return self.finder.find_spec(name, path, target)


def hide() -> None:
    """Take away what Windows lacks, before anything of tflopt is imported."""
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
    platform.system = lambda: "Windows"
    for module, names in ((signal, (*SIGNALS, *SIGNAL_CALLS)), (os, CALLS)):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)


def main(commands: Sequence[str]) -> None:
    """Run the commands."""
    import multiprocessing.util  # before fork is gone: it asks for it when imported

    import rich.progress  # older ones import a module of Windows where they believe to be there

    assert multiprocessing.util
    assert rich.progress
    hide()
    from tflopt.cli.main import run

    ends = []
    for command in commands:
        sys.argv = ["tflopt", *command.split()]
        code: object = 0
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()) as errors:
            try:
                run()
            except SystemExit as end:
                code = end.code or 0
            except BaseException:
                code = format_exc()
        ends.append((code, errors.getvalue()))
    json.dump(ends, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
