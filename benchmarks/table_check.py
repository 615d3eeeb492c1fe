"""How far a core's cost table is off on layers that it was not fitted to, and on models.

    python benchmarks/table_check.py --target cortex-m33 --tflm-lib DIR [--seed 2] [--scale 0.1]

The table is the one that stands for the target (``docs/cost-model.md``), or with ``--table CORE``
that of another core with the same ISA. Prints markdown: for each row that the layers reach, how
many, and the median and the 90th percentile of the errors; then the models of ``--models``.
``--only NAME`` takes the groups whose name begins so. Exits with 4 without a library.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.calibration.fit import FLOOR  # noqa: E402
from benchmarks.calibration.grid import grid_of  # noqa: E402
from benchmarks.calibration.measure import measure, runner_for  # noqa: E402
from benchmarks.calibration.page import compare_models, model_paths  # noqa: E402
from benchmarks.calibration.table import Measured  # noqa: E402
from tflopt.target.cmsis_nn.versions import V4AB83CC  # noqa: E402
from tflopt.target.cost import predict_layer  # noqa: E402
from tflopt.target.cost.tables import table_for  # noqa: E402
from tflopt.target.device import Device  # noqa: E402


def errors_of(layers: Iterable[Measured], device: Device) -> dict[str, list[float]]:
    """For each row of the table the relative errors, counted as those of a fit."""
    found: dict[str, list[float]] = defaultdict(list)
    for layer in layers:
        predicted = predict_layer(layer.spec, device)
        if predicted.row:
            off = predicted.instructions - layer.instructions
            found[predicted.row].append(abs(off) / max(layer.instructions, FLOOR))
    return dict(sorted(found.items()))


def table_of(errors: Mapping[str, Sequence[float]]) -> str:
    """A line for each row, and one for all."""
    lines = ["| kernel | layers | median error | 90th percentile |", "|---|--:|--:|--:|"]
    every = [error for row in errors.values() for error in row]
    for name, row in (*errors.items(), ("all", every)):
        median, most = (f"{100 * float(np.quantile(row, share)):.1f} %" for share in (0.5, 0.9))
        lines.append(f"| {name} | {len(row)} | {median} | {most} |")
    return "\n".join(lines)


def main(
    target: Annotated[str, typer.Option(help="A core of which an emulator has a board.")],
    tflm_lib: Annotated[Path | None, typer.Option(help="The TFLM build of that core.")] = None,
    cmsis_nn: Annotated[str, typer.Option(help="The CMSIS-NN in it.")] = V4AB83CC.name,
    seed: Annotated[int, typer.Option(help="Of the grid; the tables are of 1.")] = 2,
    scale: Annotated[float, typer.Option(help="More or fewer layers.")] = 0.1,
    jobs: Annotated[int, typer.Option(min=1)] = 1,
    only: Annotated[list[str] | None, typer.Option(help="Groups that begin so.")] = None,
    models: Annotated[list[Path] | None, typer.Option(help="Folders of models.")] = None,
    table: Annotated[str | None, typer.Option(help="Of this core, with the same ISA.")] = None,
) -> None:
    """Measure, compare, print."""
    device = Device.of(target, cmsis_nn)
    runner = runner_for(device, tflm_lib)
    grid = grid_of(only, seed, scale)
    found = measure(grid, runner, jobs)
    core = device if table is None else Device.of(table, cmsis_nn)
    held = table_for(core.target)
    print(f"{device.target} by the table of {held.core}: {found.compiler}\n")
    print(table_of(errors_of(found.layers(grid), core)), flush=True)
    if models:
        print(f"\n{compare_models(model_paths(models), runner, device, held)}")


if __name__ == "__main__":
    typer.run(main)
