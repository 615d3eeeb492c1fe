"""``tflopt explore``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from tflopt.cli.common import (
    FITTING_CMSIS_NN,
    FOR_SPEED,
    NEWEST_TFLM,
    AsJson,
    BuildName,
    CmsisNnName,
    ModelPath,
    Quiet,
    RuntimeName,
    TargetName,
    TflmName,
    load,
    make_device,
)
from tflopt.config import Config, Runtime
from tflopt.ir import Model
from tflopt.product.choose import cost_of_original, memory_within
from tflopt.product.explore import Point, explore
from tflopt.product.growth import unknown_notes
from tflopt.product.settings import DEFAULT_TARGET, Settings
from tflopt.report.chart import chart, names
from tflopt.report.json_report import dumps, heading
from tflopt.target.device import Device


def frontier(
    model: ModelPath,
    target: TargetName = DEFAULT_TARGET,
    cmsis_nn: CmsisNnName = FITTING_CMSIS_NN,
    tflm: TflmName = NEWEST_TFLM,
    build: BuildName = FOR_SPEED,
    runtime: RuntimeName = Runtime.BOTH,
    effort: Annotated[
        float,
        typer.Option("--effort", min=0.0, max=100.0, help="How many points to seek; 1: default."),
    ] = 1.0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show which arena, file size and instructions a model can have, and the command for each.

    Every point is a bit-exact result that none of the others beats in all three. Nothing is
    written or verified: the command does both.
    """
    original, data = load(model)
    device = make_device(target, cmsis_nn, tflm, build)
    settings = Settings(config=Config(runtime, device=device), samples=None)
    start = Point(cost_of_original(original, data, settings), ())
    points = _explore(original, data, settings, effort, show=not quiet)
    common = _common(device, runtime)
    if as_json:
        digest = sha256(data).hexdigest()
        typer.echo(dumps(_json((model, digest), device, start, points, common)), nl=False)
    elif not quiet:
        _print(model, start, points, common)
        for note in unknown_notes(memory_within(original, settings)):
            typer.echo(f"note: {note}")


def _common(device: Device, runtime: Runtime) -> tuple[str, ...]:
    """The options that every command needs: those that aren't the default."""
    pairs = {
        "--target": (str(device.target), DEFAULT_TARGET),
        "--cmsis-nn": (device.kernels.version, device.runtime.cmsis_nn),
        "--tflm": (device.runtime.name, NEWEST_TFLM),
        "--build": (str(device.build), FOR_SPEED),
        "--runtime": (runtime.value, Runtime.BOTH.value),
    }
    chosen = ((name, value) for name, (value, usual) in pairs.items() if value != usual)
    return tuple(word for pair in chosen for word in pair)


def _command(model: Path, point: Point, common: Sequence[str]) -> list[str]:
    return ["tflopt", "optimize", str(model), *common, *point.options]


def _explore(
    original: Model, data: bytes, settings: Settings, effort: float, *, show: bool
) -> list[Point]:
    from rich.console import Console

    console = Console(stderr=True)
    spins = console.is_terminal and show
    with console.status("exploring") if spins else nullcontext() as status:
        return explore(
            original,
            data,
            settings,
            progress=lambda text: None if status is None else status.update(text),
            effort=effort,
        )


def _json(
    file: tuple[Path, str],
    device: Device,
    start: Point,
    points: Sequence[Point],
    common: Sequence[str],
) -> dict[str, object]:
    model, digest = file
    return {
        **heading(device),
        "model": str(model),
        "sha256": digest,
        "original": _numbers(start),
        "points": [
            {**_numbers(point), "command": _command(model, point, common)} for point in points
        ],
    }


def _numbers(point: Point) -> dict[str, int]:
    work, flash, arena = point.cost.numbers
    return {"arena_bytes": arena, "flash_bytes": flash, "instructions": work}


def _print(model: Path, start: Point, points: Sequence[Point], common: Sequence[str]) -> None:
    from rich.text import Text

    from tflopt.report.style import make_console, table

    console = make_console()
    for line in chart(points, start):
        console.print(Text(line))
    console.print()
    grid = table("", "arena", "flash", "instructions", "options")
    rows = [*zip(names(len(points)), points, strict=True), ("*", start)]
    for name, point in rows:
        work, flash, arena = point.cost.numbers
        options = " ".join(point.options) or ("none" if name != "*" else "the original")
        grid.add_row(name, f"{arena:,}", f"{flash:,}", f"{work:,}", options)
    console.print(grid)
    console.print(Text(f"each: {shlex.join(['tflopt', 'optimize', str(model), *common])} OPTIONS"))
