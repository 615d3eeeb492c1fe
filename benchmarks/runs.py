"""Does TFLM run it? The verdict on random models against the real TFLM.

    python benchmarks/runs.py --models 10000 --seed 1

Types and options are drawn also from what TFLM lacks. Each model is tried on the tflite-micro
package, by ``AllocateTensors`` and ``Invoke``, in a process of its own. Prints how many run, and
each model on which the two disagree; exits with 1 where there is one.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for tests/support, which holds the generator

from tests.support.random_types import random_model  # noqa: E402
from tests.support.tries import try_models  # noqa: E402
from tflopt.errors import TfloptError, printable  # noqa: E402
from tflopt.io import read_bytes  # noqa: E402
from tflopt.ir.text import dump  # noqa: E402
from tflopt.target.runs import Kernels, find_refusals  # noqa: E402

BATCH = 500
SAYS = {"K": "runs", "I": "Invoke fails", "P": "AllocateTensors fails", "A": "the process dies"}


def verdict(data: bytes) -> tuple[bool | None, str]:
    """Whether it runs, None where tflopt doesn't read it; and why not."""
    try:
        refusals = find_refusals(read_bytes(data))
    except TfloptError as error:
        return None, str(error)
    found = [each for each in refusals if each.kernels is Kernels.TFLM]
    return not found, "; ".join(map(str, found))


def main(
    models: Annotated[int, typer.Option(help="How many.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Of the first one.")] = 1,
    most: Annotated[int, typer.Option(help="Disagreements to print.")] = 20,
) -> None:
    """Try them all and print what disagrees."""
    counts: Counter[str] = Counter()
    wrong = []
    for first in range(0, models, BATCH):
        seeds = range(seed + first, seed + min(first + BATCH, models))
        drawn = [random_model(random.Random(number)) for number in seeds]
        with tempfile.TemporaryDirectory() as folder:
            letters = try_models(drawn, Path(folder))
        for number, data, letter in zip(seeds, drawn, letters, strict=True):
            runs, why = verdict(data)
            counts["not read" if runs is None else SAYS[letter]] += 1
            if runs is None and letter == "K":
                counts["not read, although TFLM runs it"] += 1
            if runs is not None and runs != (letter == "K"):
                wrong.append(f"seed {number}: TFLM: {SAYS[letter]}; tflopt: {why or 'runs'}")
                if len(wrong) <= most:
                    print(printable(wrong[-1]), dump(read_bytes(data)), sep="\n")
    print(f"{models:,} models: " + ", ".join(f"{n:,} {what}" for what, n in sorted(counts.items())))
    print(f"the verdict is TFLM's on {models - len(wrong):,}, not on {len(wrong):,}")
    if wrong:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
