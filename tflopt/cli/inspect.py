"""``tflopt inspect``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from tflopt.cli.common import (
    FITTING_CMSIS_NN,
    FOR_SPEED,
    NEWEST_TFLM,
    AsJson,
    BuildName,
    CmsisNnName,
    ModelPath,
    ProfilePath,
    RuntimeName,
    TargetName,
    TflmName,
    device_to_predict,
    load,
)
from tflopt.config import Runtime
from tflopt.errors import EXIT_CHECK_FAILED, UsageError
from tflopt.ir import Model
from tflopt.plan.lint import Finding, Severity
from tflopt.plan.offline import OfflinePlan
from tflopt.product.facts import ModelFacts, all_op_facts, model_facts
from tflopt.product.hazard_notes import hazard_rows
from tflopt.product.memory import arena, best_plan, memory_rows, scratch_rows
from tflopt.product.optimize import DEFAULT_TARGET
from tflopt.report.channels import LayerChannels, layer_channels, layer_outputs
from tflopt.report.flash import Flash, flash_of
from tflopt.report.json_report import dumps, heading
from tflopt.report.kernels import kernel_costs, kernel_rows
from tflopt.report.notes import notes, runs_notes
from tflopt.report.runs import runs_rows
from tflopt.target.device import Device
from tflopt.target.hazards import HazardFinding, find_hazards
from tflopt.target.memory import Memory, memory_of, why_no_memory
from tflopt.target.plan_check import plan_findings


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
    kernels: Annotated[
        bool, typer.Option("--kernels", help="Show the kernel and the cost of each layer.")
    ] = False,
    hazards: Annotated[
        bool, typer.Option("--hazards", help="Show the layers that the target computes wrongly.")
    ] = False,
    runs: Annotated[
        bool, typer.Option("--runs", help="Say whether TFLM runs it, and what mends it if not.")
    ] = False,
    memory: Annotated[
        bool, typer.Option("--memory", help="Show the arena over time, and check its plan.")
    ] = False,
    channels: Annotated[
        bool, typer.Option("--channels", help="Show the channels that carry nothing.")
    ] = False,
    inputs: Annotated[
        Path | None,
        typer.Option(
            "--inputs", metavar="DATA.npz", help="With --channels: what never changes on these."
        ),
    ] = None,
    target: TargetName = DEFAULT_TARGET,
    cmsis_nn: CmsisNnName = FITTING_CMSIS_NN,
    tflm: TflmName = NEWEST_TFLM,
    build: BuildName = FOR_SPEED,
    profile: ProfilePath = None,
    runtime: RuntimeName = Runtime.BOTH,
    as_json: AsJson = False,
) -> None:
    """Show operators, shapes, types, quantization, work and sizes of MODEL.tflite.

    With --memory, exit code 1 says that the model's own memory plan is wrong on the target.
    """
    if against is not None and not flash:
        raise UsageError("--against goes with --flash")
    if inputs is not None and not channels:
        raise UsageError("--inputs goes with --channels")
    loaded, data = load(model)
    accounts = {str(model): flash_of(loaded, data, runtime)} if flash else {}
    if against is not None:
        accounts[str(against)] = flash_of(*load(against), runtime)
    device = device_to_predict(target, cmsis_nn, tflm, build, profile)
    known = scratch or memory or not why_no_memory(loaded)
    view = View(
        model=loaded,
        facts=model_facts(loaded, len(data)),
        device=device,
        accounts=accounts,
        arena=memory_of(loaded, device) if known else None,
        plan=best_plan(loaded, device) if memory else None,
        findings=plan_findings(loaded, device) if memory else [],
        hazards=find_hazards(loaded, device),
        channels=_channels(loaded, device, inputs) if channels else None,
    )
    if as_json:
        typer.echo(dumps(view.as_json()), nl=False)
    else:
        view.show(scratch, hazards, kernels, runs)
    if any(finding.severity is Severity.ERROR for finding in view.findings):
        raise typer.Exit(EXIT_CHECK_FAILED)


def _channels(model: Model, device: Device, inputs: Path | None) -> list[LayerChannels]:
    if inputs is None:
        return layer_channels(model, device)
    from tflopt.product.channels import read_inputs, unchanging_channels

    values = layer_outputs(model.main)
    seen = unchanging_channels(model, read_inputs(inputs, model), values)
    return layer_channels(model, device, seen)


@dataclass(frozen=True)
class View:
    """What is shown of a model; what was not asked for is empty."""

    model: Model
    facts: ModelFacts
    device: Device
    accounts: dict[str, Flash]
    arena: Memory | None
    plan: OfflinePlan | None
    findings: Sequence[Finding]
    hazards: Sequence[HazardFinding]
    channels: Sequence[LayerChannels] | None = None

    def as_json(self) -> dict[str, object]:
        """Everything as plain data."""
        in_time = None
        if self.plan is not None and self.arena is not None:
            in_time = memory_rows(self.model, self.arena, self.plan, self.findings)
        return {
            **heading(self.device),
            "path": self.model.path,
            "description": self.model.description,
            "model": asdict(self.facts),
            "operators": [asdict(op) for op in all_op_facts(self.model)],
            "notes": notes(self.model, self.device),
            "arena": None if self.arena is None else arena(self.arena),
            "scratch": [] if self.arena is None else scratch_rows(self.arena.table, self.hazards),
            "hazards": hazard_rows(self.hazards),
            "kernels": kernel_rows(self.model, self.device),
            "runs": runs_rows(self.model, self.device),
            "memory": in_time,
            "channels": None if self.channels is None else [asdict(row) for row in self.channels],
            "flash": [asdict(account) for account in self.accounts.values()],
        }

    def show(self, scratch: bool, hazards: bool, kernels: bool, runs: bool) -> None:
        """The tables that were asked for, the operators where none was."""
        from tflopt.report.console import print_flash, print_model, print_notes
        from tflopt.report.console_channels import print_channels
        from tflopt.report.console_hazards import print_known_hazards
        from tflopt.report.console_kernels import print_kernels
        from tflopt.report.console_memory import print_memory, print_scratch
        from tflopt.report.console_runs import print_runs
        from tflopt.report.style import make_console

        console = make_console()
        if self.accounts:
            print_flash(console, list(self.accounts), list(self.accounts.values()))
        if scratch and self.arena is not None:
            print_scratch(console, self.arena, self.hazards)
        if self.plan is not None and self.arena is not None:
            print_memory(console, self.model, self.arena, self.plan, self.findings)
        if kernels:
            print_kernels(console, kernel_costs(self.model, self.device), self.device)
        if self.channels is not None:
            print_channels(console, self.channels)
        if hazards:
            print_known_hazards(console, self.hazards, self.device)
        if runs:
            print_runs(console, self.model, self.device)
        asked = runs or scratch or kernels or hazards or self.channels is not None
        if not (asked or self.accounts or self.plan):
            print_model(console, self.model, self.facts, all_op_facts(self.model))
        said = runs_notes(self.model, self.device) if runs else []
        print_notes(console, [n for n in notes(self.model, self.device) if n not in said])
