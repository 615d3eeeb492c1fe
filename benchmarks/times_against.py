"""What ``optimize --no-verify`` takes of each model, as a ratio to another tflopt.

    python benchmarks/times_against.py BASE FOLDER... [--runs 3] [--limit 1.2] [--most-bytes N]

BASE is a checkout of tflopt. CPU time of whole processes, user and system; both take turns on each
model, and the fastest of the runs counts, since load only adds. Prints the models above the limit,
the worst first, and the median. Exits with 1 where there are any.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Times:
    """CPU seconds for one model."""

    model: str
    base: float
    ours: float

    @property
    def ratio(self) -> float:
        """Of this tflopt to the other one."""
        return self.ours / self.base


def cpu_seconds(root: Path, model: Path, output: Path) -> float:
    """Of one process; what the command says of the model doesn't matter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "tflopt", "optimize", str(model), "-o", str(output)]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run(
        [*command, "--no-verify"], check=False, cwd=root, env=environment, capture_output=True
    )
    output.unlink(missing_ok=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured(base: Path, model: Path, runs: int, output: Path) -> Times:
    """The fastest run of both."""
    roots = (base, ROOT)
    taken = [[cpu_seconds(root, model, output) for root in roots] for _ in range(runs)]
    old, new = (min(each) for each in zip(*taken, strict=True))
    return Times(model.stem, old, new)


def main(
    base: Path,
    folders: list[Path],
    runs: Annotated[int, typer.Option(help="Of each model, on both.")] = 3,
    limit: Annotated[float, typer.Option(help="The largest ratio that is no finding.")] = 1.2,
    most_bytes: Annotated[int, typer.Option(help="Larger models are left out.")] = 1 << 30,
) -> None:
    """Print what takes longer than it may."""
    found = (path.resolve() for folder in folders for path in sorted(folder.glob("*.tflite")))
    paths = [path for path in found if path.stat().st_size <= most_bytes]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out.tflite"
        measured(base.resolve(), paths[0], 1, output)  # fills the caches
        times = [measured(base.resolve(), path, runs, output) for path in paths]
    slow = sorted((each for each in times if each.ratio > limit), key=lambda each: -each.ratio)
    print("| model | BASE, s | here, s | ratio |\n|---|---|---|---|")
    for each in slow:
        print(f"| {each.model} | {each.base:.2f} | {each.ours:.2f} | {each.ratio:.2f} |")
    middle = median(each.ratio for each in times)
    print(f"\nmedian {middle:.2f}, {len(slow)} of {len(times)} above {limit}")
    raise typer.Exit(1 if slow else 0)


if __name__ == "__main__":
    typer.run(main)
