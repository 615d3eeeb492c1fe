"""Compares tflopt's models of the integer kernels with the real TFLM on random parameters.

A parameter set is a choice of scales, zero points and, where there are any, activation, slope and
window; it runs on 24 to 1,584 elements (all 256 values for operators of one input). Where versions
of TFLM combine scales in different precisions, one of them has to be right for all operators.

    python benchmarks/kernels.py --sets 100000
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.arith.other_kernels import OTHERS, others_in
from tests.arith.slots import Kernel, Template
from tests.arith.unary_kernels import UNARY, unary_in
from tests.support.runtime import runtime
from tflopt.arith.affine import Precision

SLOTS = 500


def compare(kernel: Kernel, sets: int, seed: int) -> tuple[int, list[str]]:
    """Parameter sets compared, and a line for each that differs."""
    template, lines = Template(kernel, SLOTS), []
    batches = -(-sets // SLOTS)
    for batch in range(batches):
        lines += template.mismatches(np.random.default_rng([seed, batch]))
    return batches * SLOTS, lines


def main(
    sets: Annotated[int, typer.Option(help="Parameter sets for each kernel.")] = 100_000,
    seed: Annotated[int, typer.Option()] = 1,
    only: Annotated[str, typer.Option(help="Only kernels with this in their name.")] = "",
) -> None:
    """Exit with 1 where a kernel differs."""
    kernels = [(kernel, "") for kernel in (*UNARY, *OTHERS)]
    for each in Precision:
        kernels += [(kernel, each.value) for kernel in (*unary_in(each), *others_in(each))]
    wrong: Counter[str] = Counter({each.value: 0 for each in Precision})
    for kernel, precision in kernels:
        if only not in kernel.name:
            continue
        start = time.perf_counter()
        count, lines = compare(kernel, sets, seed)
        wrong[precision] += len(lines)
        took = time.perf_counter() - start
        print(f"{kernel.name:26} {count:>8,} sets  {len(lines):>6,} differ  {took:6.1f} s")
        print("".join(f"    {line}\n" for line in lines[:3]), end="", flush=True)
    runtime().stop()
    either = min(wrong[each.value] for each in Precision)
    raise typer.Exit(1 if wrong[""] or either else 0)


if __name__ == "__main__":
    typer.run(main)
