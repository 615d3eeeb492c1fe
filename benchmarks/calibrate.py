"""Measure a grid of layers on an emulator and fit the cost table of a core to it.

    python benchmarks/calibrate.py --target cortex-m55 --tflm-lib DIR [--seed 1] [--jobs 2]

Writes ``tflopt/target/cost/tables/<core>.json`` and the core's part of ``docs/cost-model.md``: the
errors on held-out layers, and every model at hand as predicted and as measured. ``--counts FILE``
keeps what was measured, or fits to what the file has. ``--only NAME`` measures the groups whose
name begins so and replaces the rows that they reach with no fewer layers than before; the others
stay. Exits with 2 where the page has no place for the core (``docs/adding-a-core.md``), with 4
without a library.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.calibration.grid import grid_of  # noqa: E402
from benchmarks.calibration.measure import Counts, load, measure, runner_for, save  # noqa: E402
from benchmarks.calibration.page import (  # noqa: E402
    compare_models,
    has_place,
    model_paths,
    near,
    write_section,
)
from benchmarks.calibration.table import (  # noqa: E402
    Origin,
    errors_markdown,
    fit_table,
    merged,
    to_json,
)
from tflopt.run.device import DeviceRunner  # noqa: E402
from tflopt.target.cmsis_nn.versions import V4AB83CC  # noqa: E402
from tflopt.target.cost.tables import load_table, parse_table  # noqa: E402
from tflopt.target.device import Device  # noqa: E402

NO_PLACE = 2
TABLES = ROOT / "tflopt" / "target" / "cost" / "tables"
PAGE = ROOT / "docs" / "cost-model.md"
LIBRARY = "TFLM 90b983c"


def emulator_version(runner: DeviceRunner) -> str:
    """What the emulator says it is."""
    command = [str(runner.executable), "--version"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return text.split("(")[0].replace("emulator version ", "").strip()


def main(
    target: Annotated[str, typer.Option(help="A core, measured as itself.")] = "cortex-m55",
    tflm_lib: Annotated[Path | None, typer.Option(help="The TFLM build of that core.")] = None,
    cmsis_nn: Annotated[str, typer.Option(help="The CMSIS-NN in it.")] = V4AB83CC.name,
    seed: Annotated[int, typer.Option(help="Of the grid.")] = 1,
    scale: Annotated[float, typer.Option(help="More or fewer layers.")] = 1.0,
    jobs: Annotated[int, typer.Option(min=1)] = os.cpu_count() or 1,
    counts: Annotated[Path | None, typer.Option(help="Keep or reuse measurements.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Groups that begin so.")] = None,
    models: Annotated[list[Path] | None, typer.Option(help="Folders of models to compare.")] = None,
    write: Annotated[bool, typer.Option(help="Write the table and the page.")] = True,
) -> None:
    """Measure, fit, and write the table and the page."""
    device = Device.of(target, cmsis_nn)
    core = str(device.target)
    if write and not has_place(PAGE, core):
        typer.echo(f"{PAGE} has no place for {core}: see docs/adding-a-core.md", err=True)
        raise typer.Exit(NO_PLACE)
    runner = runner_for(device, tflm_lib)
    grid = grid_of(only, seed, scale)
    if counts is not None and counts.exists():
        found: Counts = load(counts, grid)
    else:
        found = measure(grid, runner, jobs)
    if counts is not None and not counts.exists():
        save(counts, found, grid)
    origin = Origin(date.today().isoformat(), LIBRARY, found.compiler, emulator_version(runner))
    table = fit_table(found.layers(grid), device, core, origin)
    if only is not None:
        table = merged(load_table(core), table)
    if write:
        (TABLES / f"{core}.json").write_text(to_json(table), encoding="utf-8")
        load_table.cache_clear()
    compared = compare_models(
        model_paths(models or near(ROOT)), runner, device, parse_table(to_json(table))
    )
    section = f"{errors_markdown(table)}\n\n{compared}\n"
    print(section)
    if write:
        write_section(PAGE, core, table, section)


if __name__ == "__main__":
    typer.run(main)
