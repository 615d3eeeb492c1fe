"""Ends the writing of two files at every Nth step: ``python -m tests.support.killed FOLDER N``.

A step is one bytecode instruction of tflopt/io/writing/output.py, in a process of its own. Prints,
as JSON, for each signal how many steps there were, after how many both files were new, and what was
wrong after any of them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from tflopt.io.writing import output

OLD = {"a.bin": b"old a", "b.bin": None}
NEW = {"a.bin": b"new a" * 3, "b.bin": b"new b"}
UNENDED = 99
State = dict[str, "bytes | None"]
Trace = Callable[[FrameType, str, object], "Trace | None"]


def write(folder: Path) -> None:
    """What is interrupted."""
    output.write_all({folder / name: [data[:3], data[3:]] for name, data in NEW.items()})


def ended_at(step: int, number: int, folder: Path) -> int:
    """The wait status of a process that gets a signal at a step of the writing."""
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    left = step

    def trace(frame: FrameType, event: str, _: object) -> Trace | None:
        nonlocal left
        if frame.f_code.co_filename != output.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), number)
        return trace

    try:
        os.fsync = lambda fd: None  # speed: no power fails here
        if number not in (signal.SIGKILL, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)  # nohup leaves SIGHUP ignored
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.settrace(trace)
        write(folder)
        sys.settrace(None)
        os._exit(0 if left <= 0 else UNENDED)
    except KeyboardInterrupt:
        os._exit(1)


def state(folder: Path) -> State:
    """The two files, None where one is absent."""
    return {
        name: (folder / name).read_bytes() if (folder / name).exists() else None for name in OLD
    }


def flaws(folder: Path, number: int) -> list[str]:
    """What is wrong with the folder after an end by a signal."""
    now, found = state(folder), []
    whole = [now[name] in (OLD[name], NEW[name]) for name in OLD]
    if not all(whole):
        found.append(f"neither old nor new: {now}")
    if now["b.bin"] == NEW["b.bin"] and now["a.bin"] != NEW["a.bin"]:
        found.append("renamed out of order")
    rest = sorted(path.name for path in folder.iterdir() if path.name not in OLD)
    parts = [name for name in rest if name.startswith(".tflopt-") and name.endswith(".part")]
    if rest and (number != signal.SIGKILL or rest != parts):
        found.append(f"left behind: {rest}")
    if number != signal.SIGKILL and now not in (OLD, NEW):
        found.append("one of two")
    return found


@dataclass(frozen=True)
class Sweep:
    steps: int
    changed: int
    wrong: list[str]


def sweep(folder: Path, number: int, stride: int) -> Sweep:
    """The steps of one signal, each time another first one."""
    wrong, step, changed, tried = [], 1, 0, 0
    while True:
        for path in folder.iterdir():
            path.unlink()
        (folder / "a.bin").write_bytes(b"old a")
        status = ended_at(step, number, folder)
        wrong += [f"step {step}: {flaw}" for flaw in flaws(folder, number)]
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == UNENDED:
            return Sweep(tried, changed, wrong)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
            wrong.append(f"step {step}: signal {number} had no effect")
        changed += state(folder) == NEW
        tried += 1
        step += stride


if __name__ == "__main__":
    numbers = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    folder, stride = Path(sys.argv[1]), int(sys.argv[2])
    found = {number.name: asdict(sweep(folder, number, stride)) for number in numbers}
    sys.stdout.write(json.dumps(found))
