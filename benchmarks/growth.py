"""How the time and memory of ``optimize`` grow with the number of operators.

``python benchmarks/growth.py`` prints CPU seconds and peak memory of families of models at three
sizes, and the exponent between the last two: 1 is linear. It fails where one is above the limit.
Each run is a process of its own, without a runtime (``--no-verify``). ``--before FOLDER`` measures
another version's source in the same run.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tflopt.io import write
from tflopt.ir import Buffer, DType, Model, OpCode, Value
from tflopt.ir.builder import Builder
from tflopt.ir.options import (
    AddOptions,
    ConcatenationOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    IfOptions,
    ReshapeOptions,
    SliceOptions,
    UnpackOptions,
)

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 1.3
FLOOR_S = 0.5
"""Below it the process's start dominates, and an exponent says nothing."""
CHILD = """
import resource, sys
import tflopt.cli.main as main
start = resource.getrusage(resource.RUSAGE_SELF)
try:
    main.run()
except SystemExit as end:
    code = end.code or 0
end = resource.getrusage(resource.RUSAGE_SELF)
spent = end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(code, spent, int(peak.split()[1]) >> 10, file=sys.stderr)
"""
"""``ru_maxrss`` holds the peak of what starts it too; ``VmHWM`` is the program's own."""
QUANT = (0.05, 3)


def alive_at_once(count: int) -> Model:
    """Many tensors that all wait for the end."""
    b = Builder()
    x = b.input((1, 4), quant=QUANT)
    made = [b.op(OpCode.LOGISTIC, [x], (1, 4), quant=(1 / 256, -128)) for _ in range(count)]
    for first, second in zip(made, reversed(made), strict=True):
        options = AddOptions()
        b.output(b.op(OpCode.ADD, [first, second], (1, 4), options=options, quant=QUANT))
    return b.model


def one_read_often(count: int) -> Model:
    """One value with many readers."""
    b = Builder()
    x = b.op(OpCode.LOGISTIC, [b.input((1, 4), quant=QUANT)], (1, 4), quant=(1 / 256, -128))
    b.output(*(b.op(OpCode.RELU, [x], (1, 4)) for _ in range(count)))
    return b.model


def sliced_and_joined(count: int) -> Model:
    """Many SLICEs of one value that one CONCATENATION joins in another order."""
    b = Builder()
    x = b.input((1, count, 4), quant=QUANT)
    size = b.constant([1, 1, 4])
    parts = [
        b.op(OpCode.SLICE, [x, b.constant([0, i, 0]), size], (1, 1, 4), options=SliceOptions())
        for i in reversed(range(count))
    ]
    options = ConcatenationOptions(axis=1)
    b.output(b.op(OpCode.CONCATENATION, parts, (1, count, 4), options=options))
    return b.model


