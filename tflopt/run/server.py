"""Imports a runtime once and forks a process for each job: ``python server.py RUNNER``.

Lines on standard input are JSON: ``["run", FOLDER]`` starts the job of a folder, as
:mod:`tflopt.run.worker` describes it, and ``["end", FOLDER]`` kills it. A line ``[FOLDER, CODE]``
on standard output says that a job has ended, with a negative code for a signal. No runtime runs a
model in this process, so that nothing of one job is in the memory of the next, and a crash ends
one job.

However the parent ends, the pipe closes; then all jobs are killed and their folders removed.
"""

from __future__ import annotations

import gc
import json
import os
import select
import shutil
import signal
import sys
import traceback
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).parent
if TYPE_CHECKING:
    from tflopt.run import worker
elif __name__ == "__main__":  # as a file: as a module of the package it needs to find the package
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry) != HERE]
    _spec = spec_from_file_location("worker", HERE / "worker.py")
    worker = module_from_spec(_spec)
    _spec.loader.exec_module(worker)

INPUT, OUTPUT, ERRORS = 0, 1, 2
PIPE_BYTES = 1 << 16


class Server:
    """The jobs at work, by the number of their process."""

    def __init__(self) -> None:
        self.folders: dict[int, str] = {}
        self.replies = os.dup(OUTPUT)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, OUTPUT)  # a runtime that prints must not write replies
        self.wakes, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Until standard input is closed."""
        rest = b""
        while True:
            ready, _, _ = select.select([INPUT, self.wakes], [], [])
            if self.wakes in ready:
                os.read(self.wakes, PIPE_BYTES)
                self._reap()
            if INPUT not in ready:
                continue
            data = os.read(INPUT, PIPE_BYTES)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._obey(*json.loads(line))

    def _obey(self, verb: str, folder: str) -> None:
        if verb == "run":
            number = os.fork()
            if number == 0:
                _run(Path(folder))
            self.folders[number] = folder
            return
        for number, known_folder in self.folders.items():
            if known_folder == folder:
                os.kill(number, signal.SIGKILL)

    def _reap(self) -> None:
        while self.folders:
            number, status = os.waitpid(-1, os.WNOHANG)
            if number == 0:
                return
            reply = json.dumps([self.folders.pop(number), os.waitstatus_to_exitcode(status)])
            os.write(self.replies, f"{reply}\n".encode())

    def end(self) -> None:
        """Kill all jobs and remove their folders."""
        for number in self.folders:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        for number, folder in self.folders.items():
            os.waitpid(number, 0)
            shutil.rmtree(folder, ignore_errors=True)


def _run(folder: Path) -> None:
    """The forked process: does one job and ends."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), INPUT)
        log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(log, OUTPUT)
        os.dup2(log, ERRORS)
        os.chdir(folder)
        worker.work_in(folder)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Entry point."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    server = Server()
    worker.import_runtime(sys.argv[1])
    gc.freeze()
    try:
        server.serve()
    finally:
        server.end()


if __name__ == "__main__":
    main()
