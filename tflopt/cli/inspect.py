"""``tflopt inspect``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tflopt import __version__
from tflopt.cli.common import ModelPath, load
from tflopt.report.facts import all_op_facts, model_facts
from tflopt.report.json_report import SCHEMA_VERSION, dumps


def inspect(
    model: ModelPath,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show operators, shapes, types, quantization, work and sizes of MODEL.tflite."""
    loaded, data = load(model)
    facts, ops = model_facts(loaded, len(data)), all_op_facts(loaded)
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
                }
            ),
            nl=False,
        )
        return
    from rich.console import Console

    from tflopt.report.console import print_model

    print_model(Console(highlight=False, soft_wrap=True), loaded, facts, ops)
