"""``tflopt optimize`` with its defaults on every model there is, as a user would run it.

    python benchmarks/models.py [--samples 32] [--target cortex-m55]

Prints a markdown table: what changed, on how many inputs it was verified and where, and whether
LiteRT loads the result (its default kernels count too: some originals need them). Exits with 1 if a
model fails, differs, or is no longer loaded by LiteRT though the original is.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (ROOT.parent / "shared" / "models", ROOT / "testdata" / "models")
LOADS = """
import sys
from ai_edge_litert.interpreter import Interpreter, OpResolverType
for kernels in (OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN):
    try:
        Interpreter(sys.argv[1], experimental_op_resolver_type=kernels).allocate_tensors()
        sys.exit(0)
    except (RuntimeError, ValueError):
        pass
sys.exit(1)
"""


@dataclass(frozen=True)
class Row:
    """One model: exit code and report of ``optimize``, and who loads it."""

    name: str
    exit_code: int
    report: dict[str, Any]
    litert_before: bool
    litert_after: bool
    message: str = ""

    @property
    def failed(self) -> bool:
        """Whether this row is a defect."""
        return self.exit_code != 0 or (self.litert_before and not self.litert_after)

    def cells(self) -> list[str]:
        """The row of the table."""
        if self.exit_code:
            return [self.name, f"exit code {self.exit_code}: {self.message}"]
        before, after, verdict = (self.report[k] for k in ("input", "output", "verification"))
        where = f"{verdict['status']} on {verdict['runner']}, {verdict['samples']} inputs"
        if verdict["status"] == "not verified":
            where = f"not verified: {verdict['note']}"
        loads = {(True, True): "yes", (False, False): "neither", (False, True): "only after"}
        return [
            self.name,
            _pair(before["file_bytes"], after["file_bytes"]),
            _pair(_arena(before), _arena(after)),
            _pair(before["operators"], after["operators"]),
            where,
            loads.get((self.litert_before, self.litert_after), "NO LONGER"),
        ]


def _arena(side: dict[str, Any]) -> int:
    return 0 if side["arena"] is None else int(side["arena"]["minimum_bytes"])


def _pair(old: int, new: int) -> str:
    if old == new:
        return f"{old:,}"
    return f"{old:,} -> {new:,} ({100 * (new - old) / old:+.0f} %)"


def optimize(path: Path, folder: Path, arguments: list[str]) -> Row:
    """Run ``tflopt optimize`` in a process of its own."""
    output, report = folder / path.name, folder / f"{path.stem}.json"
    command = [sys.executable, "-m", "tflopt", "optimize", str(path), "-q", "-o", str(output)]
    run = subprocess.run(
        [*command, "--report", str(report), *arguments], capture_output=True, text=True, check=False
    )
    if run.returncode:
        return Row(path.stem, run.returncode, {}, False, False, run.stderr.strip())
    data = json.loads(report.read_text())
    return Row(path.stem, 0, data, _loads(path), _loads(output))


def _loads(path: Path) -> bool:
    command = [sys.executable, "-c", LOADS, str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def main(
    samples: Annotated[int, typer.Option(min=1)] = 32,
    target: Annotated[str, typer.Option()] = "cortex-m55",
) -> None:
    """Optimize every model and print a table."""
    paths = [path for folder in FOLDERS for path in sorted(folder.glob("*.tflite"))]
    print(f"{len(paths)} models, --samples {samples} --target {target}\n")
    print("| model | file, bytes | arena, bytes | operators | verified | LiteRT loads it |")
    print("|---|---|---|---|---|---|")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            row = optimize(path, Path(folder), ["--samples", str(samples), "--target", target])
            failed += row.failed
            print("| " + " | ".join(row.cells()) + " |", flush=True)
    print(f"\n{len(paths) - failed} passed, {failed} failed")
    raise typer.Exit(1 if failed else 0)


if __name__ == "__main__":
    typer.run(main)
