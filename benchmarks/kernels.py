"""Compares tflopt's models of the integer kernels with the real TFLM on random parameters.

A parameter set is a choice of scales, zero points and, where there are any, activation, slope and
window; it runs on 24 to 1,584 elements (all 256 values for operators of one input). Where versions
of TFLM combine scales in different precisions, the same outputs are compared with both models, and
one precision has to be right for all operators.

    python benchmarks/kernels.py --sets 100000
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.arith.other_kernels import OTHERS, others_in
from tests.arith.slots import Kernel, Template
from tests.arith.unary_kernels import UNARY, unary_in
from tests.support.runtime import installed, runtime
from tflopt.arith.affine import Precision

SLOTS = 200
CANNOT_RUN = 4


def models() -> list[tuple[Kernel, ...]]:
    """Each kernel with its models: one, or one for each precision."""
    by_precision = [(*unary_in(each), *others_in(each)) for each in Precision]
    return [*((kernel,) for kernel in (*UNARY, *OTHERS)), *zip(*by_precision, strict=True)]


def compare(kernels: tuple[Kernel, ...], sets: int, seed: int) -> tuple[int, list[list[str]]]:
    """Numbers compared, and for each model a line for every parameter set that differs."""
    template = Template(kernels[0], SLOTS)
    lines: list[list[str]] = [[] for _ in kernels]
    elements = 0
    for number in range(-(-sets // SLOTS)):
        batch = template.run(np.random.default_rng([seed, number]))
        elements += batch.elements
        for kernel, wrong in zip(kernels, lines, strict=True):
            wrong += batch.mismatches(kernel)
    return elements, lines


def main(
    sets: Annotated[int, typer.Option(help="Parameter sets for each kernel.")] = 100_000,
    seed: Annotated[int, typer.Option()] = 1,
    only: Annotated[str, typer.Option(help="Only kernels with this in their name.")] = "",
) -> None:
    """Print a markdown table; exit with 1 where a kernel differs, with 4 without TFLM."""
    if "tflm" not in installed():
        typer.echo("tflite-micro is not installed", err=True)
        raise typer.Exit(CANNOT_RUN)
    sets = -(-sets // SLOTS) * SLOTS
    print("| kernel | parameter sets | numbers compared | sets that differ |")
    print("|---|--:|--:|--:|")
    wrong: Counter[int] = Counter()
    for kernels in models():
        if only not in kernels[0].name:
            continue
        elements, lines = compare(kernels, sets, seed)
        for precision, (kernel, each) in enumerate(zip(kernels, lines, strict=True)):
            wrong[-1 if len(kernels) == 1 else precision] += len(each)
            print(f"| {kernel.name} | {sets:,} | {elements:,} | {len(each):,} |", flush=True)
            typer.echo("".join(f"{line}\n" for line in each[:3]), err=True, nl=False)
    runtime().stop()
    right = [each.value for number, each in enumerate(Precision) if not wrong[number]]
    print(f"\nScales are combined in {' or '.join(right) or 'neither'} precision here.")
    raise typer.Exit(1 if wrong[-1] or not right else 0)


if __name__ == "__main__":
    typer.run(main)
