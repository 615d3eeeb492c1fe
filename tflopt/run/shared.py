"""Servers that fork a process for each job, shared by the runs of one verification.

A runtime takes as long to import as a small model takes to run a thousand times, and one
verification has nine runs. Where a process can't be forked safely, each run starts its own.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from tflopt.errors import RunnerError
from tflopt.run.process import LOG, Child, kill_group

SERVER = Path(__file__).with_name("server.py").resolve()
CAN_FORK = sys.platform == "linux" and hasattr(os, "fork")
"""On macOS a forked process must not use the system's libraries, which LiteRT does."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""NumPy starts threads as it is imported, which no run has use for."""
PIPE_BYTES = 1 << 16
END_LIMIT_S = 10.0


class Server:
    """A process that has imported a runtime; its jobs are named by their folders."""

    def __init__(self, runtime: str) -> None:
        self.ended: dict[str, int] = {}
        self._rest = b""
        self.process = subprocess.Popen(
            [sys.executable, str(SERVER), runtime],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **ONE_THREAD},
            start_new_session=True,
            bufsize=0,
        )

    def tell(self, verb: str, folder: Path) -> None:
        """Have a job run or end. A server that died is noticed in :meth:`wait`."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.write(json.dumps([verb, str(folder)]).encode() + b"\n")

    def wait(self, folder: Path, time_limit_s: float) -> int | None:
        """The exit code of a job, negative for a signal; None where it takes longer."""
        assert self.process.stdout is not None
        limit = time.monotonic() + time_limit_s
        while str(folder) not in self.ended:
            left = limit - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            data = os.read(self.process.stdout.fileno(), PIPE_BYTES)
            if not data:
                return self.process.wait() or 1
            *lines, self._rest = (self._rest + data).split(b"\n")
            self.ended.update(json.loads(line) for line in lines)
        return self.ended[str(folder)]

    def close(self) -> None:
        """End it and all that it runs."""
        with suppress(ProcessLookupError, PermissionError):
            kill_group(self.process)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


class Servers:
    """A server for each runtime, started when it is first needed."""

    def __init__(self) -> None:
        self._running: dict[str, Server] = {}

    def of(self, runtime: str) -> Server:
        """The server of a runtime; a new one where it died.

        Raises:
            RunnerError: it can't be started.
        """
        server = self._running.get(runtime)
        if server is not None and server.process.poll() is not None:
            server.close()
            server = None
        if server is None:
            try:
                server = self._running[runtime] = Server(runtime)
            except OSError as error:
                raise RunnerError(runtime, f"can't be started: {error}") from None
        return server

    def close(self) -> None:
        """End all of them."""
        for server in self._running.values():
            server.close()


_servers: ContextVar[Servers | None] = ContextVar("servers", default=None)


@contextmanager
def sharing() -> Iterator[None]:
    """Within it runs on the host share servers, which end with it; one within another adds none."""
    if not CAN_FORK or _servers.get() is not None:
        yield
        return
    servers = Servers()
    token = _servers.set(servers)
    try:
        yield
    finally:
        _servers.reset(token)
        servers.close()


class Forked(Child):
    """A job of a server; what it is called and prints is where a child's is."""

    def __init__(self, runner: str, server: Server) -> None:
        super().__init__(runner)
        self.server = server
        self._started = False

    def start(
        self,
        command: Sequence[str | Path] = (),
        *,
        file_bytes: int = 0,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Have the server run what is in the folder."""
        (self.path / LOG).touch()
        self._started = True
        self.server.tell("run", self.path)

    def wait(self, time_limit_s: float) -> int:
        """As of any child."""
        code = self.server.wait(self.path, time_limit_s)
        if code is None:
            self.stop()
            raise self.too_late(time_limit_s)
        return code

    def stop(self) -> None:
        """Kill it, if it still runs, and wait until it is gone."""
        if self._started and str(self.path) not in self.server.ended:
            self.server.tell("end", self.path)
            self.server.wait(self.path, END_LIMIT_S)


def child_for(runner: str, package: str) -> Child:
    """Where a run on the host goes: to the servers that are shared here, or to its own process."""
    servers = _servers.get()
    return Child(runner) if servers is None else Forked(runner, servers.of(package))
