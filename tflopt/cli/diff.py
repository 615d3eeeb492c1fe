"""``tflopt diff``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from tflopt.cli.common import make_device
from tflopt.errors import EXIT_CHECK_FAILED, printable
from tflopt.gate.diff import TITLES, Build, Change, Diff, diff, to_json
from tflopt.report.json_report import dumps
from tflopt.texts import cell


class Format(Enum):
    """How the comparison is shown."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def compare(
    old: Annotated[Path, typer.Argument(metavar="OLD", show_default=False)],
    new: Annotated[Path, typer.Argument(metavar="NEW", show_default=False)],
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", help="Core; default: a report's own, or cortex-m55."),
    ] = None,
    cmsis_nn: Annotated[
        str | None, typer.Option("--cmsis-nn", help="CMSIS-NN version; default: a report's own.")
    ] = None,
    fail: Annotated[
        bool, typer.Option("--fail-on-regression", help="Exit code 1 where anything got worse.")
    ] = False,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0, metavar="PERCENT", help="What still passes.")
    ] = 0.0,
    form: Annotated[
        Format, typer.Option("--format", help="For people, pull requests or programs.")
    ] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Show what a change of a model costs: flash, arena, operators, work.

    OLD and NEW are models or reports of 'tflopt optimize --report'.
    """
    build = None
    if target is not None or cmsis_nn is not None:
        device = make_device(target or Build().target, cmsis_nn or Build().cmsis_nn)
        build = Build(str(device.target), device.kernels.version)
    difference = diff(old, new, build)
    worse = difference.regressions(tolerance)
    if as_json or form is Format.JSON:
        typer.echo(dumps(to_json(difference, worse)), nl=False)
    elif form is Format.MARKDOWN:
        typer.echo(_markdown(difference, worse), nl=False)
    else:
        _print(difference, worse)
    if fail and worse:
        names = ", ".join(TITLES[change.metric] for change in worse)
        typer.echo(f"tflopt: error: worse than {printable(str(old))}: {names}", err=True)
        raise typer.Exit(EXIT_CHECK_FAILED)


def _rows(changes: Iterable[Change]) -> list[tuple[str, str, str, str]]:
    from tflopt.report.style import change as percent
    from tflopt.report.style import size

    rows = []
    for change in changes:
        old, new = ("unknown" if n is None else size(n) for n in (change.old, change.new))
        known = change.old is not None and change.new is not None
        text = percent(change.old or 0, change.new or 0) if known else ""
        rows.append((TITLES[change.metric], old, new, text))
    return rows


def _operators(difference: Diff) -> str:
    return ", ".join(
        f"{printable(code)} {a} -> {b}" for code, (a, b) in difference.operators.items()
    )


def _print(difference: Diff, worse: Sequence[Change]) -> None:
    from rich.text import Text

    from tflopt.report.style import make_console, table

    console = make_console()
    grid = table("", "old", "new", "", right=(1, 2, 3))
    for change, row in zip(difference.changes, _rows(difference.changes), strict=True):
        style = "red" if change in worse else "green" if row[1] != row[2] else ""
        grid.add_row(*row[:3], Text(row[3], style=style))
    build = difference.build
    old, new = printable(difference.old.path), printable(difference.new.path)
    console.print(Text(f"{old} -> {new}, {build.target}, CMSIS-NN {build.cmsis_nn}"))
    console.print(grid)
    if difference.operators:
        console.print(Text(f"operators: {_operators(difference)}"))


def _markdown(difference: Diff, worse: Sequence[Change]) -> str:
    lines = ["| | old | new | |", "|---|---:|---:|---:|"]
    for change, row in zip(difference.changes, _rows(difference.changes), strict=True):
        mark = " \u26a0\ufe0f" if change in worse else ""
        lines.append(f"| {row[0]}{mark} | {row[1]} | {row[2]} | {row[3]} |")
    build = difference.build
    lines += ["", f"{build.target}, CMSIS-NN {build.cmsis_nn}"]
    if difference.operators:
        lines += ["", f"Operators: {cell(_operators(difference))}"]
    return "\n".join(lines) + "\n"
