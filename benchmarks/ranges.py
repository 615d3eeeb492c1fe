"""Ranges of small random layers against every input that they have, on the real TFLM.

    python benchmarks/ranges.py [--count 10000] [--first 0]

Prints how many layers and outputs were compared, and how many numbers lay outside their interval or
intervals were wider than need be; exits with 1 where any did.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.ranges.layers import draw, misses


def main(
    count: Annotated[int, typer.Option(min=1)] = 10_000,
    first: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Compare ``count`` models from the seed ``first`` on."""
    outputs, inputs, bad = 0, 0, 0
    for seed in range(first, first + count):
        layers = draw(seed)
        lines = misses(layers)
        outputs += len(layers.net.graph.outputs)
        inputs += sum(map(len, layers.feed))
        bad += bool(lines)
        for line in lines:
            print(f"seed {seed}: {line}")
    print(f"{count:,} models, {outputs:,} layers, {inputs:,} inputs: {bad} models with a miss")
    raise typer.Exit(int(bad > 0))


if __name__ == "__main__":
    typer.run(main)
