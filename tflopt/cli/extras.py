"""Options of pages: what ``bench`` measured, what ``explore`` found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from tflopt.errors import UsageError, printable
from tflopt.io.beside import bytes_beside, json_of
from tflopt.report.extras import with_frontier, with_measured
from tflopt.report.plain import Plain

BenchFile = Annotated[
    Path | None,
    typer.Option(
        "--bench", metavar="FILE.json", help="Show what 'bench --json' measured, beside it."
    ),
]
FrontierFile = Annotated[
    Path | None,
    typer.Option("--frontier", metavar="FILE.json", help="Show what 'explore --json' found."),
]


def with_extras(report: Plain, bench: Path | None, frontier: Path | None) -> Plain:
    """The report with what the files hold.

    Raises:
        UsageError: a file can't be read, or doesn't belong to the report.
    """
    if bench is not None:
        report = with_measured(report, _read(bench), printable(str(bench)))
    if frontier is not None:
        report = with_frontier(report, _read(frontier), printable(str(frontier)))
    return report


def _read(path: Path) -> Plain:
    data = bytes_beside(path)
    try:
        table = json_of(data)
    except ValueError as error:
        raise UsageError(f"{printable(str(path))} can't be read as JSON: {error}") from None
    return cast("Plain", table) if isinstance(table, dict) else {}
