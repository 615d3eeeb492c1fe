"""Arena and instructions of real models before and after, measured on QEMU; and predicted.

    python benchmarks/field_measured.py --m4 DIR --m55 DIR [--counts FILE] [--only NAME] [--write]

Optimizes each model of ``shared/field/models`` with default options for Cortex-M4 and Cortex-M55,
and for TFLM alone, and runs original and results with the TFLM build of either core. ``--counts``
keeps what was measured, by the file's digest, and measures only what it doesn't have. ``--write``
puts the tables into ``docs/field-models.md``. Exits with 4 where the folder is absent.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.arena_floor import arena_floor  # noqa: E402
from benchmarks.field import is_integer  # noqa: E402
from benchmarks.field_page import CANNOT_RUN, CORES, folders, write_measured  # noqa: E402
from tflopt.cli.device import choose_device  # noqa: E402
from tflopt.config import Config, Runtime  # noqa: E402
from tflopt.errors import TfloptError, printable  # noqa: E402
from tflopt.io import read_bytes  # noqa: E402
from tflopt.ir import Model  # noqa: E402
from tflopt.product.bench import measure  # noqa: E402
from tflopt.product.optimize import Settings, optimize_file_bytes  # noqa: E402
from tflopt.run.choose import DeviceOptions  # noqa: E402
from tflopt.run.device import DeviceRunner  # noqa: E402
from tflopt.target.cost import ModelPrediction, predict_model  # noqa: E402
from tflopt.target.cost.runs import ONCE  # noqa: E402
from tflopt.target.device import Device  # noqa: E402

NEAR = 0.05
"""How far a prediction may be off."""
LIKE = 0.01
"""By which part results differ that are told apart."""
HEAD = """
`python benchmarks/field_measured.py --m4 DIR --m55 DIR --write`, with a TFLM build for each core
([micro-runner.md](micro-runner.md)): every model that runs there, before and after, on QEMU. Arena
is what `arena_used_bytes()` says. The medians are over the integer models.
"""
ALONE = """### For TFLM alone

The same with `--runtime tflm`, where arena or instructions differ by a percent or more from those
above; the medians are over all integer models.
"""
ERRORS = """### Predicted against measured

Instructions of one inference. Where a kernel's work depends on the data (LOGISTIC, TANH, SOFTMAX,
rounding in TFLM's own loops) a prediction has a range; what is measured outside of it is marked. In
parentheses, where it is another: the error of all operators without such a range.
"""


@dataclass(frozen=True)
class Count:
    """What one file took on a core, and what was predicted."""

    size_bytes: int
    arena_bytes: int
    instructions: int
    predicted: int
    least: int
    most: int | None
    floor_bytes: int
    steady: tuple[int, int]
    """As predicted and as measured, of the operators whose work doesn't depend on the data."""

    @property
    def error(self) -> float:
        """Predicted over measured, less one."""
        return self.predicted / max(1, self.instructions) - 1

    def shown(self) -> str:
        """The errors, of all and of what is steady, as a cell shows them."""
        predicted, measured = self.steady
        cell, steady = _percent(self.error), _percent(predicted / max(1, measured) - 1)
        if self.least != self.most and steady != cell:
            cell += f" ({steady})"
        return cell if self.within else f"{cell} outside"

    @property
    def within(self) -> bool:
        """Whether the range of the prediction, widened by ``NEAR``, holds what was measured."""
        low = self.least * (1 - NEAR) <= self.instructions
        return low and (self.most is None or self.instructions <= self.most * (1 + NEAR))


def _percent(error: float) -> str:
    return f"{100 * error:+.1f} %"


