"""``tflopt optimize``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from tflopt.api import DEFAULT_TARGET, Result, Settings, optimize_file_bytes
from tflopt.check.samples import SampleOptions
from tflopt.cli.common import (
    ModelPath,
    RunnerName,
    RuntimeName,
    Samples,
    Seed,
    TargetName,
    check_output,
    check_runner,
    load,
    output_path,
)
from tflopt.errors import UsageError
from tflopt.io import WriteOptions, write_file
from tflopt.io.layout import DATA_ALIGNMENT
from tflopt.ir import Model
from tflopt.passes.config import Config, Runtime, Strip
from tflopt.passes.pipeline import Selection
from tflopt.report.json_report import dumps, report
from tflopt.target import Target

STDOUT = Path("-")


def optimize(
    model: ModelPath,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Default: MODEL.opt.tflite.")
    ] = None,
    target: TargetName = DEFAULT_TARGET,
    report_path: Annotated[
        Path | None, typer.Option("--report", help="Write a JSON report; '-' prints it.")
    ] = None,
    disable: Annotated[
        list[str] | None, typer.Option("--disable", help="Leave out a rule; repeatable.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Run just this rule; repeatable; '' runs none."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why patterns were left alone.")
    ] = False,
    strip: Annotated[
        Strip,
        typer.Option("--strip", help="Drop what no kernel reads; 'all': names of inputs too."),
    ] = Strip.DEFAULT,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", help="Keep this tensor name, signature or metadata; repeatable."),
    ] = None,
    runtime: RuntimeName = Runtime.BOTH,
    align: Annotated[
        int, typer.Option("--align", help="Alignment of weights in the file, in bytes.")
    ] = DATA_ALIGNMENT,
    samples: Samples = 32,
    seed: Seed = 0,
    runner: RunnerName = "auto",
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Don't run original and optimized to compare.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Write an optimized copy of MODEL.tflite whose outputs are bit-identical.

    Both are run on TensorFlow Lite Micro (or LiteRT's reference kernels) before the file is
    written; a difference is exit code 1 and leaves no file.
    """
    settings = Settings(
        target=Target.parse(target),
        selection=Selection(_names(only), disable or ()),
        config=Config(runtime, strip, frozenset(keep or ())),
        layout=WriteOptions(align, share=True),
        samples=None if no_verify else SampleOptions(samples, seed),
        runner=check_runner(runner),
    )
    original, data = load(model)
    destination = output_path(model, output)
    if report_path is not None and report_path != STDOUT:
        check_output(report_path)
        if report_path.resolve() in (model.resolve(), destination.resolve()):
            raise UsageError(f"{report_path}: is a model, not a report")
    result = _run(original, data, settings, quiet)
    if result.verification is not None and result.verification.mismatch is not None:
        raise result.verification.mismatch
    write_file(destination, [result.data])
    text = dumps(report(result, settings, str(model), str(destination)))
    if report_path == STDOUT:
        typer.echo(text, nl=False)
    elif report_path is not None:
        write_file(report_path, [text.encode()])
    if not quiet and report_path != STDOUT:
        _print(result, settings, model, destination, explain)


def _names(only: list[str] | None) -> list[str] | None:
    return None if only is None else [name for name in only if name]


def _run(original: Model, data: bytes, settings: Settings, quiet: bool) -> Result:
    from rich.console import Console

    console = Console(stderr=True)
    spinner = console.is_terminal and not quiet
    with console.status("reading") if spinner else nullcontext() as status:
        return optimize_file_bytes(
            original,
            data,
            settings,
            progress=lambda text: None if status is None else status.update(text),
        )


def _print(
    result: Result, settings: Settings, source: Path, destination: Path, explain: bool
) -> None:
    from rich.console import Console

    from tflopt.report.console import print_near_misses, print_summary

    console = Console(highlight=False, soft_wrap=True)
    print_summary(console, result, settings, str(source), str(destination))
    if explain:
        console.print()
        print_near_misses(console, result)
