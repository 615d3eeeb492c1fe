"""CPU time and peak memory of ``tflopt optimize`` as a whole process, on every model.

    python benchmarks/tool.py [--runs 2] [--model NAME]

Prints a markdown table of ratios to a Python that imports NumPy, measured in the same run: without
the verification, and with it (the original and the result on 32 inputs, in a process of its own).
Exits with 1 if a model fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.processes import (
    BASELINE,
    Runs,
    baseline_line,
    failures,
    models,
    optimize,
    summary,
    table_row,
    take_turns,
)

COLUMNS = (
    "model",
    "bytes",
    "CPU time",
    "peak memory",
    "verified: CPU time",
    "verified: peak memory",
)


@dataclass(frozen=True)
class Row:
    """A model: runs without and with verification, and of the baseline between them."""

    path: Path
    plain: Runs
    verified: Runs
    baseline: Runs


def measure(path: Path, folder: Path, runs: int) -> Row:
    """Optimize one model."""
    output = folder / path.name
    commands = (BASELINE, optimize(path, output, "--no-verify"), optimize(path, output))
    baseline, plain, verified = take_turns(commands, runs)
    return Row(path, plain, verified, baseline)


def report(rows: list[Row], runs: int) -> str:
    """The table."""
    baseline = Runs([usage for row in rows for usage in row.baseline.usages])
    lines = [baseline_line(baseline, runs), ""]
    lines += [table_row(COLUMNS), "|---|--:|--:|--:|--:|--:|"]
    for row in rows:
        ratios = (*row.plain.ratios(baseline), *row.verified.ratios(baseline))
        lines.append(table_row((row.path.stem, f"{row.path.stat().st_size:,}", *ratios)))
    lines += [
        "",
        f"- {summary('without verification', [row.plain for row in rows], baseline)}",
        f"- {summary('verified', [row.verified for row in rows], baseline)}",
    ]
    return "\n".join(lines)


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--model", action="append", help="only these; repeatable")
    options = parser.parse_args()
    chosen = [path for path in models() if not options.model or path.stem in options.model]
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(path, Path(folder), options.runs) for path in chosen]
    if not rows:
        parser.error("no such model")
    print(report(rows, options.runs))
    stems = [row.path.stem for row in rows]
    failed = failures(stems, [row.plain for row in rows])
    failed += failures([f"{stem}, verified" for stem in stems], [row.verified for row in rows])
    if failed:
        print("\n" + "\n".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
