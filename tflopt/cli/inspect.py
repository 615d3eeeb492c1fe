"""``tflopt inspect``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tflopt.api import DEFAULT_TARGET
from tflopt.cli.common import (
    NEWEST_CMSIS_NN,
    CmsisNnName,
    ModelPath,
    RuntimeName,
    TargetName,
    load,
    make_device,
)
from tflopt.errors import UsageError
from tflopt.passes.config import Runtime
from tflopt.report.facts import all_op_facts, model_facts
from tflopt.report.flash import flash_of
from tflopt.report.json_report import SCHEMA_VERSION, dumps
from tflopt.report.memory import arena, best_plan, plan_findings, scratch_rows
from tflopt.report.notes import notes
from tflopt.target.memory import memory_of, why_no_memory
from tflopt.version import __version__


def inspect(
    model: ModelPath,
    flash: Annotated[
        bool, typer.Option("--flash", help="Show where every byte of the file goes.")
    ] = False,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="OPTIMIZED.tflite", help="With --flash: compare."),
    ] = None,
    scratch: Annotated[
        bool, typer.Option("--scratch", help="Show the kernel, scratch and memory of each layer.")
    ] = False,
    memory: Annotated[
        bool, typer.Option("--memory", help="Show the arena over time, and check its plan.")
    ] = False,
    target: TargetName = DEFAULT_TARGET,
    cmsis_nn: CmsisNnName = NEWEST_CMSIS_NN,
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
    device = make_device(target, cmsis_nn)
    known = scratch or memory or not why_no_memory(loaded)
    arena_use = memory_of(loaded, device) if known else None
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
                    "target": str(device.target),
                    "cmsis_nn": str(device.cmsis_nn),
                    "arena": None if arena_use is None else arena(arena_use),
                    "scratch": [] if arena_use is None else scratch_rows(arena_use.table),
                    "flash": [asdict(account) for account in accounts],
                }
            ),
            nl=False,
        )
        return
    from tflopt.report.console import make_console, print_flash, print_model, print_notes
    from tflopt.report.console_memory import print_memory, print_scratch

    console = make_console()
    if accounts:
        paths = [str(model), *([str(against)] if against is not None else [])]
        print_flash(console, paths, accounts)
    if scratch and arena_use is not None:
        print_scratch(console, arena_use)
    if memory and arena_use is not None:
        found = plan_findings(loaded, device)
        print_memory(console, loaded, arena_use, best_plan(loaded, device), found)
    if not (accounts or scratch or memory):
        print_model(console, loaded, facts, ops)
    print_notes(console, notes(loaded))
