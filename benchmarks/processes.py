"""Whole processes, measured: CPU time and peak memory, as ratios to one that imports NumPy.

CPU time, since other work on the machine hardly changes it; the tools run on one core each. What
measures stays small (no NumPy, no Typer): Linux counts what a process had before ``exec`` into the
peak of what it starts.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (ROOT.parent / "shared" / "models", ROOT / "testdata" / "models")
BASELINE = (sys.executable, "-c", "import numpy")
BASELINE_TEXT = "python -c 'import numpy'"
MIB = 1 << 20
ERROR = re.compile(r"error.* |failed", re.IGNORECASE)
MOST_CHARACTERS = 160


@dataclass(frozen=True)
class Usage:
    """One run, with all processes that it started: ``peak_bytes`` is that of the largest."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    code: int
    output: str


@dataclass
class Runs:
    """Runs of one command; a failed one ends the measurement."""

    usages: list[Usage] = field(default_factory=list)

    @property
    def failure(self) -> str:
        """What a run that failed says: from its first line with an error on, else its last line."""
        failed = [usage for usage in self.usages if usage.code]
        if not failed:
            return ""
        lines = [line.strip(" │╭╮─") for line in failed[0].output.splitlines()]
        lines = [line for line in lines if line] or [f"exit code {failed[0].code}"]
        errors = [index for index, line in enumerate(lines) if ERROR.search(line)]
        told = " ".join(lines[errors[0] :] if errors else lines[-1:])
        return told if len(told) <= MOST_CHARACTERS else f"{told[:MOST_CHARACTERS]}..."

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the fastest run: other work on the machine only ever adds to it."""
        return min(usage.cpu_seconds for usage in self.usages)

    @property
    def peak_bytes(self) -> float:
        """Median peak."""
        return statistics.median(usage.peak_bytes for usage in self.usages)

    def ratios(self, baseline: Runs) -> list[str]:
        """Time and memory against the baseline, as cells of a table."""
        if self.failure:
            return ["fails", "fails"]
        return [
            f"{self.cpu_seconds / baseline.cpu_seconds:.1f}",
            f"{self.peak_bytes / baseline.peak_bytes:.1f}",
        ]


def models() -> list[Path]:
    """The models that are here."""
    return [path for folder in FOLDERS for path in sorted(folder.glob("*.tflite"))]


def run(command: Sequence[str]) -> Usage:
    """Run a command and wait for it."""
    with tempfile.TemporaryFile() as log:
        start = time.perf_counter()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        output = log.read().decode(errors="replace")
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Usage(seconds, cpu_seconds, usage.ru_maxrss * 1024, child.returncode, output)


def take_turns(commands: Sequence[Sequence[str]], runs: int) -> list[Runs]:
    """Measure commands in turn, so that load falls on all alike; one that fails is left out."""
    found = [Runs() for _ in commands]
    for _ in range(runs):
        for command, each in zip(commands, found, strict=True):
            if not each.failure:
                each.usages.append(run(command))
    return found


def baseline_line(baseline: Runs, runs: int) -> str:
    """What 1.0 means in a table."""
    size, count = baseline.peak_bytes / MIB, len(baseline.usages)
    load, cores = os.getloadavg()[1], os.cpu_count()
    return (
        f"1.0 is `{BASELINE_TEXT}` in the same run: {baseline.cpu_seconds:.3f} s of CPU time and "
        f"{size:.1f} MiB (the fastest of {count} runs; of {runs} in each cell). The load average "
        f"of the machine with {cores} cores was {load:.0f}."
    )


def summary(name: str, measured: Sequence[Runs], baseline: Runs) -> str:
    """A line with median and maximum over all models that a command did."""
    done = [each for each in measured if not each.failure]
    if not done:
        return f"{name}: none of {len(measured)} models"
    times = [each.cpu_seconds / baseline.cpu_seconds for each in done]
    peaks = [each.peak_bytes / baseline.peak_bytes for each in done]
    return (
        f"{name}: {len(done)} of {len(measured)} models; CPU time median "
        f"{statistics.median(times):.1f}, at most {max(times):.1f}; peak memory median "
        f"{statistics.median(peaks):.1f}, at most {max(peaks):.1f}"
    )


def optimize(model: Path, output: Path, *options: str) -> tuple[str, ...]:
    """The command line of ``tflopt optimize``."""
    command = (sys.executable, "-m", "tflopt", "optimize", str(model), "-q", "-o", str(output))
    return (*command, *options)


def failures(names: Sequence[str], measured: Sequence[Runs]) -> list[str]:
    """A line for each command that failed."""
    pairs = zip(names, measured, strict=True)
    return [f"- {name}: {each.failure}" for name, each in pairs if each.failure]


def table_row(cells: Sequence[str]) -> str:
    """A row of a markdown table."""
    return f"| {' | '.join(cells)} |"
