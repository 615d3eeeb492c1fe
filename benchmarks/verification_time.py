"""What directed inputs add to the time of the verification, in CPU seconds of all processes.

    python benchmarks/verification_time.py [MODEL ...]

Optimizes each model of ``testdata`` and ``../shared/models`` with default settings and verifies the
result as ``tflopt optimize`` does, without directed inputs and with them. Prints both and how much
longer it takes.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tflopt.errors import TfloptError  # noqa: E402
from tflopt.io import read_bytes, write_bytes  # noqa: E402
from tflopt.ir.clone import clone  # noqa: E402
from tflopt.product.settings import Settings  # noqa: E402
from tflopt.product.verification import verify  # noqa: E402
from tflopt.rules.pipeline import run_pipeline  # noqa: E402
from tflopt.verify.compare import Candidate, Verification, _Comparison  # noqa: E402

FOLDERS = (ROOT / "testdata" / "models", ROOT.parent / "shared" / "models")


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _times(path: Path) -> tuple[list[float], Verification]:
    """Without directed inputs, and with them; and what the latter said."""
    data = path.read_bytes()
    original = read_bytes(data)
    model, settings = clone(original), Settings()
    trace = run_pipeline(model, settings.selection, settings.config)
    pair = Candidate(original, data), Candidate(model, write_bytes(model), derived=True)
    found, may_direct = [], _Comparison._may_direct
    for wanted in (False, True):
        _Comparison._may_direct = may_direct if wanted else lambda *_: False  # type: ignore[method-assign]
        start = _cpu_s()
        verdict = verify(*pair, settings, trace)
        found.append(_cpu_s() - start)
    return found, verdict


def main(
    models: Annotated[list[Path] | None, typer.Argument(help="Instead of all.")] = None,
) -> None:
    """Print the times."""
    paths = models or [path for folder in FOLDERS for path in sorted(folder.glob("*.tflite"))]
    print("| model | before, s | with directed inputs, s | ratio | changed regions |")
    print("|---|---|---|---|---|")
    total = [0.0, 0.0]
    for path in paths:
        try:
            times, verdict = _times(path)
        except TfloptError as error:
            print(f"| {path.stem} | {error} | | | |", flush=True)
            continue
        total = [a + b for a, b in zip(total, times, strict=True)]
        ratio, said = times[1] / times[0], "" if verdict.status == "identical" else verdict.status
        row = f"{times[0]:.2f} | {times[1]:.2f} | {ratio:.2f}"
        told = f"{verdict.regions} {said}{verdict.note}".strip()
        print(f"| {path.stem} | {row} | {told} |", flush=True)
    print(f"| all | {total[0]:.1f} | {total[1]:.1f} | {total[1] / total[0]:.2f} | |")


if __name__ == "__main__":
    typer.run(main)
