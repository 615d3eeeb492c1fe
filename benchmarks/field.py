"""How far defaults change a folder of models: file, arena, instructions, and their medians.

    python benchmarks/field.py FOLDER [--target cortex-m55] [--only NAME] [--tflm-lib DIR]

Prints a markdown table: each number of the result as a part of the original's. The medians are over
the integer models, which have hardly any float operators. With the TFLM build of
a core, each model and its result run on QEMU, and the measured parts follow. A model that tflopt
refuses is named with the reason. Exits with 4 without the folder.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tflopt.cli.device import choose_device  # noqa: E402
from tflopt.config import Config  # noqa: E402
from tflopt.errors import TfloptError  # noqa: E402
from tflopt.io import read, read_bytes  # noqa: E402
from tflopt.io.files import load  # noqa: E402
from tflopt.ir import DType, Model  # noqa: E402
from tflopt.product.bench import measure  # noqa: E402
from tflopt.product.optimize import Settings, optimize_file_bytes  # noqa: E402
from tflopt.run.choose import DeviceOptions  # noqa: E402
from tflopt.run.device import DeviceRunner  # noqa: E402
from tflopt.target.cost import predict_model  # noqa: E402
from tflopt.target.device import Device  # noqa: E402
from tflopt.target.memory import PlanRequest, memory_of  # noqa: E402

CANNOT_RUN = 4
FIELDS = ("file_bytes", "arena_bytes", "instructions")
FLOAT_SHARE = 0.1
"""Of the operators; a model with more is none of integers."""


@dataclass(frozen=True)
class Numbers:
    """What one file takes; instructions and arena as predicted or as measured."""

    file_bytes: int
    arena_bytes: int
    instructions: int


@dataclass(frozen=True)
class Row:
    """One model, before and after; ``measured`` where a library is at hand."""

    name: str
    is_integer: bool
    before: Numbers
    after: Numbers
    measured: tuple[Numbers, Numbers] | None = None
    note: str = ""

    def parts(self) -> list[float]:
        """File, arena and instructions of the result, as parts of the original's; then measured."""
        found = [_part(self.after, self.before, name) for name in FIELDS]
        if self.measured is not None:
            old, new = self.measured
            found += [_part(new, old, name) for name in FIELDS[1:]]
        return found


def _part(new: Numbers, old: Numbers, field: str) -> float:
    return float(getattr(new, field)) / max(1.0, float(getattr(old, field)))


def is_integer(model: Model) -> bool:
    """Whether nearly all operators handle integers; converters leave floats at the ends."""
    ops = list(model.ops())
    floats = sum(any(v.dtype is DType.FLOAT32 for v in op.outputs) for op in ops)
    return floats < FLOAT_SHARE * max(1, len(ops)) + 2


def numbers_of(model: Model, size: int, device: Device) -> Numbers:
    """As predicted."""
    arena = memory_of(model, device).arena.minimum_bytes
    return Numbers(size, arena, predict_model(model, device).instructions)


def measured_of(files: Sequence[bytes], runner: DeviceRunner) -> list[Numbers]:
    """As the emulator reports them."""
    benches = measure([(read_bytes(data), data) for data in files], runner)
    found = []
    for data, bench in zip(files, benches, strict=True):
        used = None if bench.report is None else bench.report.arena_used_bytes
        found.append(Numbers(len(data), used or 0, bench.total))
    return found


def row_of(path: Path, device: Device, runner: DeviceRunner | None) -> Row:
    """Optimize one model with defaults; of what is refused, the reason."""
    try:
        model, data = load(path)
        before = numbers_of(read(path), len(data), device)
        integer = is_integer(model)
        settings = Settings(config=Config(device=device, plan=PlanRequest()), samples=None)
        result = optimize_file_bytes(model, data, settings).data
        after = numbers_of(read_bytes(result), len(result), device)
        pair = None
        if runner is not None:
            old, new = measured_of([data, result], runner)
            pair = (old, new)
    except TfloptError as error:
        nothing = Numbers(1, 1, 1)
        return Row(path.stem, False, nothing, nothing, None, f"refused: {error.__class__.__name__}")
    return Row(path.stem, integer, before, after, pair)


def medians(rows: Sequence[Row]) -> list[str]:
    """Over the integer models, column by column."""
    parts = [row.parts() for row in rows if row.is_integer and not row.note]
    return [f"{median(column):.3f}" for column in zip(*parts, strict=True)] if parts else []


def _cells(row: Row) -> list[str]:
    kind = "integer" if row.is_integer else "other"
    return [row.name, row.note or kind, *(f"{part:.3f}" for part in row.parts())]


def main(
    folder: Path,
    target: Annotated[str, typer.Option(help="A core.")] = "cortex-m55",
    only: Annotated[list[str] | None, typer.Option(help="Models whose name begins so.")] = None,
    tflm_lib: Annotated[Path | None, typer.Option(help="The TFLM build of that core.")] = None,
) -> None:
    """Print the table and the medians."""
    if not folder.is_dir():
        typer.echo(f"no folder {folder}", err=True)
        raise typer.Exit(CANNOT_RUN)
    device = Device.of(target)
    runner = None
    if tflm_lib is not None:
        runner = choose_device("qemu", DeviceOptions(device.target, tflm_lib))
    heads = ["model", "kind", "file", "arena", "predicted"]
    heads += ["arena, measured", "instructions, measured"] if runner else []
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    rows = []
    for path in sorted(folder.glob("*.tflite")):
        if only and not path.stem.startswith(tuple(only)):
            continue
        rows.append(row_of(path, device, runner))
        print(f"| {' | '.join(_cells(rows[-1]))} |", flush=True)
    count = sum(row.is_integer for row in rows)
    print(f"| **median of {count}** | integer | {' | '.join(medians(rows))} |")


if __name__ == "__main__":
    typer.run(main)
