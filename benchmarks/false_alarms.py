"""Does the verification, with its directed inputs, ever call right results different?

    python benchmarks/false_alarms.py [--samples 4] [MODEL ...]

Optimizes each model of ``testdata``, ``../shared/models`` and ``../shared/field/models`` for both
runtimes and for TFLM alone, and compares as ``optimize`` does and, as two files, as ``validate``
does, on TFLM and on LiteRT. Prints what each said; exits with 1 where one said "different".
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tflopt.config import Config, Runtime  # noqa: E402
from tflopt.errors import TfloptError  # noqa: E402
from tflopt.io import read_bytes, write_bytes  # noqa: E402
from tflopt.ir.clone import clone  # noqa: E402
from tflopt.product.settings import Settings  # noqa: E402
from tflopt.product.validation import validate_files  # noqa: E402
from tflopt.product.verification import verify  # noqa: E402
from tflopt.rules.pipeline import run_pipeline  # noqa: E402
from tflopt.run.samples import SampleOptions  # noqa: E402
from tflopt.verify.compare import Candidate, Verification  # noqa: E402

SHARED = ROOT.parent / "shared"
FOLDERS = (ROOT / "testdata" / "models", SHARED / "models", SHARED / "field" / "models")
RUNNERS = {Runtime.BOTH: ("tflm", "litert"), Runtime.TFLM: ("tflm",)}
"""LiteRT need not load what is made for TFLM alone."""


def verdicts(path: Path, samples: SampleOptions) -> Iterator[tuple[str, Verification]]:
    """By runtime that must load the result, runner, and whether it is known how it came about."""
    data = path.read_bytes()
    original = read_bytes(data)
    for runtime in Runtime:
        model, config = clone(original), Config(runtime=runtime)
        trace = run_pipeline(model, config=config)
        written = write_bytes(model)
        pair = Candidate(original, data), Candidate(model, written, derived=True)
        files = pair[0], Candidate(read_bytes(written), written)
        for runner in RUNNERS[runtime]:
            settings = Settings(config=config, runner=runner, samples=samples)
            place = f"for {runtime.value} on {runner}"
            yield f"optimize, {place}", verify(*pair, settings, trace)
            yield f"validate, {place}", validate_files(*files, runner=runner, samples=samples)


def main(
    models: Annotated[list[Path] | None, typer.Argument(help="Instead of all.")] = None,
    samples: Annotated[int, typer.Option(help="Inputs of the models; directed ones aside.")] = 4,
    largest: Annotated[int, typer.Option(help="Leave out files of more bytes.")] = 1 << 30,
) -> None:
    """Print what isn't identical, and how often each verdict came."""
    paths = models or [path for folder in FOLDERS for path in sorted(folder.glob("*.tflite"))]
    paths = [path for path in paths if path.stat().st_size <= largest]
    counts, regions = Counter[str](), 0
    for number, path in enumerate(paths, 1):
        try:
            for where, verdict in verdicts(path, SampleOptions(samples)):
                counts[verdict.status] += 1
                regions += verdict.regions
                if verdict.status != "identical":
                    told = verdict.mismatch or verdict.note
                    print(f"{path.stem}: {where}: {verdict.status}: {told}"[:300], flush=True)
        except TfloptError as error:
            counts["refused"] += 1
            print(f"{path.stem}: {error}"[:300], flush=True)
        print(f"{number} of {len(paths)}", file=sys.stderr, flush=True)
    told = ", ".join(f"{kind} {count}" for kind, count in counts.most_common())
    print(f"{len(paths)} models, {regions} changed regions driven: {told}")
    raise typer.Exit(1 if counts["different"] else 0)


if __name__ == "__main__":
    typer.run(main)
