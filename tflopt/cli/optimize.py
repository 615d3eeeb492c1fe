"""``tflopt optimize``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from tflopt.cli.batch import optimize_all
from tflopt.cli.common import (
    NEWEST_CMSIS_NN,
    CmsisNnName,
    Jobs,
    Quiet,
    ReportPath,
    RunnerName,
    RuntimeName,
    Samples,
    Seed,
    TargetName,
    load,
    make_device,
    output_path,
)
from tflopt.cli.device import Firmware, Fvp, TflmLib, TimeLimit, choose_runner
from tflopt.cli.report import html as page
from tflopt.config import Config, Goal, IoLayout, Plan, Runtime, Strip, Tile, make_tiling
from tflopt.errors import UsageError, printable
from tflopt.gate.batch import annotation_path, parse_pin, results, with_pins
from tflopt.io import WriteOptions, utf8, write_all
from tflopt.io.files import STDOUT, check_outputs
from tflopt.io.layout import DATA_ALIGNMENT
from tflopt.ir import Model
from tflopt.plan.lifetimes import ARENA_ALIGNMENT
from tflopt.plan.offline import OfflineOptions
from tflopt.plan.solve import SolveOptions
from tflopt.product.annotate import Annotate
from tflopt.product.budget import parse_count, parse_size
from tflopt.product.optimize import DEFAULT_TARGET, Result, Settings, optimize_file_bytes
from tflopt.report.json_report import dumps, report
from tflopt.rewrite.watch import PhaseTimes, PrintAfter, Watch, in_turn, verify_runs
from tflopt.rules.channels.merge_twin_channels import MergeTwinChannels
from tflopt.rules.channels.remove_channels import RemoveChannels
from tflopt.rules.pipeline import Selection, find_rule
from tflopt.run.choose import DeviceOptions
from tflopt.run.runner import TIME_LIMIT_S
from tflopt.run.samples import SampleOptions
from tflopt.target.memory import PORTABLE, PlanRequest

__all__ = ["optimize", "parse_pin"]
CHANNELS = (RemoveChannels.name, MergeTwinChannels.name)
"""The rules that ``--keep-channels`` leaves out."""


def optimize(
    models: Annotated[list[Path], typer.Argument(metavar="MODEL.tflite...", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Default: MODEL.opt.tflite.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--dir", "-d", help="Where the results of several models go.")
    ] = None,
    jobs: Jobs = 1,
    target: TargetName = DEFAULT_TARGET,
    report_path: ReportPath = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the report as a page.")
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
    print_after: Annotated[
        list[str] | None,
        typer.Option("--print-after", metavar="RULE", help="Print the graph each time it fired."),
    ] = None,
    timing: Annotated[bool, typer.Option("--timing", help="Print the time of each phase.")] = False,
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
    cmsis_nn: CmsisNnName = NEWEST_CMSIS_NN,
    goal: Annotated[
        Goal,
        typer.Option("--goal", help="What decides between forms; flash: no plan, no annotation."),
    ] = Goal.BALANCED,
    plan: Annotated[
        Plan | None,
        typer.Option(
            "--plan",
            help="Write a memory plan where it lowers the arena.",
            show_default=Plan.OFFLINE.value,
        ),
    ] = None,
    overlap: Annotated[
        bool,
        typer.Option("--overlap", help="Let outputs follow the input they consume; this ISA only."),
    ] = False,
    overlap_all: Annotated[
        bool, typer.Option("--overlap-all", help="The same by distances safe on every ISA.")
    ] = False,
    tile: Annotated[
        Tile | None,
        typer.Option(
            "--tile",
            help="Compute large layers in bands of rows where that lowers the arena.",
            show_default="off; auto with --goal memory, and where --max-arena is missed",
        ),
    ] = None,
    max_slowdown: Annotated[
        float,
        typer.Option(
            "--max-slowdown",
            min=0,
            max=1000,
            metavar="PERCENT",
            help="How many more predicted instructions bands may take.",
        ),
    ] = 10.0,
    pin: Annotated[
        list[str] | None,
        typer.Option("--pin", metavar="TENSOR=OFFSET", help="Fix a tensor's place; repeatable."),
    ] = None,
    preserve_inputs: Annotated[
        bool, typer.Option("--preserve-inputs", help="Keep inputs intact to the end.")
    ] = False,
    reserve_head: Annotated[
        str, typer.Option("--reserve-head", metavar="SIZE", help="Keep tensors out of the start.")
    ] = "0",
    arena_alignment: Annotated[
        int,
        typer.Option("--arena-alignment", metavar="BYTES", help="Align tensors, and the arena."),
    ] = ARENA_ALIGNMENT,
    plan_time: Annotated[
        float | None, typer.Option("--plan-time", metavar="SECONDS", help="End the search early.")
    ] = None,
    max_arena: Annotated[
        str | None,
        typer.Option("--max-arena", metavar="SIZE", help="Stay within this arena, or fail."),
    ] = None,
    max_flash: Annotated[
        str | None,
        typer.Option("--max-flash", metavar="SIZE", help="Stay within this file size, or fail."),
    ] = None,
    max_instructions: Annotated[
        str | None,
        typer.Option(
            "--max-instructions",
            metavar="COUNT",
            help="Stay within so many predicted instructions, or fail; e.g. 2.5M.",
        ),
    ] = None,
    effort: Annotated[
        float,
        typer.Option(
            "--effort", min=0.0, max=100.0, help="How long to look for better results; 1: default."
        ),
    ] = 1.0,
    require_verified: Annotated[
        bool, typer.Option("--require-verified", help="Fail where nothing could be compared.")
    ] = False,
    route_around: Annotated[
        bool,
        typer.Option(
            "--route-around/--no-route-around",
            help="Write layers otherwise that the target's kernels compute wrongly.",
        ),
    ] = True,
    keep_channels: Annotated[
        bool,
        typer.Option("--keep-channels", help="Leave all channels, also those that carry nothing."),
    ] = False,
    fail_on_hazard: Annotated[
        bool, typer.Option("--fail-on-hazard", help="Fail where such a layer is left.")
    ] = False,
    io_layout: Annotated[
        IoLayout,
        typer.Option(
            "--io-layout", help="'nhwc': the caller arranges inputs and outputs as layers do."
        ),
    ] = IoLayout.KEEP,
    allow_lsb: Annotated[
        int,
        typer.Option(
            "--allow-lsb",
            min=0,
            max=8,
            metavar="N",
            help="Let integer forms of float operators be off by N steps; 0: exact only.",
        ),
    ] = 0,
    annotate: Annotated[
        Annotate | None,
        typer.Option(
            "--annotate",
            help="Where scratch and arena sizes are stored.",
            show_default=Annotate.METADATA.value,
        ),
    ] = None,
    samples: Samples = 32,
    seed: Seed = 0,
    runner: RunnerName = "auto",
    tflm_lib: TflmLib = None,
    firmware: Firmware = None,
    fvp: Fvp = None,
    time_limit: TimeLimit = TIME_LIMIT_S,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Don't run original and optimized to compare.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Write an optimized copy of MODEL.tflite whose outputs are bit-identical.

    Both are run on TensorFlow Lite Micro (or LiteRT's reference kernels) before the file is
    written; a difference is exit code 1 and leaves no file. With several models and --dir one
    failure doesn't stop the rest, and the exit code is the worst.
    """
    single = folder is None and len(models) == 1
    model = models[0]
    original, data = load(model) if single else (None, b"")
    request = None
    if (plan or _default_plan(goal)) is Plan.OFFLINE:
        offline = OfflineOptions(
            solve=SolveOptions(time_limit_s=plan_time),
            preserve_inputs=preserve_inputs,
            reserve_head_bytes=parse_size(reserve_head),
            alignment=arena_alignment,
        )
        request = PlanRequest(overlap=_overlap(overlap, overlap_all), offline=offline)
    device = make_device(target, cmsis_nn)
    arena_limit = None if max_arena is None else parse_size(max_arena)
    devices = DeviceOptions(device.target, tflm_lib, firmware, fvp, time_limit)
    settings = Settings(
        selection=Selection(_names(only), (*(disable or ()), *(CHANNELS if keep_channels else ()))),
        config=Config(
            runtime,
            strip,
            frozenset(keep or ()),
            device,
            request,
            goal=goal,
            route_around=route_around,
            io_layout=io_layout,
            allow_lsb=allow_lsb,
            tiling=make_tiling(tile, goal, max_slowdown, arena_limit),
        ),
        layout=WriteOptions(align, share=True),
        samples=None if no_verify else SampleOptions(samples, seed),
        runner=choose_runner(runner, devices),
        annotate=annotate or _default_annotation(goal),
        max_arena_bytes=arena_limit,
        max_flash_bytes=None if max_flash is None else parse_size(max_flash),
        max_instructions=None if max_instructions is None else parse_count(max_instructions),
        require_verified=require_verified,
        fail_on_hazard=fail_on_hazard,
        effort=effort,
    )
    if require_verified and no_verify:
        raise UsageError("--require-verified and --no-verify exclude each other")
    pins = tuple(pin or ())
    if original is None:
        shown = explain or html is not None or timing or print_after
        if folder is None or output is not None or shown:
            who = (
                "several models take --dir," if len(models) > 1 else "--dir is for several models,"
            )
            raise UsageError(f"{who}, not --output, --html, --explain, --timing, --print-after")
        optimize_all(models, folder, settings, pins, report_path, jobs, quiet)
        return
    settings = with_pins(settings, pins, original)
    destination = output_path(model, output)
    beside = (report_path, html, annotation_path(settings, destination))
    check_outputs(beside, (model, destination))
    times = PhaseTimes(time.perf_counter)
    watches: list[Watch] = [verify_runs, times, _printer(print_after or ())]
    result = _run(original, data, settings, quiet, in_turn(watches))
    if timing:
        _print_times(times)
    files = results(result, settings, destination)
    texts = {}
    if report_path is not None or html is not None:
        plain = report(result, settings, str(model), str(destination))
        texts = {} if html is None else {html: page(plain)}
        texts |= {} if report_path is None else {report_path: dumps(plain)}
    printed = texts.pop(STDOUT, "")
    write_all({**{path: [utf8(text)] for path, text in texts.items()}, **files})
    if printed:
        typer.echo(printed, nl=False)
    elif not quiet:
        _print(result, settings, model, destination, explain)


def _default_plan(goal: Goal) -> Plan:
    """A plan takes 4 bytes of the file for each tensor."""
    return Plan.NONE if goal is Goal.FLASH else Plan.OFFLINE


def _default_annotation(goal: Goal) -> Annotate:
    return Annotate.NONE if goal is Goal.FLASH else Annotate.METADATA


def _overlap(this_isa: bool, every_isa: bool) -> str:
    if this_isa and every_isa:
        raise UsageError("--overlap and --overlap-all exclude each other")
    return PORTABLE if every_isa else "target" if this_isa else ""


def _names(only: list[str] | None) -> list[str] | None:
    return None if only is None else [name for name in only if name]


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
    result: Result, settings: Settings, source: Path, destination: Path, explain: bool
) -> None:
    from tflopt.report.console import print_near_misses, print_summary
    from tflopt.report.style import make_console

    console = make_console()
    print_summary(console, result, settings, str(source), str(destination))
    if explain:
        console.print()
        print_near_misses(console, result)
