"""``tflopt check``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tflopt.cli.check_firmware import check_firmware
from tflopt.cli.common import (
    FITTING_CMSIS_NN,
    FOR_SPEED,
    NEWEST_TFLM,
    AsJson,
    BuildName,
    CmsisNnName,
    Jobs,
    ProfilePath,
    Quiet,
    TflmName,
    complete_target,
)
from tflopt.errors import UsageError, printable
from tflopt.gate.batch import run_all
from tflopt.gate.config import read_config
from tflopt.gate.render import budget, budgets, to_json, to_junit, to_markdown
from tflopt.gate.run import Verdict, failed, run_entry, worst
from tflopt.gate.sarif import to_sarif
from tflopt.io import utf8, write_all
from tflopt.io.files import check_outputs
from tflopt.report.json_report import dumps

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
DEFAULTS = (Path("tflopt.toml"), Path("pyproject.toml"))


def check(
    config: Annotated[
        Path | None,
        typer.Argument(metavar="CONFIG.toml", help="Default: tflopt.toml or pyproject.toml."),
    ] = None,
    firmware: Annotated[
        Path | None,
        typer.Option(
            "--map",
            metavar="FIRMWARE",
            help="Check a linked firmware, by its map or ELF file; MODEL.tflite is the argument.",
        ),
    ] = None,
    arena: Annotated[
        str, typer.Option("--arena", metavar="SYMBOL", help="With --map: the arena's name.")
    ] = "",
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            "-t",
            help="With --map: its core. Default: as the ELF file says.",
            autocompletion=complete_target,
        ),
    ] = None,
    cmsis_nn: CmsisNnName = FITTING_CMSIS_NN,
    tflm: TflmName = NEWEST_TFLM,
    build: BuildName = FOR_SPEED,
    profile: ProfilePath = None,
    jobs: Jobs = 1,
    as_json: AsJson = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.")
    ] = None,
    sarif: Annotated[
        Path | None, typer.Option("--sarif", metavar="FILE", help="Write SARIF 2.1.0.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write a Markdown table.")
    ] = None,
    github_summary: Annotated[
        bool,
        typer.Option("--github-summary", help=f"Append the table to ${SUMMARY_VARIABLE}."),
    ] = False,
    quiet: Quiet = False,
) -> None:
    r"""Hold a set of models against their budgets; writes no model.

    CONFIG.toml, or [tool.tflopt] in pyproject.toml, lists models with options and budgets. Exit
    code 0: all pass; else that of the worst failure. With --map, a firmware's arena and its
    model's array are held against MODEL.tflite instead.
    """
    if firmware is not None:
        if config is None or junit or sarif or markdown or github_summary:
            raise UsageError("--map goes with MODEL.tflite, and with no report of many models")
        device = (target, cmsis_nn, tflm, build, profile)
        raise typer.Exit(check_firmware(config, firmware, arena, device, as_json, quiet))
    if arena or target is not None or profile is not None:
        raise UsageError(
            "--arena, --target and --profile go with --map; CONFIG.toml names a model's device"
        )
    chosen = _config(config)
    check_outputs((junit, sarif, markdown), [chosen], "the configuration, not a report")
    summary = _summary_file(os.environ.get(SUMMARY_VARIABLE, "")) if github_summary else None
    entries = read_config(chosen)
    check_outputs((junit, sarif, markdown), [entry.path for entry in entries])
    verdicts = run_all(run_entry, entries, jobs, lambda entry: failed(entry, "its process died"))
    files = {} if junit is None else {junit: [to_junit(verdicts)]}
    if sarif is not None:
        log = to_sarif(verdicts, [entry.path for entry in entries])
        files[sarif] = [utf8(dumps(log))]
    if markdown is not None:
        files[markdown] = [utf8(to_markdown(verdicts))]
    write_all(files)
    if summary is not None:
        with summary.open("a", encoding="utf-8") as file:
            file.write(to_markdown(verdicts))
    if as_json:
        typer.echo(dumps(to_json(verdicts)), nl=False)
    elif not quiet:
        _print(verdicts)
    _failures(verdicts)
    raise typer.Exit(worst(verdicts))


def _config(path: Path | None) -> Path:
    if path is not None:
        return path
    for default in DEFAULTS:
        if default.is_file():
            return default
    raise UsageError(f"neither {DEFAULTS[0]} nor {DEFAULTS[1]} is here; name the configuration")


def _summary_file(name: str) -> Path:
    if not name:
        raise UsageError(f"--github-summary: ${SUMMARY_VARIABLE} is not set; use --markdown FILE")
    return Path(name)


def _print(verdicts: Sequence[Verdict]) -> None:
    from rich.text import Text

    from tflopt.report.style import make_console, table

    names = budgets(verdicts)
    right = range(1, 1 + len(names))
    grid = table("model", *names, "outputs", "result", right=right)
    for verdict in verdicts:
        by_name = {finding.check: finding for finding in verdict.findings}
        cells = [budget(by_name.get(name)) for name in names]
        bad = bool(verdict.exit_code)
        result = Text("failed" if bad else "passed", style="bold red" if bad else "green")
        grid.add_row(Text(printable(verdict.name)), *cells, verdict.status, result)
    make_console().print(grid)


def _failures(verdicts: Sequence[Verdict]) -> None:
    for verdict in verdicts:
        for finding in verdict.findings:
            if finding.failure:
                text = f"{verdict.name}: {finding.check}: {finding.failure}"
                message = printable(" ".join(text.split()))
                typer.echo(f"tflopt: error: {message}", err=True)
