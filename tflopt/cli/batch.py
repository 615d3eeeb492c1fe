"""``tflopt optimize`` with several models: progress, a summary, and the worst exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from tflopt.errors import UsageError, printable
from tflopt.gate.batch import Job, Outcome, lost_job, run_all, run_job
from tflopt.io import write_file
from tflopt.io.files import MODEL_SUFFIX, STDOUT, check_folder, check_outputs, is_same
from tflopt.product.files import annotation_path
from tflopt.product.optimize import Settings
from tflopt.report.json_report import dumps, heading


def optimize_all(
    models: Sequence[Path],
    folder: Path,
    settings: Settings,
    report_path: Path | None,
    jobs: int,
    quiet: bool,
) -> None:
    """Optimize each model into ``folder``.

    Raises:
        UsageError: two models would become the same file, or one its own input.
        typer.Exit: at least one failed; the worst exit code.
    """
    work = _jobs(models, folder, settings)
    check_outputs([report_path], [path for job in work for path in (job.source, job.output)])
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = _run(work, jobs, quiet)
    if report_path == STDOUT:
        typer.echo(dumps(_report(outcomes)), nl=False)
    elif not quiet:
        _print(outcomes)
    for outcome in outcomes:
        if outcome.exit_code:
            where = "" if str(outcome.source) in outcome.error else f"{outcome.source}: "
            message = printable(" ".join(f"{where}{outcome.error}".split()))
            typer.echo(f"tflopt: error: {message}", err=True)
    if report_path is not None and report_path != STDOUT:
        write_file(report_path, [dumps(_report(outcomes)).encode()])
    worst = max(outcome.exit_code for outcome in outcomes)
    if worst:
        raise typer.Exit(worst)


def _jobs(models: Sequence[Path], folder: Path, settings: Settings) -> list[Job]:
    check_folder(folder)
    taken: dict[Path, Path] = {}
    for path in models:
        output = folder / (path.name.removesuffix(MODEL_SUFFIX) + ".opt.tflite")
        if taken.setdefault(output, path) is not path:
            raise UsageError(f"{taken[output]} and {path} would both become {output}")
    for output in taken:
        for written in filter(None, [output, annotation_path(settings, output)]):
            if any(is_same(written, path) for path in models):
                raise UsageError(f"{written}: is an input; tflopt never overwrites it")
    return [Job(path, output, settings) for output, path in taken.items()]


def _run(work: Sequence[Job], jobs: int, quiet: bool) -> list[Outcome]:
    if quiet or not sys.stderr.isatty():  # older versions of rich print an empty line
        return run_all(run_job, work, jobs, lost_job)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("optimizing", total=len(work))

        def done(outcome: Outcome) -> None:
            progress.update(task, advance=1, description=printable(outcome.source.name))

        return run_all(run_job, work, jobs, lost_job, done)


def _report(outcomes: Sequence[Outcome]) -> dict[str, object]:
    return {
        **heading(),
        "models": [
            {
                "path": str(outcome.source),
                "exit_code": outcome.exit_code,
                "error": outcome.error,
                "report": outcome.report,
            }
            for outcome in outcomes
        ],
    }


def _print(outcomes: Sequence[Outcome]) -> None:
    from rich.text import Text

    from tflopt.report.console import print_notes
    from tflopt.report.style import change, make_console, size, table

    console = make_console()
    grid = table("model", "flash", "", "arena", "", "result", right=(1, 2, 3, 4))
    for outcome in outcomes:
        cells: list[str] = []
        for pair in (outcome.flash_bytes, outcome.arena_bytes):
            cells += ["", ""] if pair is None else [size(pair[1]), change(*pair)]
        failed = f"failed ({outcome.exit_code})"
        verdict = Text(failed, style="bold red") if outcome.exit_code else Text(outcome.status)
        grid.add_row(Text(printable(outcome.source.name)), *cells, verdict)
    console.print(grid)
    for outcome in outcomes:
        print_notes(console, [f"{outcome.source.name}: {text}" for text in outcome.grown])
    failures = sum(outcome.exit_code != 0 for outcome in outcomes)
    console.print(f"{len(outcomes) - failures} written, {failures} failed")
