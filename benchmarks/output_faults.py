"""What is left where writing results is cut short: by signals, and by disks that are full.

    python benchmarks/output_faults.py [--moments 60] [--seed 1] [--only signals|steps|disks]

- steps: the writing itself, ended at each bytecode instruction by each signal.
- signals: whole commands, with verification, ended at random moments.
- disks: results on disks (tmpfs, for root only) of sizes from one page up to enough.

The input must be as it was, each result absent, old or whole, and nothing else left; after SIGKILL
hidden ``.tflopt-*.part`` files may be. Prints a table; exits with 1 where anything was wrong.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for tests/support

from tests.support.killed import sweep  # noqa: E402

PAGE_BYTES, DISKS = 4096, 16
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
MODEL = ROOT / "testdata" / "models" / "squeeze_excite.tflite"
COMMANDS = {
    "optimize": "optimize in.tflite -q -o out/m.tflite --report out/r.json --html out/r.html",
    "batch": "optimize in.tflite two.tflite -q -j 2 -d out --report out/r.json",
    "emit": "emit in.tflite two.tflite -q -d out",
    "report": "report in.tflite -o out/r.html --svg out/m.svg",
    "check": "check c.toml -q --junit out/j.xml --markdown out/t.md",
}
# As a shell's background would ignore SIGINT, the child asks for Python's handler.
START = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "sys.argv[0] = 'tflopt'; from tflopt.cli.main import run; run()"
)


@dataclass(frozen=True)
class Place:
    """A folder with inputs and, in ``out``, results of an earlier run."""

    path: Path
    results: Path

    def reset(self) -> None:
        """Inputs and old results."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir()
        for name in ("in.tflite", "two.tflite"):
            shutil.copy(MODEL, self.path / name)
        (self.path / "c.toml").write_text("[[model]]\npath = 'in.tflite'\n")
        (self.path / "out").symlink_to(self.results)

    def old(self, whole: dict[str, bytes]) -> None:
        """Every other result exists already."""
        for path in self.results.iterdir():
            path.unlink()
        for name in sorted(whole)[::2]:
            (self.results / name).write_bytes(b"old")

    def flaws(self, whole: dict[str, bytes], parts_allowed: bool) -> list[str]:
        """What is wrong."""
        found = []
        for name in ("in.tflite", "two.tflite"):
            if (self.path / name).read_bytes() != MODEL.read_bytes():
                found.append(f"{name} was harmed")
        if len(list(self.path.iterdir())) != 4:
            found.append(f"left behind: {sorted(path.name for path in self.path.iterdir())}")
        for path in self.results.iterdir():
            part = path.name.startswith(".tflopt-") and path.name.endswith(".part")
            if part and parts_allowed:
                continue
            if path.name not in whole:
                found.append(f"left behind: {path.name}")
            elif path.read_bytes() not in (b"old", whole[path.name]):
                found.append(f"{path.name} is neither old nor whole")
        return found


def start(command: str, place: Place) -> subprocess.Popen[bytes]:
    """A command in a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", START, *command.split()],
        cwd=place.path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(child: subprocess.Popen[bytes]) -> str:
    """What it said; the exit code is kept."""
    assert child.stderr is not None
    return child.communicate()[1].decode()


def whole_results(command: str, place: Place) -> tuple[dict[str, bytes], float]:
    """What an undisturbed run writes, and how long it takes."""
    place.reset()
    for path in place.results.iterdir():
        path.unlink()
    begin = time.monotonic()
    errors = finish(start(command, place))
    if errors:
        raise SystemExit(f"{command}: {errors}")
    taken = time.monotonic() - begin
    return {path.name: path.read_bytes() for path in place.results.iterdir()}, taken


def by_signals(name: str, place: Place, moments: int, draw: random.Random) -> list[str]:
    """End a command at random moments of its run."""
    command = COMMANDS[name]
    whole, taken = whole_results(command, place)
    wrong = []
    ended = 0
    for index in range(moments):
        place.reset()
        place.old(whole)
        number = SIGNALS[index % len(SIGNALS)]
        child = start(command, place)
        moment = draw.uniform(0.3, 1.1) * taken
        time.sleep(moment)
        os.killpg(child.pid, number) if child.poll() is None else None
        errors = finish(child)
        ended += child.returncode != 0
        found = place.flaws(whole, number == signal.SIGKILL)
        if "Traceback" in errors and "in run" in errors:
            found.append(errors)
        wrong += [f"{command}: {number.name} after {moment:.3f} s: {flaw}" for flaw in found]
    print(f"| signals | {name} | {moments} | {ended} | {len(wrong)} |", flush=True)
    return wrong


def by_disks(name: str, place: Place) -> list[str]:
    """Results on disks of some pages, of twice as many and so on until the command succeeds."""
    command = COMMANDS[name]
    whole, _ = whole_results(command, place)
    pages = sum(-(-len(data) // PAGE_BYTES) for data in whole.values())
    step = PAGE_BYTES * -(-pages // DISKS)
    wrong, size, code, count = [], 0, 1, 0
    while code:
        size += step
        count += 1
        place.reset()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place.results)]
        subprocess.run(mount, check=True)
        child = start(command, place)
        errors = finish(child)
        code = child.returncode
        found = place.flaws(whole, False)
        if code and (code != 4 or "No space left on device" not in errors):
            found.append(f"exit code {code}: {errors}")
        wrong += [f"{command}: a disk of {size} bytes: {flaw}" for flaw in found]
        subprocess.run(["umount", str(place.results)], check=True)
    print(f"| disks | {name} | {count} | {count - 1} | {len(wrong)} |", flush=True)
    return wrong


def main(
    moments: Annotated[int, typer.Option(help="Random moments for each command.")] = 60,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 1,
    only: Annotated[str, typer.Option(help="steps, signals or disks.")] = "",
) -> None:
    """Print how often writing was cut short, and what was wrong afterwards."""
    wrong: list[str] = []
    print("| by | what | runs | cut short | wrong |\n|---|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place = Place(folder / "place", folder / "results")
        place.results.mkdir()
        (folder / "steps").mkdir()
        for number in SIGNALS if only in ("", "steps") else ():
            found = sweep(folder / "steps", number, 1)
            wrong += found.wrong
            print(f"| {number.name} | steps | {found.steps} | {found.steps} | {len(found.wrong)} |")
        for command in COMMANDS if only in ("", "signals") else ():
            wrong += by_signals(command, place, moments, random.Random(seed))
        for command in COMMANDS if only in ("", "disks") else ():
            if os.geteuid():
                print(f"| disks | {command} | needs root | | |")
            else:
                wrong += by_disks(command, place)
    for line in wrong:
        print(f"wrong: {line}")
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    typer.run(main)
