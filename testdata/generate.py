"""Generate the test models of this folder; see README.md for the two environments.

``python testdata/generate.py [NAME...]`` makes the named models, or all that the environment can.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import multiprocessing
import os
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from generator.registry import MODELS, Entry, find

ROOT = Path(__file__).resolve().parent
SUMS = ROOT / "SHA256SUMS"
# Each of them changes the order of float additions, hence calibration, hence the bytes.
FIXED = {"TF_ENABLE_ONEDNN_OPTS": "0", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def main() -> None:
    """Generate, check and write the requested models, then refresh the checksums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="models to make; default: all")
    parser.add_argument("--output", type=Path, default=ROOT, help="folder to write to")
    arguments = parser.parse_args()
    entries = [find(name) for name in arguments.names] or available()
    os.environ.update(FIXED)
    for folder in {entry.folder for entry in entries}:
        (arguments.output / folder).mkdir(parents=True, exist_ok=True)
    failures = sum(say(in_own_process(entry.name, arguments.output)) for entry in entries)
    if arguments.output == ROOT:
        write_atomically(SUMS, checksums(ROOT).encode())
    sys.exit(1 if failures else 0)


def available() -> list[Entry]:
    """The models whose environment is the running one."""
    return [entry for entry in MODELS if importlib.util.find_spec(entry.environment.package)]


def say(outcome: tuple[bool, str]) -> bool:
    """Show one line; return whether it reports a failure."""
    failed, line = outcome
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    return failed


def in_own_process(name: str, folder: Path) -> tuple[bool, str]:
    """Run ``make`` in a fresh process: Keras and MLIR number names per process, and may crash."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        try:
            return executor.submit(make, name, folder).result()
        except BrokenProcessPool:
            return True, f"{name}: FAILED, the process crashed"


def make(name: str, folder: Path) -> tuple[bool, str]:
    """Build and check one model; return whether that failed and a line for the user."""
    try:
        entry = find(name)
        data = entry.builder()()
        summary = _alive(entry, data)
    except Exception:  # the other models are still worth making
        return True, f"{name}: FAILED\n{traceback.format_exc()}"
    write_atomically(folder / entry.folder / f"{name}.tflite", data)
    return False, f"{name}: {len(data)} bytes, {summary}"


def _alive(entry: Entry, data: bytes) -> str:
    """What its outputs show; a model that a kernel is known to fail on is not run."""
    if entry.folder == "hazards":
        return "not run"
    return str(importlib.import_module("generator.liveness").check_alive(data))


def checksums(folder: Path) -> str:
    """The text of SHA256SUMS, as ``sha256sum -c`` reads it from the folder testdata."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n"
        for path in sorted(folder.glob("*/*.tflite"))
    ]
    return "".join(lines)


def write_atomically(path: Path, data: bytes) -> None:
    """Never leave half a file behind: others read this folder while it is being filled."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(data)
    temporary.replace(path)


if __name__ == "__main__":
    main()
