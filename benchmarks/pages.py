"""CPU time and size of the HTML report, on every model.

    python benchmarks/pages.py [--runs 3] [--model NAME]

A process that has loaded what makes a report, as the command has by then, makes its first page of
one: with Jinja and the templates, which are loaded only for it. The time is a ratio to a Python
that imports NumPy, measured in turns in the same run. Exits with 1 if a page takes more than 2.5
times that (0.3 s where importing NumPy takes 0.12 s), or if one of up to 100 operators is larger
than 1 MB.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.processes import BASELINE, BASELINE_TEXT, ROOT, models, run, table_row

MOST_RATIO = 2.5
MOST_BYTES, FEW_OPERATORS = 1_000_000, 100
MAKE = """
import json, sys, time
import tflopt.report.json_report, tflopt.report.views
report = json.loads(open(sys.argv[1]).read())
start = time.process_time()
from tflopt.report.html.page import html_report
page = html_report(report)
print(time.process_time() - start, len(page.encode()), report["input"]["operators"])
"""
COLUMNS = ("model", "operators", "page, bytes", "CPU time")


@dataclass(frozen=True)
class Page:
    """A model's page; times of the fastest runs, in seconds of CPU."""

    name: str
    operators: int
    size_bytes: int
    cpu_seconds: float
    baseline_seconds: float

    @property
    def ratio(self) -> float:
        """Against a Python that imports NumPy."""
        return self.cpu_seconds / self.baseline_seconds

    @property
    def faults(self) -> list[str]:
        """Which limits it exceeds."""
        found = []
        if self.ratio > MOST_RATIO:
            found.append(f"{self.name}: {self.ratio:.2f} times {BASELINE_TEXT}")
        if self.operators <= FEW_OPERATORS and self.size_bytes > MOST_BYTES:
            found.append(f"{self.name}: {self.size_bytes:,} bytes for {self.operators} operators")
        return found


def measure(path: Path, folder: Path, runs: int) -> Page:
    """The page of what ``optimize`` does to one model."""
    report = folder / f"{path.stem}.json"
    tool = (sys.executable, "-m", "tflopt", "report", str(path), "--json", "--no-verify")
    subprocess.run([*tool, "-o", str(report)], cwd=ROOT, check=True, capture_output=True)
    baseline, pages = [], []
    for _ in range(runs):
        baseline.append(run(BASELINE).cpu_seconds)
        pages.append(_make(report))
    _, size, operators = pages[0]
    return Page(path.stem, operators, size, min(page[0] for page in pages), min(baseline))


def _make(report: Path) -> tuple[float, int, int]:
    command = [sys.executable, "-c", MAKE, str(report)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    seconds, size, operators = done.stdout.split()
    return float(seconds), int(size), int(operators)


def table(pages: list[Page]) -> str:
    """Markdown."""
    lines = [table_row(COLUMNS), "|---|--:|--:|--:|"]
    lines += [
        table_row((p.name, f"{p.operators:,}", f"{p.size_bytes:,}", f"{p.ratio:.2f}"))
        for p in pages
    ]
    most, largest = max(pages, key=lambda p: p.ratio), max(pages, key=lambda p: p.size_bytes)
    lines += [
        "",
        f"CPU time is a multiple of `{BASELINE_TEXT}`: at most {most.ratio:.2f} ({most.name}); "
        f"the largest page has {largest.size_bytes:,} bytes ({largest.name}).",
    ]
    return "\n".join(lines)


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--model", action="append", help="only these; repeatable")
    options = parser.parse_args()
    chosen = [path for path in models() if not options.model or path.stem in options.model]
    if not chosen:
        parser.error("no such model")
    with tempfile.TemporaryDirectory() as folder:
        pages = [measure(path, Path(folder), options.runs) for path in chosen]
    print(table(pages))
    faults = [fault for page in pages for fault in page.faults]
    if faults:
        print("\n" + "\n".join(f"- {fault}" for fault in faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
