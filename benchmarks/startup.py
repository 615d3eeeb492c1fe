"""How long ``tflopt optimize MODEL --no-verify`` takes as a whole process.

::

    python benchmarks/startup.py [--model MODEL.tflite] [--runs 15]

Prints a table with the median wall time beside that of a bare interpreter, and of one that only
imports NumPy, all measured in turn in the same run.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KWS = ROOT.parent / "shared" / "models" / "kws_ref_model.tflite"
FALLBACK = ROOT / "testdata" / "models" / "ds_cnn.tflite"


def commands(model: Path, output: Path) -> dict[str, list[str]]:
    """What is measured, by its name in the table."""
    optimize = ["-m", "tflopt", "optimize", str(model), "--no-verify", "-o", str(output)]
    return {
        "`python -c pass`": ["-c", "pass"],
        "`python -c 'import numpy'`": ["-c", "import numpy"],
        f"`tflopt optimize {model.name} --no-verify`": optimize,
    }


def seconds(arguments: list[str]) -> float:
    """Wall time of one process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(model: Path, runs: int) -> dict[str, list[float]]:
    """Times by command; the commands take turns, so that load falls on all alike."""
    with tempfile.TemporaryDirectory() as folder:
        work = commands(model, Path(folder) / "out.tflite")
        for arguments in work.values():
            seconds(arguments)  # fills the caches
        times: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(runs):
            for name, arguments in work.items():
                times[name].append(seconds(arguments))
    return times


def table(times: dict[str, list[float]]) -> str:
    """Markdown: medians, spread, and the ratio to the bare interpreter."""
    bare = statistics.median(next(iter(times.values())))
    lines = ["| process | median, s | fastest, s | slowest, s | ratio |", "|---|---|---|---|---|"]
    for name, values in times.items():
        median = statistics.median(values)
        row = (name, *(f"{v:.3f}" for v in (median, min(values), max(values))))
        lines.append(f"| {' | '.join(row)} | {median / bare:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=KWS if KWS.exists() else FALLBACK)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Python {version}, {options.runs} runs each\n")
    print(table(measure(options.model.resolve(), options.runs)))


if __name__ == "__main__":
    main()
