"""``tflopt validate``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
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
    ReportPath,
    RunnerName,
    Samples,
    Seed,
    TargetName,
    TflmName,
    load,
    make_device,
)
from tflopt.cli.device import Firmware, Fvp, LeastArena, TflmLib, TimeLimit, choose_runner
from tflopt.errors import EXIT_CHECK_FAILED, EXIT_RUNNER
from tflopt.io import write_file
from tflopt.io.files import STDOUT, check_outputs
from tflopt.product.optimize import DEFAULT_TARGET
from tflopt.product.validation import validate_files
from tflopt.report.device import DeviceFacts, device_facts, facts_json
from tflopt.report.json_report import dumps, heading, verification
from tflopt.run.choose import DeviceOptions
from tflopt.run.emulators import stand_in_note
from tflopt.run.runner import TIME_LIMIT_S
from tflopt.run.samples import SampleOptions
from tflopt.target.device import Device
from tflopt.verify.compare import Candidate, Verification
from tflopt.verify.layers import LayerDifference


def validate(
    original: Annotated[Path, typer.Argument(metavar="ORIGINAL", show_default=False)],
    optimized: Annotated[Path, typer.Argument(metavar="OPTIMIZED", show_default=False)],
    samples: Samples = 32,
    seed: Seed = 0,
    runner: RunnerName = "auto",
    reference: Annotated[
        str | None, typer.Option("--reference", help="Run ORIGINAL here instead: tflm, litert.")
    ] = None,
    layers: Annotated[
        bool,
        typer.Option("--layers", help="Compare inner tensors also where the outputs are equal."),
    ] = False,
    target: TargetName = DEFAULT_TARGET,
    cmsis_nn: CmsisNnName = FITTING_CMSIS_NN,
    tflm: TflmName = NEWEST_TFLM,
    build: BuildName = FOR_SPEED,
    tflm_lib: TflmLib = None,
    firmware: Firmware = None,
    fvp: Fvp = None,
    time_limit: TimeLimit = TIME_LIMIT_S,
    least_arena: LeastArena = False,
    report_path: ReportPath = None,
    as_json: AsJson = False,
) -> None:
    """Run two models on the same inputs and compare their outputs bit for bit.

    Where they differ, the first inner tensor that differs is named. With --runner qemu or fvp the
    models run on the target's kernels, and the memory they use is held against what was predicted.

    Exit code 0: identical, or all but operators that no runner has and that both have alike;
    1: different; 4: no runner could run them.
    """
    check_outputs([report_path], [original, optimized])
    device = make_device(target, cmsis_nn, tflm, build)
    options = DeviceOptions(device.target, tflm_lib, firmware, fvp, time_limit, least_arena)
    chosen = choose_runner(runner, options)
    source = None if reference is None else choose_runner(reference, DeviceOptions(device.target))
    pair = [Candidate(*load(path)) for path in (original, optimized)]
    verdict = validate_files(
        *pair,
        runner=chosen,
        samples=SampleOptions(samples, seed),
        layers=layers,
        reference=source,
    )
    note = "" if isinstance(chosen, str) else stand_in_note(device.target)
    verdict = replace(verdict, note="; ".join(filter(None, [verdict.note, note])))
    facts = _facts(pair, verdict, device)
    data = {
        **heading(),
        "original": str(original),
        "optimized": str(optimized),
        "target": str(device.target),
        "verification": verification(verdict),
        "layers": _layer(verdict.layer, verdict.layer_note),
        "devices": [None if figures is None else facts_json(figures) for figures in facts],
    }
    if report_path is not None and report_path != STDOUT:
        write_file(report_path, [dumps(data).encode()])
    if as_json or report_path == STDOUT:
        typer.echo(dumps(data), nl=False)
    else:
        _print(verdict, (original, optimized), facts)
    codes = {"identical": 0, "different": EXIT_CHECK_FAILED, "not verified": EXIT_RUNNER}
    raise typer.Exit(codes[verdict.status])


def _facts(
    pair: Sequence[Candidate], verdict: Verification, device: Device
) -> list[DeviceFacts | None]:
    return [
        None if report is None else device_facts(candidate.model, report, device)
        for candidate, report in zip(pair, verdict.devices, strict=True)
    ]


def _layer(layer: LayerDifference | None, note: str) -> dict[str, object]:
    return {"first_difference": None if layer is None else asdict(layer), "note": note}


def _print(
    verdict: Verification, paths: tuple[Path, Path], facts: Sequence[DeviceFacts | None]
) -> None:
    from tflopt.report.console import print_verification
    from tflopt.report.console_device import print_devices, print_layer
    from tflopt.report.style import make_console

    console = make_console()
    print_verification(console, verdict)
    print_layer(console, verdict)
    known = [(p.name, f) for p, f in zip(paths, facts, strict=True) if f is not None]
    if known:
        console.print()
        print_devices(console, [name for name, _ in known], [figures for _, figures in known])
