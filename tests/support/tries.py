"""Whether TFLM runs models, each in a forked process: ``python -m tests.support.tries FOLDER``.

Prints a letter for each file of the folder, sorted by name: K it runs, I it allocates but Invoke
fails, P AllocateTensors fails, A the process dies.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ARENA_BYTES = 1 << 20


TRY = (sys.executable, "-m", "tests.support.tries")


def try_models(models: Sequence[bytes], folder: Path, program: Sequence[str] = TRY) -> str:
    """A letter for each model; another program is a build of another TFLM that does the same."""
    for number, data in enumerate(models):
        (folder / f"{number:06}.tflite").write_bytes(data)
    command = [*program, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _try(data: bytes) -> str:
    from tflite_micro.python.tflite_micro import runtime

    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        state = b"P"
        try:
            interpreter = runtime.Interpreter.from_bytes(data, arena_size=ARENA_BYTES)
            state = b"I"
            interpreter.invoke()
            state = b"K"
        finally:
            os.write(write, state)
            os._exit(0)
    os.close(write)
    state = os.read(read, 1)
    os.close(read)
    os.waitpid(child, 0)
    return state.decode() or "A"


if __name__ == "__main__":
    files = sorted(Path(sys.argv[1]).iterdir())
    sys.stdout.write("".join(_try(file.read_bytes()) for file in files))
