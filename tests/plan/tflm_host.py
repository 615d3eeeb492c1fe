"""The tflite-micro Python package as an oracle: what its recording allocator reports.

It runs in a child process, because TFLM aborts the process on some models.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

_CHILD = """
import sys
from tflite_micro.python.tflite_micro import runtime
arena, first = int(sys.argv[1]), True
for path in sys.argv[2:]:
    print("model", path, file=sys.stderr, flush=True)
    try:
        interpreter = runtime.Interpreter.from_file(path, arena_size=arena)
    except Exception as error:
        print("failed", error, file=sys.stderr, flush=True)
        continue
    interpreter.print_allocations()
    sys.stderr.flush()
"""

_INVOKE = """
import sys, zlib
import numpy as np
from tflite_micro.python.tflite_micro import runtime
for path in sys.argv[2:]:
    print("model", path, flush=True)
    rng = np.random.default_rng(int(sys.argv[1]))
    interpreter = runtime.Interpreter.from_file(path, arena_size=1 << 20)
    inputs, outputs = [], []
    for details, found in (("input", inputs), ("output", outputs)):
        while True:
            try:
                found.append(getattr(interpreter, f"get_{details}_details")(len(found)))
            except IndexError:
                break
    for _ in range(3):
        for index, each in enumerate(inputs):
            data = rng.integers(-128, 128, each["shape"], np.int8)
            data.flat[0], data.flat[-1] = -128, 127
            interpreter.set_input(data, index)
        interpreter.invoke()
        print(*(zlib.crc32(interpreter.get_output(i).tobytes()) for i in range(len(outputs))))
"""

_LINE = re.compile(r"Arena allocation (total|head|tail) (\d+) bytes")
_DETAIL = re.compile(r"'(.+)' used (\d+) bytes .*requested (\d+) bytes for (\d+)")

available = importlib.util.find_spec("tflite_micro") is not None
needs_tflm = pytest.mark.skipif(not available, reason="the tflite-micro package is not installed")


@dataclass(frozen=True)
class Recorded:
    """Bytes as recorded; ``log`` is all that was printed."""

    head: int
    tail: int
    total: int
    log: str

    def detail(self, name: str) -> tuple[int, int, int]:
        """(used, requested, count) of one kind of allocation; zeros if nothing was recorded."""
        for label, used, requested, count in _DETAIL.findall(self.log):
            if label == name:
                return int(used), int(requested), int(count)
        return 0, 0, 0


def record(models: Sequence[bytes], arena_bytes: int = 16 << 20) -> list[Recorded | None]:
    """What TFLM allocates for each model; None for one that it fails or aborts on."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index, data in enumerate(models):
            paths.append(str(Path(folder) / f"{index}.tflite"))
            Path(paths[-1]).write_bytes(data)
        found: dict[str, Recorded | None] = {}
        while len(found) < len(paths):
            missing = [path for path in paths if path not in found]
            found.update(_run(missing, arena_bytes))
        return [found[path] for path in paths]


def _run(paths: Sequence[str], arena_bytes: int) -> dict[str, Recorded | None]:
    command = [sys.executable, "-c", _CHILD, str(arena_bytes), *paths]
    log = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False).stderr
    sections = log.split("model ")[1:]
    if not sections:
        raise RuntimeError(log)
    found: dict[str, Recorded | None] = {}
    for section in sections:
        path = section.split("\n", 1)[0]
        sizes = {name: int(value) for name, value in _LINE.findall(section)}
        complete = len(sizes) == 3
        found[path] = Recorded(**sizes, log=section) if complete else None
    return found


def outputs(models: Sequence[bytes], seed: int = 0) -> list[str]:
    """Checksums of all outputs of each int8 model over three invocations with random inputs."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index, data in enumerate(models):
            paths.append(str(Path(folder) / f"{index}.tflite"))
            Path(paths[-1]).write_bytes(data)
        command = [sys.executable, "-c", _INVOKE, str(seed), *paths]
        log = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [section.split("\n", 1)[1] for section in log.split("model ")[1:]]
