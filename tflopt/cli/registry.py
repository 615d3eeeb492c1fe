"""``tflopt passes`` and ``tflopt targets``: what there is to choose from."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from tflopt.cli.common import AsJson
from tflopt.report.json_report import SCHEMA_VERSION, dumps
from tflopt.rules.pipeline import RULES
from tflopt.target import all_targets
from tflopt.version import __version__


def passes(as_json: AsJson = False) -> None:
    """List the rules: name, how their exactness was shown, what they do."""
    rows = [(rule.name, rule.exactness.shown_by, rule.summary) for rule in RULES]
    _show(("rule", "exact by", "what it does"), rows, "passes", as_json)


def targets(as_json: AsJson = False) -> None:
    """List the targets: GCC's spelling, and the instructions that CMSIS-NN is built with."""
    rows = [(str(target), str(target.isa)) for target in all_targets()]
    _show(("target", "isa"), rows, "targets", as_json)


def _show(
    columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], title: str, as_json: bool
) -> None:
    if as_json:
        keys = [column.replace(" ", "_") for column in columns]
        data = {
            "schema_version": SCHEMA_VERSION,
            "tool": {"name": "tflopt", "version": __version__},
            title: [dict(zip(keys, row, strict=True)) for row in rows],
        }
        typer.echo(dumps(data), nl=False)
        return
    from tflopt.report.style import make_console, table

    grid = table(*columns)
    for row in rows:
        grid.add_row(*row)
    make_console().print(grid)
