"""A child process in a folder of its own, with a time limit, that never outlives the caller."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tflopt.errors import RunnerError

GUARD = Path(__file__).with_name("guard.py")
LOG = "log"
TAIL_BYTES = 1 << 16
GROUP_LIMIT_S = 1.0
HAS_GROUPS = hasattr(os, "killpg")
"""Windows has no process groups that can be ended as one: there the guard ends its command."""
FILE_TOO_LARGE: int | None = getattr(signal, "SIGXFSZ", None)


class Child:
    """A fresh folder, and a command at work in it once :meth:`start` was called.

    The command runs under :mod:`tflopt.run.guard` in a process group of its own, and all of that
    ends with :meth:`close`, with this process, and with the time limit. What it prints goes to a
    file. Use as a context manager.
    """

    def __init__(self, runner: str) -> None:
        self.runner = runner
        self._folder = tempfile.TemporaryDirectory(prefix="tflopt-", ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        self.process: subprocess.Popen[bytes] | None = None
        self._ended = False

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Filling the folder and starting; where that fails, nothing of it stays.

        Raises:
            RunnerError: the system refuses, for example because the disk is full.
        """
        try:
            yield
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                reason = f"can't write to {self.path}: {error.strerror or error}"
                raise RunnerError(self.runner, reason) from error
            raise

    def start(
        self,
        command: Sequence[str | Path],
        *,
        file_bytes: int = 0,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start the command; ``file_bytes`` limits each file that it writes, 0 doesn't.

        Raises:
            RunnerError: it can't be started.
        """
        guard = [sys.executable, "-I", "-S", str(GUARD), str(self.path), str(file_bytes)]
        with (self.path / LOG).open("wb") as log:
            try:
                self.process = subprocess.Popen(
                    [*guard, *map(str, command)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **(variables or {})},
                    start_new_session=True,
                )
            except OSError as error:
                raise RunnerError(self.runner, f"can't be started: {error}") from None

    def wait(self, time_limit_s: float) -> int:
        """The exit code, negative for a signal; nothing of it runs any more afterwards.

        Raises:
            RunnerError: it took too long.
        """
        assert self.process is not None
        try:
            return self.process.wait(time_limit_s)
        except subprocess.TimeoutExpired:
            self.stop()
            raise self.too_late(time_limit_s) from None
        finally:
            self.stop()

    def too_late(self, time_limit_s: float) -> RunnerError:
        """What is raised where it took too long."""
        return RunnerError(
            self.runner, f"no result within {time_limit_s:g} s", log_tail(self.log())
        )

    def log(self) -> str:
        """The end of what it printed."""
        with (self.path / LOG).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            return file.read().decode("utf-8", "replace")

    def how_it_ended(self, code: int) -> str:
        """The exit code in words."""
        if code >= 0:
            return f"its process exited with {code}"
        too_large = " (it wrote too large a file)" if -code == FILE_TOO_LARGE else ""
        return f"its process was ended by signal {-code}{too_large}"

    def stop(self) -> None:
        """End the command and all that it started, if anything of it still runs."""
        if self.process is None or self._ended:
            return
        self._ended = True
        # PermissionError: macOS, for a group that consists of zombies.
        with suppress(ProcessLookupError, PermissionError):
            kill_group(self.process)
            self.process.wait()
            self._wait_for_group()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()

    def _wait_for_group(self) -> None:
        """Until what the guard had started is gone too, or is a zombie that nobody collects.

        Raises:
            ProcessLookupError: it is gone.
        """
        if self.process is None or not HAS_GROUPS:
            return
        limit = time.monotonic() + GROUP_LIMIT_S
        while time.monotonic() < limit:
            os.killpg(self.process.pid, 0)
            time.sleep(0.001)

    def close(self) -> None:
        """End it and drop its files."""
        self.stop()
        self._folder.cleanup()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a guard and what it started, at once.

    Without process groups the guard's pipe is closed: it ends its command, then itself.

    Raises:
        ProcessLookupError, PermissionError: nothing of it runs any more.
    """
    if HAS_GROUPS:
        os.killpg(process.pid, signal.SIGKILL)
    elif process.stdin is not None:
        process.stdin.close()


def log_tail(log: str) -> str:
    """The last two lines of a log that hold something."""
    lines = [line for line in log.strip().splitlines() if line.strip()]
    return " | ".join(lines[-2:])[-300:]
