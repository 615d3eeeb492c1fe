"""What tflopt's annotation costs in flash: each model optimized with and without it.

    python benchmarks/annotation.py [--target cortex-m55]

Prints a markdown table: bytes of the files, how much of the difference the annotation itself is,
the whole difference, and its share. A model that the annotation would make larger than its original
has none.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tflopt.config import Config
from tflopt.io import read_bytes
from tflopt.product.annotate import Annotate
from tflopt.product.optimize import DEFAULT_TARGET, Settings, optimize_file_bytes
from tflopt.target import Target
from tflopt.target.device import Device

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (ROOT.parent / "shared" / "models", ROOT / "testdata" / "models")


def row(path: Path, settings: Settings) -> str:
    """One model's line."""
    data = path.read_bytes()
    model = read_bytes(data, str(path))
    with_it = optimize_file_bytes(model, data, settings)
    without = optimize_file_bytes(model, data, replace(settings, annotate=Annotate.NONE))
    large, small = len(with_it.data), len(without.data)
    operators = sum(len(graph.ops) for graph in with_it.model.graphs)
    own = len(with_it.annotation) if with_it.annotates else 0
    numbers = f"{operators} | {len(data):,} | {small:,} | {own:,} | {large - small:,}"
    return f"| {path.stem} | {numbers} | {100 * (large - small) / small:.2f} % |"


def main(
    target: Annotated[str, typer.Option(help="The core in the annotation.")] = DEFAULT_TARGET,
) -> None:
    """Measure every model and print markdown."""
    config = Config(device=Device(Target.parse(target)))
    settings = Settings(config=config, samples=None)
    print("| model | operators | original | optimized | packed | in the file | of the file |")
    print("|---|---|---|---|---|---|---|")
    for folder in FOLDERS:
        for path in sorted(folder.glob("*.tflite")):
            print(row(path, settings))


if __name__ == "__main__":
    typer.run(main)
