"""Runs a command that must not outlive its parent: ``python guard.py FOLDER BYTES COMMAND...``.

The parent holds a pipe to our standard input. However the parent ends, the pipe closes; then the
command is killed and FOLDER, its working directory, is removed. No file it writes exceeds BYTES (0:
no limit). Ends as the command did, with its exit code or by its signal. Only the standard
library is imported, and no part of tflopt: this starts in a few milliseconds.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading


def _limit(file_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows sets no limits
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if file_bytes:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        least = file_bytes if hard == resource.RLIM_INFINITY else min(file_bytes, hard)
        resource.setrlimit(resource.RLIMIT_FSIZE, (least, hard))


def _end_with_parent(
    child: subprocess.Popen[bytes], folder: str, abandoned: threading.Event
) -> None:
    while os.read(0, 1):
        pass
    abandoned.set()
    child.kill()
    child.wait()
    shutil.rmtree(folder, ignore_errors=True)
    if hasattr(os, "killpg"):
        os.killpg(os.getpgid(0), signal.SIGKILL)
    os._exit(1)


def main() -> None:
    """Entry point of the guard."""
    folder, file_bytes, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    _limit(file_bytes)
    # Python ignores SIGXFSZ, and a child would inherit that: it must die of it.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=folder, restore_signals=True)
    abandoned = threading.Event()
    watch = threading.Thread(target=_end_with_parent, args=(child, folder, abandoned), daemon=True)
    watch.start()
    code = child.wait()
    if abandoned.is_set():
        watch.join()
    if code >= 0:
        os._exit(code)
    number = signal.Signals(-code)  # negative codes are signals, which Windows has not
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


if __name__ == "__main__":
    main()