def mixed(count: int) -> Model:
    """Blocks of convolution, depthwise convolution, ADD, RELU and RESHAPE, one after another."""
    b, rng = Builder(), np.random.default_rng(0)
    x = b.input((1, 4, 4, 4), quant=QUANT)
    for _ in range(count // 6):
        x = _block(b, x, rng)
    b.output(x)
    return b.model


def _block(b: Builder, x: Value, rng: np.random.Generator) -> Value:
    conv = Conv2DOptions(stride_w=1, stride_h=1)
    weights = b.constant(rng.integers(-127, 127, (4, 1, 1, 4)), DType.INT8, (0.01, 0))
    bias = b.constant(rng.integers(-9, 9, 4), quant=(0.0005, 0))
    y = b.op(OpCode.CONV_2D, [x, weights, bias], x.shape, options=conv, quant=(0.06, 1))
    deep = DepthwiseConv2DOptions(stride_w=1, stride_h=1, depth_multiplier=1)
    taps = b.constant(rng.integers(-127, 127, (1, 3, 3, 4)), DType.INT8, (0.01, 0))
    y = b.op(OpCode.DEPTHWISE_CONV_2D, [y, taps, bias], x.shape, options=deep, quant=(0.07, 0))
    y = b.op(OpCode.RELU, [y], x.shape)
    y = b.op(OpCode.ADD, [y, x], x.shape, options=AddOptions(), quant=QUANT)
    flat = b.op(OpCode.RESHAPE, [y, b.constant([1, 64])], (1, 64), options=ReshapeOptions((1, 64)))
    back = ReshapeOptions(x.shape)
    return b.op(OpCode.RESHAPE, [flat, b.constant(x.shape)], x.shape, options=back)


def no_two_alike(count: int) -> Model:
    """Convolution, LOGISTIC and ADD in turns, each with weights of its own: nothing merges."""
    b, rng = Builder(), np.random.default_rng(0)
    x = b.input((1, 4, 4, 8), quant=QUANT)
    conv, out = Conv2DOptions(stride_w=1, stride_h=1), (1 / 256, -128)
    for _ in range(count // 3):
        weights = b.constant(rng.integers(-127, 127, (8, 1, 1, 8)), DType.INT8, (0.01, 0))
        bias = b.constant(rng.integers(-9, 9, 8), quant=(0.0005, 0))
        inputs = [x, weights, bias]
        y = b.op(OpCode.CONV_2D, inputs, x.shape, options=conv, quant=(0.06, 1))
        y = b.op(OpCode.LOGISTIC, [y], x.shape, quant=out)
        x = b.op(OpCode.ADD, [y, x], x.shape, options=AddOptions(), quant=QUANT)
    b.output(x)
    return b.model


def read_in_reverse(count: int) -> Model:
    """A chain whose tensors are all read again at the end, the last one first."""
    b = Builder()
    x = b.input((1, 4), quant=QUANT)
    made = []
    for number in range(count):
        code, quant = (
            (OpCode.LOGISTIC, (1 / 256, -128)) if number % 2 else (OpCode.TANH, (1 / 128, 0))
        )
        x = b.op(code, [x], (1, 4), quant=quant)
        made.append(x)
    for value in reversed(made[:-1]):
        x = b.op(OpCode.ADD, [x, value], (1, 4), options=AddOptions(), quant=QUANT)
    b.output(x)
    return b.model


def requantized(count: int) -> Model:
    """QUANTIZE after QUANTIZE, which no one operator does together."""
    b = Builder()
    x = b.input((1, 4), quant=QUANT)
    for number in range(count):
        x = b.op(OpCode.QUANTIZE, [x], (1, 4), quant=(0.05 + 0.001 * (number % 7), number % 5))
    b.output(x)
    return b.model


def views_read(count: int) -> Model:
    """Views of views, each of which is read besides."""
    b = Builder()
    x = b.input((4, 4), quant=QUANT)
    for number in range(count // 2):
        shape = [(16,), (2, 8), (4, 4), (1, 16)][number % 4]
        x = b.op(OpCode.RESHAPE, [x, b.constant(shape)], shape, options=ReshapeOptions(shape))
        b.output(b.op(OpCode.LOGISTIC, [x], shape, quant=(1 / 256, -128)))
    return b.model


def unpacked(count: int) -> Model:
    """One UNPACK with many outputs, each of which is read once."""
    b = Builder()
    x = b.input((count, 4), quant=QUANT)
    options = UnpackOptions(num=count, axis=0)
    for part in b.ops(OpCode.UNPACK, [x], [(4,)] * count, options):
        b.output(b.op(OpCode.RELU, [part], (4,)))
    return b.model


def branched(count: int) -> Model:
    """A ladder of IFs, each with two subgraphs of its own."""
    model = Model(buffers=[Buffer()])
    b = Builder(model)
    x, condition = b.input((4,), quant=QUANT), b.input((1,), DType.BOOL)
    value = x
    for number in range(count):
        options = IfOptions(then_subgraph_index=2 * number + 1, else_subgraph_index=2 * number + 2)
        inputs = [condition, value]
        value = b.op(OpCode.IF, inputs, (4,), options=options, dtype=x.dtype, quant=x.quant)
    b.output(value)
    for _ in range(count):
        for code in (OpCode.RELU, OpCode.LOGISTIC):
            inner = Builder(model)
            read = inner.input((4,), quant=QUANT)
            quant = QUANT if code is OpCode.RELU else (1 / 256, -128)
            inner.output(inner.op(code, [read], (4,), quant=quant))
    return model


@dataclass(frozen=True)
class Family:
    """Models of one kind, and the sizes that are measured."""

    build: Callable[[int], Model]
    sizes: Sequence[int]


FAMILIES = {
    "mixed": Family(mixed, (300, 600, 1200)),
    "no two alike": Family(no_two_alike, (300, 600, 1200)),
    "read in reverse": Family(read_in_reverse, (100, 200, 400)),
    "alive at once": Family(alive_at_once, (100, 200, 400)),
    "one value read often": Family(one_read_often, (100, 200, 400)),
    "requantized in a row": Family(requantized, (225, 450, 900)),
    "views that are read": Family(views_read, (150, 300, 600)),
    "slices joined again": Family(sliced_and_joined, (75, 150, 300)),
    "unpacked": Family(unpacked, (256, 512, 1024)),
    "branches": Family(branched, (50, 100, 200)),
}


@dataclass(frozen=True)
class Measured:
    """One run."""

    seconds: float
    peak_mib: int


def measure(model: Model, folder: Path, source_tree: Path | None = None) -> Measured:
    """Optimize in a process of its own, with this version or another one's source.

    Raises:
        RuntimeError: the command failed.
    """
    source = folder / "in.tflite"
    write(model, source)
    arguments = ["optimize", "--no-verify", "-q", "-o", str(folder / "out.tflite"), str(source)]
    command = [sys.executable, "-c", CHILD, *arguments]
    as_installed = {"PYTHONPATH": str(source_tree or ROOT), "PYTHONDONTWRITEBYTECODE": ""}
    env = {**os.environ, **as_installed}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, env=env)
    code, seconds, peak = done.stderr.split()[-3:]
    if code != "0":
        raise RuntimeError(done.stderr)
    return Measured(float(seconds), int(peak))


def exponent(sizes: Sequence[int], runs: Sequence[Measured]) -> float | None:
    """Of time over the number of operators, between the two largest; None where both are short."""
    before, last = runs[-2], runs[-1]
    if last.seconds < FLOOR_S:
        return None
    ratio = max(last.seconds, 1e-3) / max(before.seconds, 1e-3)
    return math.log(ratio) / math.log(sizes[-1] / sizes[-2])


def table(found: dict[str, list[Measured]], families: dict[str, Family]) -> list[str]:
    """The page's rows."""
    lines = ["| family | operators: CPU seconds, peak MiB | exponent |", "|---|---|---:|"]
    for name, runs in found.items():
        sizes = families[name].sizes
        cells = ", ".join(
            f"{size:,}: {run.seconds:.1f} s, {run.peak_mib}"
            for size, run in zip(sizes, runs, strict=True)
        )
        power = exponent(sizes, runs)
        lines.append(f"| {name} | {cells} | {'' if power is None else f'{power:.2f}'} |")
    return lines


def main() -> int:
    """Exit code 1 where a family grows faster than the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=FAMILIES, action="append")
    parser.add_argument("--before", type=Path, help="source of another version, measured as well")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies all sizes")
    arguments = parser.parse_args()
    chosen = {
        name: Family(family.build, [round(size * arguments.scale) for size in family.sizes])
        for name, family in FAMILIES.items()
        if not arguments.only or name in arguments.only
    }
    with TemporaryDirectory(prefix="tflopt-growth-") as folder:
        for source_tree in {None, arguments.before}:
            measure(mixed(6), Path(folder), source_tree)  # compiles the modules
    found: dict[str, list[Measured]] = {}
    before: dict[str, list[Measured]] = {}
    for name, family in chosen.items():
        with TemporaryDirectory(prefix="tflopt-growth-") as folder:
            models = [family.build(size) for size in family.sizes]
            found[name] = [measure(model, Path(folder)) for model in models]
            if arguments.before is not None:
                others = [measure(model, Path(folder), arguments.before) for model in models]
                before[name] = others
    for title, runs in (("", found), ("Before:", before)):
        if runs:
            sys.stdout.write("\n".join([title, *table(runs, chosen)]).lstrip() + "\n")
    powers = {name: exponent(chosen[name].sizes, runs) for name, runs in found.items()}
    bad = {name: power for name, power in powers.items() if power is not None and power > LIMIT}
    for name, power in bad.items():
        sys.stderr.write(f"{name}: time grows with the power {power:.2f}, more than {LIMIT}\n")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
