"""``tflopt targets --probe``: what a TFLM library is."""

from __future__ import annotations

from pathlib import Path

import typer

from tflopt.errors import EXIT_CHECK_FAILED, printable
from tflopt.io import utf8, write_all
from tflopt.io.files import check_outputs
from tflopt.report.json_report import dumps, heading
from tflopt.target.probe import Certainty, Probe, probe_library, profile_text


def show_probe(folder: Path, profile: Path | None, as_json: bool) -> None:
    """Print the facts, and write the profile that later runs name.

    Raises:
        Exit: with 1 where something of the library doesn't work.
    """
    probed = probe_library(folder)
    if profile is not None:
        check_outputs([profile], [probed.path])
        write_all({profile: [utf8(profile_text(probed))]})
    if as_json:
        typer.echo(dumps(_json(probed)), nl=False)
    else:
        _print(probed)
    if any(fact.certainty is Certainty.WRONG for fact in probed.facts):
        raise typer.Exit(EXIT_CHECK_FAILED)


def _json(probe: Probe) -> dict[str, object]:
    return {
        **heading(probe.device),
        "library": str(probe.path),
        "tflm": probe.device.runtime.name,
        "build": str(probe.device.build),
        "facts": [
            {
                "name": fact.name,
                "value": fact.value,
                "certainty": fact.certainty.value,
                "why": fact.why,
            }
            for fact in probe.facts
        ],
    }


def _print(probe: Probe) -> None:
    from rich.text import Text

    from tflopt.report.style import make_console, table

    styles = {Certainty.READ: "", Certainty.GUESSED: "yellow", Certainty.WRONG: "bold red"}
    grid = table("", "", "how", "why")
    for fact in probe.facts:
        how = Text(fact.certainty.value, style=styles[fact.certainty])
        grid.add_row(fact.name, fact.value, how, printable(fact.why))
    console = make_console()
    console.print(Text(printable(str(probe.path)), style="bold"))
    console.print(grid)
    device = probe.device
    options = (
        f"-t {device.target} --tflm {device.runtime.name} --cmsis-nn {device.kernels.version} "
        f"--build {device.build}"
    )
    console.print(f"predictions for it: {options}")
