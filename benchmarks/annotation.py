"""What tflopt's annotation costs in flash: each model optimized, and written without it.

    python benchmarks/annotation.py [--target cortex-m55]

Prints a markdown table: operators with scratch, bytes of the files, of the annotation by itself,
and of the whole difference, which is at most 64 and three for each operator with scratch. A model
that the annotation would make larger than its original has none. Exits with 1 where one takes more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tflopt.annotation.annotate import detach, read_annotation
from tflopt.config import Config
from tflopt.errors import TfloptError
from tflopt.io import read_bytes, write_bytes
from tflopt.ir.clone import clone
from tflopt.product.optimize import DEFAULT_TARGET, Settings, optimize_file_bytes
from tflopt.target import Target
from tflopt.target.device import Device

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
FOLDERS = (SHARED / "models", SHARED / "field" / "models", ROOT / "testdata" / "models")
MOST, MOST_EACH = 64, 3


def row(path: Path, settings: Settings) -> tuple[str, bool]:
    """One model's line, and whether it keeps to what an annotation may take."""
    data = path.read_bytes()
    result = optimize_file_bytes(read_bytes(data, str(path)), data, settings)
    bare = clone(result.model)
    detach(bare)
    annotation = read_annotation(result.model)
    busy = len(annotation.operators) if annotation is not None else 0
    large, small = len(result.data), len(write_bytes(bare, settings.layout))
    own = len(result.annotation) if result.annotates else 0
    numbers = f"{busy} | {len(data):,} | {small:,} | {own:,} | {large - small:,}"
    share = f"{100 * (large - small) / small:.2f} %"
    return f"| {path.stem} | {numbers} | {share} |", large - small <= MOST + MOST_EACH * busy


def main(
    target: Annotated[str, typer.Option(help="The core in the annotation.")] = DEFAULT_TARGET,
) -> None:
    """Measure every model and print markdown."""
    config = Config(device=Device(Target.parse(target)))
    settings = Settings(config=config, samples=None)
    print(
        "| model | with scratch | original | optimized | annotation | in the file | of the file |"
    )
    print("|---|---|---|---|---|---|---|")
    kept = True
    for folder in FOLDERS:
        for path in sorted(folder.glob("*.tflite")):
            try:
                line, keeps = row(path, settings)
            except TfloptError as error:
                line, keeps = f"| {path.stem} | {error} | | | | | |", True
            kept &= keeps
            print(line if keeps else f"{line} more than allowed", flush=True)
    if not kept:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
