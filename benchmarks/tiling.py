"""Layers in bands: random networks at random cuts, and what models that people use gain.

    python benchmarks/tiling.py --random 2000 [--first 0]
    python benchmarks/tiling.py [--target cortex-m4] [--slowdown 10] [--tflm-lib DIR] [MODEL...]

Seeded convolutional networks (residuals, branches, odd sizes, strides 1 to 3, kernels 1 to 7,
dilation, SAME and VALID) run on TFLM as they are and in bands at random cuts, each with its
memory plan in force; exits with 1 where an output differs. Else a row of markdown for each model
of ``../shared``, of which only those are shown that gain: arena without bands and with, both with a
plan for this ISA, instructions and file against the same without bands, and the operators. With a
TFLM build of the core, arenas and instructions are those that QEMU counts, and whether the outputs
in bands are those of the original follows.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.field import measured_of
from tests.support.check_rule import check_same_outputs
from tests.support.conv_nets import random_net
from tests.tiling.test_random_cuts import draw, tiled
from tflopt.cli.device import choose_device
from tflopt.config import Goal, Tiling
from tflopt.errors import TfloptError
from tflopt.io import read_bytes, write_bytes
from tflopt.io.files import load
from tflopt.product.optimize import Result, Settings, optimize_file_bytes
from tflopt.run.choose import DeviceOptions
from tflopt.run.device import DeviceRunner
from tflopt.run.samples import SampleOptions
from tflopt.target import Target
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest
from tflopt.verify.compare import Candidate, compare

SHARED = Path(__file__).resolve().parents[2] / "shared"
FOLDERS = (SHARED / "models", SHARED / "field" / "models")
WORTH_A_ROW = 0.05
EVERY = 100
RUNS = 4
"""Inputs in a row on the emulated core."""


def main(
    models: Annotated[list[Path] | None, typer.Argument()] = None,
    count: Annotated[int, typer.Option("--random", min=0)] = 0,
    first: Annotated[int, typer.Option(min=0)] = 0,
    target: Annotated[str, typer.Option()] = "cortex-m55",
    slowdown: Annotated[float, typer.Option(min=0.0)] = 10.0,
    tflm_lib: Annotated[Path | None, typer.Option(help="The TFLM build of that core.")] = None,
) -> None:
    """One of both."""
    if count:
        raise typer.Exit(int(run_random(range(first, first + count)) > 0))
    device = Device(Target.parse(target))
    found = models or [path for each in FOLDERS for path in sorted(each.glob("*.tflite"))]
    runner = None
    if tflm_lib is not None:
        runner = choose_device("qemu", DeviceOptions(device.target, tflm_lib))
    run_models(found, device, slowdown / 100, runner)


def run_random(seeds: Sequence[int]) -> int:
    """How many networks failed."""
    bad = cut = segments = 0
    for number, seed in enumerate(seeds, 1):
        rng = random.Random(seed)
        model = read_bytes(write_bytes(random_net(rng, in_time=seed % 4 == 0)))
        copy, chosen = None, draw(rng, model)
        while copy is None:
            copy = tiled(model, chosen) if chosen else None
            chosen = chosen if copy is not None else draw(rng, model)
        cut, segments = cut + 1, segments + len(chosen)
        try:
            check_same_outputs(model, copy, ("tflm",))
        except BaseException as failure:  # pytest.fail and assertions
            if isinstance(failure, KeyboardInterrupt):
                raise
            bad += 1
            print(f"seed {seed}: {failure}", flush=True)
        if number % EVERY == 0 or number == len(seeds):
            print(f"{cut:,} networks, {segments:,} segments in bands: {bad} failed", flush=True)
    return bad


def run_models(
    models: Sequence[Path], device: Device, slowdown: float, runner: DeviceRunner | None
) -> None:
    """A table."""
    extra = "| outputs " if runner else ""
    print(f"| model | arena | in bands | instructions | file | operators {extra}|")
    print("|---|--:|--:|--:|--:|--:|" + "---|" * bool(extra))
    for path in models:
        try:
            row = _row(path, device, slowdown, runner)
        except TfloptError as error:
            row = f"| {path.stem} | {error} |"
        if row:
            print(row, flush=True)


def _row(path: Path, device: Device, slowdown: float, runner: DeviceRunner | None) -> str:
    model, data = load(path)
    plain = Settings(samples=None)
    config = replace(
        plain.config, device=device, goal=Goal.MEMORY, plan=PlanRequest(overlap="target")
    )
    without, banded = (
        optimize_file_bytes(model, data, replace(plain, config=replace(config, tiling=tiling)))
        for tiling in (None, Tiling(slowdown))
    )
    old, new = (_numbers(each, device) for each in (without, banded))
    if new[0] > (1 - WORTH_A_ROW) * old[0]:
        return ""
    told = []
    if runner is not None:
        measured = measured_of([without.data, banded.data], runner)
        old, new = (
            (each.arena_bytes, each.instructions, *last[2:])
            for each, last in zip(measured, (old, new), strict=True)
        )
        pair = Candidate(model, data), Candidate(read_bytes(banded.data), banded.data)
        told = [compare(*pair, runner=runner, options=SampleOptions(RUNS)).status]
    cells = [
        f"{old[0]:,}",
        f"{new[0]:,}",
        *(f"{b / a - 1:+.1%}" for a, b in zip(old[1:3], new[1:3], strict=True)),
    ]
    return f"| {' | '.join([path.stem, *cells, f'{old[3]} -> {new[3]}', *told])} |"


def _numbers(result: Result, device: Device) -> tuple[int, int, int, int]:
    """Arena, instructions, file and operators."""
    memory = result.memory_after
    arena = 0 if memory is None else memory.arena.minimum_bytes
    work = predict_model(result.model, device).instructions
    return arena, work, len(result.data), len(result.model.main.ops)


if __name__ == "__main__":
    typer.run(main)