@dataclass(frozen=True)
class Row:
    """One model: original and result by core, or why there is none."""

    name: str
    is_integer: bool = False
    pairs: dict[str, tuple[Count, Count]] = field(default_factory=dict)
    note: str = ""

    def is_like(self, other: Row) -> bool:
        """Whether results take nearly the same arena and instructions."""
        results = [(self.pairs[core][1], other.pairs[core][1]) for core in self.pairs]
        takes = [(one.arena_bytes, two.arena_bytes) for one, two in results]
        takes += [(one.instructions, two.instructions) for one, two in results]
        return all(abs(two - one) < LIKE * one for one, two in takes)

    def parts(self) -> list[float]:
        """File, then arena and instructions by core, as parts of the original's."""
        pairs = [self.pairs[core] for core in CORES]
        old, new = pairs[-1]
        found = [new.size_bytes / old.size_bytes]
        found += [new.arena_bytes / old.arena_bytes for old, new in pairs]
        return found + [new.instructions / max(1, old.instructions) for old, new in pairs]

    def cells(self) -> list[str]:
        """The line of the first table."""
        if not self.pairs:
            return [self.name, self.note, *[""] * (len(HEADS) - 2)]
        cells = [self.name, "integer" if self.is_integer else "other"]
        numbers = [f"{part:.3f}" for part in self.parts()]
        cells.append(numbers.pop(0))
        for which in ("arena_bytes", "instructions"):
            for core in CORES:
                old, new = (getattr(count, which) for count in self.pairs[core])
                cells.append(f"{old:,} -> {new:,} ({numbers.pop(0)})")
        return cells

    def floors(self) -> list[float]:
        """By core what the arena takes, and what it takes at least, as parts of the original's."""
        pairs = [self.pairs[core] for core in CORES]
        sizes = [(old.arena_bytes, new.arena_bytes, new.floor_bytes) for old, new in pairs]
        return [part / old for old, new, floor in sizes for part in (new, floor)]

    def errors(self) -> list[str]:
        """The line of the second table."""
        cells = [self.name]
        for core in CORES:
            cells += [count.shown() for count in self.pairs[core]]
        return cells


HEADS = ["model", "kind", "file"]
HEADS += [f"{what}, {core}" for what in ("arena", "instructions") for core in ("M4", "M55")]
ERROR_HEADS = [
    "model",
    *(f"{core}, {which}" for core in ("M4", "M55") for which in ("before", "after")),
]


FLOORS = """### What no plan is below

The arena of a result, and what its neediest operator needs by itself (inputs, outputs and scratch,
which share bytes as far as all kernels bear it) with what TFLM keeps beside it: no order of these
operators and no plan takes less. As parts of the original's arena.
"""
FLOOR_HEADS = [
    "model",
    *(f"{core}, {which}" for core in ("M4", "M55") for which in ("arena", "least")),
]


class Counts:
    """Measurements by core and digest, kept in a file where one is named."""

    def __init__(self, runners: dict[str, DeviceRunner], path: Path | None) -> None:
        self.runners, self.path = runners, path
        known = path is not None and path.exists()
        self.known: dict[str, list[int]] = json.loads(path.read_text()) if path and known else {}

    def of(self, model: Model, data: bytes, core: str) -> Count:
        """Measure a file, unless that was done.

        Raises:
            RunnerError: it doesn't run.
        """
        key = f"{core} {sha256(data).hexdigest()}"
        if key not in self.known:
            self.known[key] = _measured(data, self.runners[core])
            if self.path is not None:
                self.path.write_text(json.dumps(self.known))
        arena, instructions, *operators = self.known[key]
        told = predict_model(model, Device.of(core))
        return Count(
            len(data),
            arena,
            instructions,
            told.instructions,
            told.least_instructions,
            told.most_instructions,
            arena_floor(model, Device.of(core)),
            _steady(told, operators),
        )


def _measured(data: bytes, runner: DeviceRunner) -> list[int]:
    """Arena, instructions, and those of each operator of the main graph."""
    model = read_bytes(data)
    (found,) = measure([(model, data)], runner)
    operators = [0] * len(model.main.ops)
    for each in found.operators:
        operators[each.index] = each.count
    used = None if found.report is None else found.report.arena_used_bytes
    return [used or 0, found.total, *operators]


