"""``tflopt optimize``."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tflopt.annotation.annotate import Annotate
from tflopt.cli.common import Jobs, Quiet, ReportPath, load, output_path
from tflopt.cli.device import choose_runner
from tflopt.cli.options import from_command_line, names_target, with_options
from tflopt.errors import UsageError, printable
from tflopt.io import utf8, write_all
from tflopt.io.files import STDOUT, check_outputs
from tflopt.ir import Model
from tflopt.product.files import annotation_path, results
from tflopt.product.optimize import Result, Settings, optimize_file_bytes
from tflopt.product.pins import parse_pin, with_pins
from tflopt.rewrite.watch import PhaseTimes, PrintAfter, Watch, in_turn, verify_runs
from tflopt.rules.pipeline import find_rule

__all__ = ["optimize", "parse_pin"]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the report as a page.")
]
Explain = Annotated[
    bool,
    typer.Option("--explain", help="Say which channels went, and why patterns were left alone."),
]
PrintRules = Annotated[
    list[str] | None,
    typer.Option("--print-after", metavar="RULE", help="Print the graph each time it fired."),
]
Timing = Annotated[bool, typer.Option("--timing", help="Print the time of each phase.")]


@dataclass(frozen=True)
class _Show:
    """What is shown of the optimization of one model, and where."""

    report_path: Path | None
    html: Path | None
    explain: bool
    print_after: Sequence[str]
    timing: bool
    quiet: bool
    names_target: bool

    @property
    def is_of_one(self) -> bool:
        """Whether something is asked for that is not shown of several models."""
        return bool(self.html or self.explain or self.print_after or self.timing)


@with_options(
    {
        "target": ("report_path", "html"),
        "only": ("explain", "print_after", "timing"),
        "verify": ("quiet",),
    }
)
def optimize(
    context: typer.Context,
    models: Annotated[list[Path], typer.Argument(metavar="MODEL.tflite...", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Default: MODEL.opt.tflite.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--dir", "-d", help="Where the results of several models go.")
    ] = None,
    jobs: Jobs = 1,
    report_path: ReportPath = None,
    html: Html = None,
    explain: Explain = False,
    print_after: PrintRules = None,
    timing: Timing = False,
    quiet: Quiet = False,
    **said: object,
) -> None:
    """Write an optimized copy of MODEL.tflite whose outputs are bit-identical.

    Both are run on TensorFlow Lite Micro (or LiteRT's reference kernels) before the file is
    written; a difference is exit code 1 and leaves no file. With several models and --dir one
    failure doesn't stop the rest, and the exit code is the worst.
    """
    after = print_after or ()
    show = _Show(report_path, html, explain, after, timing, quiet, names_target(context))
    single = folder is None and len(models) == 1
    loaded = load(models[0]) if single else None
    settings = from_command_line(said).settings(choose_runner)
    if loaded is not None:
        _optimize_one(models[0], loaded, output, settings, show)
        return
    if folder is None or output is not None or show.is_of_one:
        who = "several models take --dir" if len(models) > 1 else "--dir is for several models,"
        others = "--explain, --html, --timing or --print-after"
        raise UsageError(f"{who} instead of --output, and no {others}")
    from tflopt.cli.batch import optimize_all

    optimize_all(models, folder, settings, report_path, jobs, quiet)


def _optimize_one(
    model: Path,
    loaded: tuple[Model, bytes],
    output: Path | None,
    settings: Settings,
    show: _Show,
) -> None:
    original, data = loaded
    settings = with_pins(settings, original)
    destination = output_path(model, output)
    beside = (show.report_path, show.html, annotation_path(settings, destination))
    if destination == STDOUT and (STDOUT in beside or settings.annotate is Annotate.FILE):
        raise UsageError("the model goes to standard output: name a file for what else there is")
    check_outputs(beside, [path for path in (model, destination) if path != STDOUT])
    times = PhaseTimes(time.perf_counter)
    watches: list[Watch] = [verify_runs, times, _printer(show.print_after)]
    result = _run(original, data, settings, show.quiet, in_turn(watches))
    if show.timing:
        _print_times(times)
    files = results(result, settings, destination)
    texts = _reports(result, settings, model, destination, show)
    printed = texts.pop(STDOUT, "")
    streamed = files.pop(STDOUT, [])
    if destination == STDOUT:  # what else there is has no name
        files = {}
    write_all({**{path: [utf8(text)] for path, text in texts.items()}, **files})
    for chunk in streamed:
        sys.stdout.buffer.write(chunk)
    if printed:
        typer.echo(printed, nl=False)
    elif not show.quiet:
        _print(result, settings, model, destination, show)


def _reports(
    result: Result, settings: Settings, model: Path, destination: Path, show: _Show
) -> dict[Path, str]:
    """The reports that are asked for, by where they go."""
    if show.report_path is None and show.html is None:
        return {}
    from tflopt.cli.report import html as page
    from tflopt.report.json_report import dumps, report

    plain = report(result, settings, str(model), str(destination))
    texts = {} if show.html is None else {show.html: page(plain)}
    return texts | ({} if show.report_path is None else {show.report_path: dumps(plain)})


def _printer(names: Sequence[str]) -> PrintAfter:
    """Writes to stderr: a report may go to stdout."""
    for name in names:
        find_rule(name)
    return PrintAfter(
        names, lambda text: typer.echo("\n".join(map(printable, text.splitlines())), err=True)
    )


def _print_times(times: PhaseTimes) -> None:
    for name, seconds in times.seconds.items():
        typer.echo(f"{name:10}{seconds:8.3f} s", err=True)


def _run(original: Model, data: bytes, settings: Settings, quiet: bool, watch: Watch) -> Result:
    from rich.console import Console

    console = Console(stderr=True)
    spinner = console.is_terminal and not quiet
    with console.status("reading") if spinner else nullcontext() as status:
        return optimize_file_bytes(
            original,
            data,
            settings,
            progress=lambda text: None if status is None else status.update(text),
            watch=watch,
        )


def _print(
    result: Result, settings: Settings, source: Path, destination: Path, show: _Show
) -> None:
    from tflopt.product.levers import find_levers
    from tflopt.report.console_summary import print_summary
    from tflopt.report.style import make_console

    console = make_console(stderr=destination == STDOUT)
    levers = find_levers(result, settings)
    came = "standard input" if source == STDOUT else str(source)
    goes = "to standard output" if destination == STDOUT else str(destination)
    named = show.names_target
    print_summary(console, result, settings, came, goes, levers, names_target=named)
    if show.explain:
        from tflopt.report.console import print_near_misses
        from tflopt.report.console_channels import print_removed
        from tflopt.report.removed_channels import removed_channels

        console.print()
        print_removed(console, removed_channels(result.original, result.model))
        print_near_misses(console, result)
