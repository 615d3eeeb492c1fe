"""``tflopt view``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tflopt.cli.common import (
    FITTING_CMSIS_NN,
    FOR_SPEED,
    NEWEST_TFLM,
    BuildName,
    CmsisNnName,
    ModelPath,
    TargetName,
    TflmName,
    load,
    make_device,
)
from tflopt.cli.extras import BenchFile, FrontierFile, with_extras
from tflopt.errors import printable
from tflopt.io import utf8, write_all, write_bytes
from tflopt.io.files import check_folder, check_outputs, page_path
from tflopt.io.writing.output import Chunk
from tflopt.product.optimize import DEFAULT_TARGET


def view(
    model: ModelPath,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Default: MODEL.view.html."),
    ] = None,
    target: TargetName = DEFAULT_TARGET,
    cmsis_nn: CmsisNnName = FITTING_CMSIS_NN,
    tflm: TflmName = NEWEST_TFLM,
    build: BuildName = FOR_SPEED,
    node_data: Annotated[
        Path | None,
        typer.Option(
            "--node-data", metavar="DIR", help="Also write overlays for Model Explorer there."
        ),
    ] = None,
    netron: Annotated[
        Path | None,
        typer.Option(
            "--netron", metavar="FILE", help="Also write a copy whose tensor names say the costs."
        ),
    ] = None,
    bench: BenchFile = None,
    frontier: FrontierFile = None,
    open_page: Annotated[
        bool,
        typer.Option("--open/--no-open", help="Open the page in a browser, on a terminal only."),
    ] = True,
) -> None:
    """Show MODEL.tflite as it is, without optimizing it, as one HTML page to explore."""
    from tflopt.report.html.single import view_page
    from tflopt.report.node_data import named_for_netron
    from tflopt.report.node_data import node_data as overlays
    from tflopt.report.single import single_report

    page = output or page_path(model, "view")
    if node_data is not None:
        check_folder(node_data)
    check_outputs((page, netron), [model])
    loaded, data = load(model)
    report = single_report(loaded, data, make_device(target, cmsis_nn, tflm, build), str(model))
    full = with_extras(report, bench, frontier)
    files: dict[Path, list[Chunk]] = {page: [utf8(view_page(full))]}
    if node_data is not None:
        files |= _overlay_files(node_data, overlays(report))
    if netron is not None:
        files[netron] = [write_bytes(named_for_netron(loaded, report))]
    write_all(files)
    for path in files:
        typer.echo(f"wrote {printable(str(path))}")
    if open_page and sys.stdout.isatty():
        typer.launch(str(page))


def _overlay_files(folder: Path, overlays: dict[str, dict[str, object]]) -> dict[Path, list[Chunk]]:
    from tflopt.report.json_report import dumps

    folder.mkdir(parents=True, exist_ok=True)
    return {
        folder / f"{name.replace(' ', '_')}.json": [utf8(dumps(data))]
        for name, data in overlays.items()
    }