def _steady(told: ModelPrediction, operators: Sequence[int]) -> tuple[int, int]:
    """Predicted and measured, of operators without a range that run once."""
    main = (row for row in told.rows if row.subgraph == 0 and row.runs == ONCE)
    steady = [row for row in main if row.prediction.least == row.prediction.most]
    predicted = sum(row.prediction.instructions for row in steady)
    return predicted, sum(operators[row.index] for row in steady)


def row_of(path: Path, counts: Counts, runtime: Runtime = Runtime.BOTH) -> Row:
    """One model on each core."""
    data, pairs = path.read_bytes(), {}
    try:
        model = read_bytes(data, path.name)
        for core in CORES:
            config = Config(device=Device.of(core), runtime=runtime)
            settings = Settings(config=config, samples=None)
            before = counts.of(model, data, core)
            result = optimize_file_bytes(read_bytes(data, path.name), data, settings)
            pairs[core] = (before, counts.of(result.model, result.data, core))
    except TfloptError as error:
        first = printable(str(error)).splitlines()[0].replace("|", "/")
        return Row(path.stem, note=first.split(" (last output")[0])
    return Row(path.stem, is_integer(model), pairs)


def medians(parts: Iterable[Sequence[float]]) -> list[str]:
    """Column by column."""
    return [f"**{median(column):.3f}**" for column in zip(*parts, strict=True)]


def tables(rows: Sequence[Row], alone: Sequence[Row]) -> str:
    """All tables as markdown; ``alone`` are the same models for TFLM alone."""
    ran = [row for row in rows if row.pairs]
    integer = [row for row in ran if row.is_integer]
    first = f"median of {len(integer)}"
    lines = [HEAD.rstrip(), "", *_table(HEADS, (row.cells() for row in rows))]
    lines.append(_line([first, "integer", *medians(row.parts() for row in integer)]))
    others = [two for one, two in zip(rows, alone, strict=True) if not one.is_like(two)]
    lines += ["", ALONE.rstrip(), "", *_table(HEADS, (row.cells() for row in others))]
    parts = [row.parts() for row in alone if row.pairs and row.is_integer]
    lines.append(_line([first, "integer", *medians(parts)]))
    floors = [[row.name, *(f"{part:.3f}" for part in row.floors())] for row in integer]
    floors.append([first, *medians(row.floors() for row in integer)])
    lines += ["", FLOORS.rstrip(), "", *_table(FLOOR_HEADS, floors)]
    lines += ["", ERRORS.rstrip(), "", *_table(ERROR_HEADS, (row.errors() for row in ran))]
    return "\n".join(lines) + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _line(heads)
    yield "|" + "---|" * len(heads)
    for cells in rows:
        yield _line(cells)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main(
    m4: Annotated[Path, typer.Option(help="The TFLM build for Cortex-M4.")],
    m55: Annotated[Path, typer.Option(help="The TFLM build for Cortex-M55.")],
    counts: Annotated[Path | None, typer.Option(help="Where measurements are kept.")] = None,
    only: Annotated[str, typer.Option(help="Only models whose name has this.")] = "",
    write: Annotated[bool, typer.Option("--write", help="Renew docs/field-models.md.")] = False,
) -> None:
    """Measure every model and print the tables, or write them."""
    found = folders()
    if not found:
        print("shared/field/models is absent", file=sys.stderr)
        raise typer.Exit(CANNOT_RUN)
    runners = {
        core: choose_device("qemu", DeviceOptions(Device.of(core).target, library))
        for core, library in zip(CORES, (m4, m55), strict=True)
    }
    known, rows, alone = Counts(runners, counts), [], []
    paths = [path for path in found[-1].glob("*.tflite") if only in path.stem]
    for path in sorted(paths, key=lambda path: path.stem.lower()):
        rows.append(row_of(path, known))
        alone.append(row_of(path, known, Runtime.TFLM))
        for row in (rows[-1], alone[-1]):
            print(_line(row.cells()), file=sys.stderr, flush=True)
    if write:
        write_measured(tables(rows, alone))
    else:
        print(tables(rows, alone), end="")


if __name__ == "__main__":
    typer.run(main)
