"""How often what exporters write with several paths is the map of one int8 operator.

    python benchmarks/diamonds.py --draws 400 --seed 0

Each diamond of ``tests/support/diamonds.py`` between random ranges (both ends between 0.5 and 16,
at random on a logarithmic scale), quantized as a calibration does. All 256 values are compared
with every operator of one input that TFLM has for int8, in both precisions. Prints markdown.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for tests/support, whose diamonds these are

from tests.support.diamonds import DIAMONDS, Build, calibrated  # noqa: E402
from tests.support.kit import Kit  # noqa: E402
from tflopt.facts.tables import EVERY_INT8  # noqa: E402
from tflopt.rules.activations.diamond_forms import Distance, equal_forms  # noqa: E402
from tflopt.rules.activations.diamonds import regions  # noqa: E402

SHAPE = (1, 4)
ENDS = (np.log(0.5), np.log(16.0))


def form_of(build: Build, seed: int) -> str | Distance:
    """The operator that has the map of one draw, else how far the nearest is from it."""
    rng = np.random.default_rng(seed)
    low, high = np.exp(rng.uniform(*ENDS, 2))
    net = Kit(seed)
    output = build(net, net.input(SHAPE, quant=calibrated(-float(low), float(high))))
    assert output.producer is not None
    region = next(regions(output.producer))
    found = equal_forms(region, EVERY_INT8)
    if isinstance(found, Distance):
        return found
    return found[0].graph.ops[-1].code.name if found else "nothing"


def row(name: str, found: list[str | Distance]) -> str:
    """A line of the table."""
    counts = Counter(form for form in found if isinstance(form, str))
    far = [gap for gap in found if isinstance(gap, Distance)]
    same = ", ".join(f"{form} {count}" for form, count in counts.most_common())
    cells = [name, f"{sum(counts.values())} of {len(found)}", same or "-", "-", "-"]
    if far:
        cells[3] = f"{median(gap.differ for gap in far):.0f} of 256 values"
        cells[4] = f"{median(gap.most for gap in far):.0f} (at most {max(g.most for g in far)})"
    return f"| {' | '.join(cells)} |"


def main(
    draws: Annotated[int, typer.Option(min=1, help="Of each diamond.")] = 400,
    seed: Annotated[int, typer.Option(help="Of the first draw.")] = 0,
) -> None:
    """Print the table."""
    typer.echo("| written as | same map | as | else the nearest differs in (median) | by |")
    typer.echo("|---|---|---|---|---|")
    for name, build in DIAMONDS.items():
        found = [form_of(build, number) for number in range(seed, seed + draws)]
        typer.echo(row(name, found))


if __name__ == "__main__":
    typer.run(main)
