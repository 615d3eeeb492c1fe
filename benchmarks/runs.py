"""Does TFLM run it? The verdict on random models against the real TFLM.

    python benchmarks/runs.py --models 10000 --seed 1
    python benchmarks/runs.py --tflm 3b20912 --program ./try_models

Types and options are drawn also from what TFLM lacks. Each model is tried on the tflite-micro
package, by ``AllocateTensors`` and ``Invoke``, in a process of its own; ``--program`` is a build of
another TFLM that does so: like ``tests/support/tries.py`` it takes a folder and prints a letter for
each file. Prints how many run, and each model on which the two disagree; exits with 1 where there
is one.
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
from tests.support.tries import TRY, try_models  # noqa: E402
from tflopt.errors import TfloptError, printable  # noqa: E402
from tflopt.io import read_bytes  # noqa: E402
from tflopt.ir.text import dump  # noqa: E402
from tflopt.target.device import Device  # noqa: E402
from tflopt.target.runs import Kernels, Refusal, find_refusals  # noqa: E402

BATCH = 500
SAYS = {"K": "runs", "I": "Invoke fails", "P": "AllocateTensors fails", "A": "the process dies"}


SILENT = "TFLM returns ok and computes nothing right"


def judge(data: bytes, letter: str, device: Device) -> tuple[str, str]:
    """What is counted for a model, and where both disagree what tflopt says."""
    try:
        refusals = find_refusals(read_bytes(data), device)
    except TfloptError:
        return "not read, although TFLM runs it" if letter == "K" else "not read", ""
    found = [each for each in refusals if each.kernels is Kernels.TFLM]
    if letter == "K" and found and all(_is_silent(each, device) for each in found):
        return SILENT, ""
    agrees = (not found) == (letter == "K")
    return SAYS[letter], "" if agrees else "; ".join(map(str, found)) or "runs"


def _is_silent(refusal: Refusal, device: Device) -> bool:
    return refusal.op.code in device.runtime.lacks.silent


def main(
    models: Annotated[int, typer.Option(help="How many.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Of the first one.")] = 1,
    most: Annotated[int, typer.Option(help="Disagreements to print.")] = 20,
    tflm: Annotated[str, typer.Option(help="The version whose verdict it is.")] = "90b983c",
    program: Annotated[str, typer.Option(help="Tries the models instead of the package.")] = "",
) -> None:
    """Try them all and print what disagrees."""
    device, command = Device.of("cortex-m55", tflm=tflm), [program] if program else TRY
    counts: Counter[str] = Counter()
    wrong = []
    for first in range(0, models, BATCH):
        seeds = range(seed + first, seed + min(first + BATCH, models))
        drawn = [random_model(random.Random(number)) for number in seeds]
        with tempfile.TemporaryDirectory() as folder:
            letters = try_models(drawn, Path(folder), command)
        for number, data, letter in zip(seeds, drawn, letters, strict=True):
            what, says = judge(data, letter, device)
            counts[what] += 1
            if says:
                wrong.append(f"seed {number}: TFLM: {SAYS[letter]}; tflopt: {says}")
                if len(wrong) <= most:
                    print(printable(wrong[-1]), dump(read_bytes(data)), sep="\n")
    print(f"{models:,} models: " + ", ".join(f"{n:,} {what}" for what, n in sorted(counts.items())))
    print(f"the verdict is TFLM's on {models - len(wrong):,}, not on {len(wrong):,}")
    if wrong:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
