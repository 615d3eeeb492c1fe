"""``tflopt passes`` and ``tflopt targets``: what there is to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tflopt.cli.common import AsJson
from tflopt.errors import UsageError
from tflopt.report.json_report import dumps, heading
from tflopt.rules.phases import PHASES, Phase, phase_of
from tflopt.rules.pipeline import RULES
from tflopt.target import all_targets, predicted_targets

UPKEEP = "after each phase that changed the model: clean, and stale where its plan no longer fits"


def passes(as_json: AsJson = False) -> None:
    """List the rules in the order of their phases: name, how exactness was shown, what they do."""
    rows = [
        (rule.name, phase_of(rule.stages[0]), rule.exactness.shown_by, rule.summary)
        for rule in RULES
    ]
    columns = ("rule", "phase", "exact by", "what it does")
    _show(columns, rows, "passes", as_json, PHASES)


def _phase(phase: Phase) -> dict[str, str]:
    return {
        "phase": phase.name,
        "mode": phase.mode.value,
        "when": phase.when.text,
        "rules": _members(phase),
    }


def _members(phase: Phase) -> str:
    """Whose rules run in a phase, in words that name other phases."""
    others = [phase_of(stage) for stage in phase.stages[1:]]
    with_them = f" with those of {', '.join(others)}" if others else ""
    after = [phase_of(stage) for stage in phase.after]
    then = f", then those of {', '.join(after)}" if after else ""
    return f"{phase.stages[0].value} rules{with_them}{then}"


def targets(
    probe: Annotated[
        bool, typer.Option("--probe", help="Say instead what the library of --tflm-lib is.")
    ] = False,
    tflm_lib: Annotated[
        Path | None, typer.Option("--tflm-lib", metavar="DIR", help="With --probe: lib/*.a.")
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option("--write-profile", metavar="FILE", help="With --probe: for --profile."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the targets: GCC's spelling, and the instructions that CMSIS-NN is built with.

    With --probe, read from a TFLM library for which core, from which versions and how it was built.
    """
    if probe != (tflm_lib is not None) or (profile is not None and not probe):
        raise UsageError("--probe goes with --tflm-lib DIR, and --write-profile with --probe")
    if tflm_lib is not None:
        from tflopt.cli.probe import show_probe

        show_probe(tflm_lib, profile, as_json)
        return
    rows = [(str(target), str(target.isa)) for target in all_targets()]
    _show(("target", "isa"), rows, "targets", as_json)
    if not as_json:
        names = ", ".join(str(target) for target in predicted_targets())
        typer.echo(f"inspect and fit alone, with ESP-NN's kernels: {names}")


def _show(
    columns: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    title: str,
    as_json: bool,
    phases: Sequence[Phase] = (),
) -> None:
    if as_json:
        keys = [column.replace(" ", "_") for column in columns]
        data: dict[str, object] = {
            **heading(),
            title: [dict(zip(keys, row, strict=True)) for row in rows],
        }
        if phases:
            data["phases"] = [_phase(phase) for phase in phases]
        typer.echo(dumps(data), nl=False)
        return
    from tflopt.report.style import make_console, table

    grid = table(*columns)
    for row in rows:
        grid.add_row(*row)
    console = make_console()
    console.print(grid)
    for phase in phases:
        fields = _phase(phase)
        console.print(f"{fields['phase']}: {fields['mode']}, {fields['when']}: {fields['rules']}")
    if phases:
        console.print(UPKEEP)
