"""How many faults of a wrong rule the verification catches.

    python benchmarks/faults.py [--places 4] [--only NAME]

Optimizes small networks, puts one fault into each result, and verifies it as ``tflopt optimize``
does. Prints a table by fault; exits with 1 where a fault was not caught.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for tests/support, which holds the faults

from tests.support.faults import BASES, FAULTS, spoil  # noqa: E402


def main(
    places: Annotated[int, typer.Option(help="Networks for each fault, at most.")] = 4,
    only: Annotated[str, typer.Option(help="One fault.")] = "",
) -> None:
    """Print how often each fault was caught, and where it was not."""
    missed: list[str] = []
    print("| fault | caught | what is wrong |\n|---|---|---|")
    total = caught = 0
    for name, fault in FAULTS.items():
        if only not in ("", name):
            continue
        good = count = 0
        for seed, base in enumerate(BASES):
            spoiled = spoil(name, base, seed) if count < places else None
            if spoiled is None:
                continue
            count += 1
            verdict = spoiled.verdict()
            good += verdict.status == "different"
            if verdict.status != "different":
                missed.append(f"{name} in {base}, seed {seed}: {verdict.status} {verdict.note}")
        what = (fault.__doc__ or "").splitlines()[0]
        print(f"| `{name}` | {good} of {count} | {what} |", flush=True)
        total, caught = total + count, caught + good
    print(f"\n{caught} of {total} caught")
    for line in missed:
        print(f"missed: {line}")
    raise typer.Exit(1 if missed else 0)


if __name__ == "__main__":
    typer.run(main)
