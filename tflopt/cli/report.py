"""``tflopt report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tflopt.cli.common import (
    FITTING_CMSIS_NN,
    FOR_SPEED,
    NEWEST_TFLM,
    BuildName,
    CmsisNnName,
    Samples,
    Seed,
    TargetName,
    TflmName,
    load,
    make_device,
)
from tflopt.cli.extras import BenchFile, FrontierFile, with_extras
from tflopt.config import Config, Goal
from tflopt.errors import UsageError, printable
from tflopt.io import utf8, write_all
from tflopt.io.files import STDOUT, check_outputs, page_path
from tflopt.product.optimize import DEFAULT_TARGET, Settings, optimize_file_bytes
from tflopt.product.validation import validate_files
from tflopt.report.json_report import dumps
from tflopt.report.json_report import report as json_report
from tflopt.report.pair import pair_report
from tflopt.report.plain import Plain
from tflopt.run.samples import SampleOptions
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest
from tflopt.verify.compare import Candidate

PAIR = 2


def report(
    models: Annotated[
        list[Path],
        typer.Argument(metavar="MODEL.tflite [OPTIMIZED.tflite] [MORE...]", show_default=False),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Default: MODEL.report.html.")
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Markdown instead, to --output or printed.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON instead, to --output or printed.")
    ] = False,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Write the memory map as SVG.")
    ] = None,
    bench: BenchFile = None,
    frontier: FrontierFile = None,
    target: TargetName = DEFAULT_TARGET,
    cmsis_nn: CmsisNnName = FITTING_CMSIS_NN,
    tflm: TflmName = NEWEST_TFLM,
    build: BuildName = FOR_SPEED,
    goal: Annotated[
        Goal, typer.Option("--goal", help="What decides between forms, as in 'optimize'.")
    ] = Goal.BALANCED,
    samples: Samples = 32,
    seed: Seed = 0,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Don't run the two models to compare.")
    ] = False,
) -> None:
    """Show what optimizing MODEL.tflite changes, as one HTML page.

    With OPTIMIZED.tflite the two files are compared as they are; without it MODEL.tflite is
    optimized, and only the report is written. Three files and more stand side by side, with
    their trend.
    """
    model, optimized = models[0], models[1] if len(models) > 1 else None
    if markdown and as_json:
        raise UsageError("--markdown and --json exclude each other")
    page = output
    if page is None and (markdown or as_json):
        page = STDOUT
    elif page is None and svg is None:
        page = page_path(model, "report")
    check_outputs((page, svg), models)
    device = make_device(target, cmsis_nn, tflm, build)
    if len(models) > PAIR:
        if bench is not None or frontier is not None:
            raise UsageError("--bench and --frontier go with one model or two")
        _series(models, device, page, plain_form=markdown or as_json or svg is not None)
        return
    chosen = None if no_verify else SampleOptions(samples, seed)
    data = with_extras(_data(model, optimized, settings_for(device, goal, chosen)), bench, frontier)
    texts = {} if page is None else {page: _text(data, markdown, as_json)}
    if svg is not None:
        from tflopt.report.memory_map import maps_svg

        texts[svg] = maps_svg(data)
    printed = texts.pop(STDOUT, "")
    write_all({path: [utf8(text)] for path, text in texts.items()})
    if printed:
        typer.echo(printed, nl=False)
    elif page is not None and not (markdown or as_json):
        typer.echo(f"wrote {printable(str(page))}")


def _series(models: list[Path], device: Device, page: Path | None, *, plain_form: bool) -> None:
    """Three models and more: totals and trends, as a page."""
    from tflopt.report.html.single import series_page
    from tflopt.report.single import single_report

    if plain_form or page is None:
        raise UsageError("three models and more are compared as a page only")
    reports = [single_report(*load(path), device, str(path)) for path in models]
    write_all({page: [utf8(series_page(reports))]})
    typer.echo(f"wrote {printable(str(page))}")


def settings_for(device: Device, goal: Goal, samples: SampleOptions | None) -> Settings:
    """The settings that ``optimize`` has by default for a device and a goal."""
    plan = None if goal is Goal.FLASH else PlanRequest()
    return Settings(config=Config(device=device, plan=plan, goal=goal), samples=samples)


def html(data: Plain) -> str:
    """The page for a report.

    Raises:
        UsageError: jinja2 is not installed.
    """
    from tflopt.report.html.page import html_report

    return html_report(data)


def _data(model: Path, optimized: Path | None, settings: Settings) -> Plain:
    original, source = load(model)
    if optimized is None:
        result = optimize_file_bytes(original, source, settings)
        return json_report(result, settings, str(model), "")
    pair = Candidate(original, source), Candidate(*load(optimized))
    verdict = None
    if settings.samples is not None:
        verdict = validate_files(*pair, samples=settings.samples)
    return pair_report(*pair, settings, verdict, (str(model), str(optimized)))


def _text(data: Plain, markdown: bool, as_json: bool) -> str:
    """In the form that was asked for."""
    if as_json:
        return dumps(data)
    if not markdown:
        return html(data)
    from tflopt.report.markdown import markdown_report

    return markdown_report(data)
