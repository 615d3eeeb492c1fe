"""What starting costs: CPU time of whole processes, as a multiple of ``import numpy``.

::

    python benchmarks/startup.py [--model MODEL.tflite] [--runs 15]

Prints a table with the CPU time (user and system, of all child processes too) of each command, and
its ratio to a process that only imports NumPy. The commands take turns, so that load falls on all
alike; the fastest of all runs counts, since load only adds.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "models"
SMALL = ("hello_world_int8", "kws_ref_model")
FALLBACK = (ROOT / "testdata" / "models" / "svdf.tflite",)
COMPILED = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": str(ROOT)}
"""As installed: modules that were compiled once are not compiled again."""


def small_models() -> list[Path]:
    """What is measured without ``--model``."""
    shared = [SHARED / f"{name}.tflite" for name in SMALL]
    return [path for path in shared if path.exists()] or list(FALLBACK)


def commands(models: list[Path], output: Path) -> dict[str, list[str]]:
    """What is measured, by its name in the table."""
    found = {
        "`python -c pass`": ["-c", "pass"],
        "`python -c 'import numpy'`": ["-c", "import numpy"],
        "`tflopt --version`": ["-m", "tflopt", "--version"],
        "`tflopt --help`": ["-m", "tflopt", "--help"],
    }
    for model in models:
        optimize = ["-m", "tflopt", "optimize", str(model), "-o", str(output)]
        found[f"`tflopt optimize {model.name} --no-verify`"] = [*optimize, "--no-verify"]
        found[f"`tflopt optimize {model.name}`"] = optimize
    return found


def cpu_seconds(arguments: list[str]) -> float:
    """CPU time of one process and of those it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, *arguments]
    environment = {**os.environ, **COMPILED}
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(models: list[Path], runs: int) -> dict[str, list[float]]:
    """Times by command."""
    with tempfile.TemporaryDirectory() as folder:
        work = commands(models, Path(folder) / "out.tflite")
        for arguments in work.values():
            cpu_seconds(arguments)  # fills the caches
        times: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(runs):
            for name, arguments in work.items():
                times[name].append(cpu_seconds(arguments))
    return times


def table(times: dict[str, list[float]]) -> str:
    """Markdown: the fastest, the median, and the ratio of the fastest to importing NumPy."""
    numpy = min(times["`python -c 'import numpy'`"])
    lines = ["| process | CPU, s | median, s | x import numpy |", "|---|---|---|---|"]
    for name, values in times.items():
        least, median = min(values), statistics.median(values)
        lines.append(f"| {name} | {least:.3f} | {median:.3f} | {least / numpy:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    models = small_models() if options.model is None else [options.model.resolve()]
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Python {version}, {options.runs} runs each\n")
    print(table(measure(models, options.runs)))


if __name__ == "__main__":
    main()
