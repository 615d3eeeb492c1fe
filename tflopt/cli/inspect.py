"""``tflopt inspect``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tflopt import __version__
from tflopt.cli.common import ModelPath, RuntimeName, load
from tflopt.errors import UsageError
from tflopt.passes.config import Runtime
from tflopt.report.facts import all_op_facts, model_facts
from tflopt.report.flash import flash_of
from tflopt.report.json_report import SCHEMA_VERSION, dumps
from tflopt.report.notes import notes


def inspect(
    model: ModelPath,
    flash: Annotated[
        bool, typer.Option("--flash", help="Show where every byte of the file goes.")
    ] = False,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="OPTIMIZED.tflite", help="With --flash: compare."),
    ] = None,
    runtime: RuntimeName = Runtime.BOTH,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show operators, shapes, types, quantization, work and sizes of MODEL.tflite."""
    if against is not None and not flash:
        raise UsageError("--against goes with --flash")
    loaded, data = load(model)
    facts, ops = model_facts(loaded, len(data)), all_op_facts(loaded)
    accounts = [flash_of(loaded, data, runtime)] if flash else []
    if against is not None:
        accounts.append(flash_of(*load(against), runtime))
    if as_json:
        typer.echo(
            dumps(
                {
                    "schema_version": SCHEMA_VERSION,
                    "tool": {"name": "tflopt", "version": __version__},
                    "path": str(model),
                    "description": loaded.description,
                    "model": asdict(facts),
                    "operators": [asdict(op) for op in ops],
                    "notes": notes(loaded),
                    "flash": [asdict(account) for account in accounts],
                }
            ),
            nl=False,
        )
        return
    from rich.console import Console

    from tflopt.report.console import print_flash, print_model, print_notes

    console = Console(highlight=False, soft_wrap=True)
    if accounts:
        paths = [str(model), *([str(against)] if against is not None else [])]
        print_flash(console, paths, accounts)
    else:
        print_model(console, loaded, facts, ops)
    print_notes(console, notes(loaded))
