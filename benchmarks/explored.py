"""Each point that ``explore`` prints, made again by the command that stands beside it.

    python benchmarks/explored.py MODEL... [--target cortex-m55] [--effort 1]

A table for each model, with the largest part of a resource by which each point differs from the
one before. Exits with 1 where a command makes something else, or where less than three points
differ from each other by more than 5 % in some resource.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tflopt.cli.main import app  # noqa: E402
from tflopt.config import Config  # noqa: E402
from tflopt.io import read  # noqa: E402
from tflopt.io.files import load  # noqa: E402
from tflopt.ir import Model  # noqa: E402
from tflopt.product.explore import Point, explore  # noqa: E402
from tflopt.product.settings import Settings  # noqa: E402
from tflopt.search.cost import Cost  # noqa: E402
from tflopt.target.cost import predict_model  # noqa: E402
from tflopt.target.device import Device  # noqa: E402
from tflopt.target.memory import memory_of  # noqa: E402

APART = 0.05
LEAST = 3


def again(path: Path, target: str, options: Sequence[str], output: Path) -> Cost:
    """What the command of a point makes, by the file that it writes."""
    words = ["optimize", str(path), "--target", target, *options, "-o", str(output)]
    app([*words, "--no-verify", "-q"], standalone_mode=False)
    model, device = read(output), Device.of(target)
    work = predict_model(model, device).instructions
    return Cost(work, output.stat().st_size, memory_of(model, device).arena.minimum_bytes)


def distance(one: Cost, two: Cost) -> float:
    """The largest part of a resource by which two results differ."""
    pairs = zip(one.numbers, two.numbers, strict=True)
    return max(abs(a - b) / max(a, b, 1) for a, b in pairs)


def apart(points: Sequence[Point]) -> int:
    """How many points differ from all that were counted before them."""
    chosen: list[Point] = []
    for point in points:
        if all(distance(point.cost, other.cost) > APART for other in chosen):
            chosen.append(point)
    return len(chosen)


def explored(model: Model, data: bytes, target: str, effort: float) -> list[Point]:
    """As the command looks for them."""
    settings = Settings(config=Config(device=Device.of(target)), samples=None)
    return explore(model, data, settings, lambda _: None, effort)


def main(
    models: list[Path],
    target: Annotated[str, typer.Option(help="The core.")] = "cortex-m55",
    effort: Annotated[float, typer.Option(help="How many points to seek.")] = 1.0,
) -> None:
    """Print a table for each model."""
    wrong = 0
    for path in models:
        points = explored(*load(path), target, effort)
        print(f"\n{path.stem}: {apart(points)} of {len(points)} more than 5 % apart\n")
        print("| arena | flash | instructions | options | again |\n|---|---|---|---|---|")
        wrong += apart(points) < LEAST
        for point in points:
            with tempfile.TemporaryDirectory() as folder:
                made = again(path, target, point.options, Path(folder) / "out.tflite")
            same = made.numbers == point.cost.numbers
            wrong += not same
            work, flash, arena = point.cost.numbers
            said = "alike" if same else str(made.numbers)
            options = " ".join(point.options) or "none"
            print(f"| {arena:,} | {flash:,} | {work:,} | `{options}` | {said} |", flush=True)
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    typer.run(main)
