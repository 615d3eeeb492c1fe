"""Random layers through every rule that writes operators in another form, on the real TFLM.

    python benchmarks/layers.py [--layers 3000] [--seed 0]

Each layer goes through each rule alone, whatever its form costs, and through the whole pipeline;
original and result run on TFLM with inputs that include the extremes. Prints a markdown table of
firings. Exits with 1 on a difference, with 4 where TFLM is not installed.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.rules.test_forms import PLAIN, check_layer
from tests.support.check_rule import SAMPLES
from tests.support.layers import KINDS
from tests.support.runtime import installed, runtime
from tests.support.worth import FORMS

CANNOT_RUN = 4


def main(
    layers: Annotated[int, typer.Option()] = 3000, seed: Annotated[int, typer.Option()] = 0
) -> None:
    """Check the layers and print what fired."""
    if "tflm" not in installed():
        typer.echo("tflite-micro is not installed", err=True)
        raise typer.Exit(CANNOT_RUN)
    alone: Counter[str] = Counter()
    failed = []
    for number in range(seed, seed + layers):
        try:
            fired = check_layer(number)
        except BaseException as error:  # pytest's failures are no exceptions
            if isinstance(error, KeyboardInterrupt):
                raise
            failed.append(number)
            typer.echo(f"layer {number} ({KINDS[number % len(KINDS)].__name__}): {error}", err=True)
            continue
        alone += fired
    runtime().stop()
    names = [*(rule.name for rule in PLAIN), *(form.name for form in FORMS)]
    print(f"{layers:,} layers of {len(set(KINDS))} kinds, {SAMPLES} inputs each: ", end="")
    print(
        f"{sum(alone[name] for name in names):,} firings, {len(failed)} layers with a difference."
    )
    print()
    print("| rule | firings |")
    print("|---|---|")
    for name in names:
        print(f"| {name} | {alone[name]:,} |")
    if failed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
