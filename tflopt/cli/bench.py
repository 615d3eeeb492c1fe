"""``tflopt bench``."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from tflopt.cli.clocking import read_clocking
from tflopt.cli.common import (
    FITTING_CMSIS_NN,
    FOR_SPEED,
    NEWEST_TFLM,
    AsJson,
    BoardName,
    BuildName,
    CmsisNnName,
    ModelPath,
    ProfilePath,
    Seed,
    TargetName,
    TflmName,
    load,
    make_device,
)
from tflopt.cli.device import Firmware, Fvp, LeastArena, TflmLib, TimeLimit, choose_device
from tflopt.errors import UsageError
from tflopt.ir import Model
from tflopt.product.bench import PREDICTED, Bench, measure, predict, timed
from tflopt.product.optimize import DEFAULT_TARGET
from tflopt.report.device import DeviceFacts, device_facts, facts_json, operator_rows
from tflopt.report.json_report import dumps, heading
from tflopt.report.notes import target_notes
from tflopt.run.choose import DeviceOptions
from tflopt.run.emulators import stand_in_note
from tflopt.run.environment import named_library
from tflopt.run.registry import EMULATORS
from tflopt.run.runner import TIME_LIMIT_S
from tflopt.target.device import Device

AUTO = "auto"
RUNNERS = (AUTO, *EMULATORS, PREDICTED)
NO_LIBRARY = (
    "predicted from the core's cost table; --tflm-lib DIR, your TFLM build, measures it on QEMU"
)


def bench(
    model: ModelPath,
    optimized: Annotated[
        Path | None, typer.Argument(metavar="[OPTIMIZED]", show_default=False)
    ] = None,
    runner: Annotated[str, typer.Option("--runner", help="auto, qemu, fvp or predicted.")] = AUTO,
    target: TargetName = DEFAULT_TARGET,
    cmsis_nn: CmsisNnName = FITTING_CMSIS_NN,
    tflm: TflmName = NEWEST_TFLM,
    build: BuildName = FOR_SPEED,
    profile: ProfilePath = None,
    tflm_lib: TflmLib = None,
    firmware: Firmware = None,
    fvp: Fvp = None,
    time_limit: TimeLimit = TIME_LIMIT_S,
    least_arena: LeastArena = False,
    clock: Annotated[
        str | None,
        typer.Option("--clock", metavar="HZ", help="Give time too, as a range; e.g. 120M."),
    ] = None,
    memory_speed: Annotated[
        str | None,
        typer.Option(
            "--memory", metavar="flash-ws=N", help="With --clock: wait states that no cache hides."
        ),
    ] = None,
    board: BoardName = "",
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Say what each operator costs on a target: instructions on QEMU, cycles on an FVP.

    With OPTIMIZED both models are measured, side by side. 'predicted' runs nothing; so does 'auto'
    where no TFLM build is named.
    """
    if runner not in RUNNERS:
        raise UsageError(f"bench has no runner {runner!r}; known: {', '.join(RUNNERS)}")
    target, clocking = read_clocking(target, clock, memory_speed, board)
    device = make_device(target, cmsis_nn, tflm, build, profile)
    paths = [path for path in (model, optimized) if path is not None]
    pair = [load(path) for path in paths]
    note = ""
    if runner == AUTO:
        named = tflm_lib or firmware or named_library(device.target)
        runner, note = ("qemu", "") if named else (PREDICTED, NO_LIBRARY)
    if runner == PREDICTED:
        results = [predict(loaded, device) for loaded, _ in pair]
    else:
        options = DeviceOptions(device.target, tflm_lib, firmware, fvp, time_limit, least_arena)
        results = measure(pair, choose_device(runner, options), seed)
        note = stand_in_note(device.target)
    models = [loaded for loaded, _ in pair]
    if clocking is not None:
        results = [timed(m, r, device, clocking) for m, r in zip(models, results, strict=True)]
    if as_json:
        digests = [sha256(data).hexdigest() for _, data in pair]
        document = _json(list(zip(paths, digests, strict=True)), models, results, device, note)
        typer.echo(dumps(document), nl=False)
    else:
        _print(paths, models, results, device, note)


def _facts(model: Model, result: Bench, device: Device) -> DeviceFacts | None:
    return None if result.report is None else device_facts(model, result.report, device)


def _json(
    files: Sequence[tuple[Path, str]],
    models: Sequence[Model],
    results: Sequence[Bench],
    device: Device,
    note: str,
) -> dict[str, object]:
    entries = []
    for (path, digest), model, result in zip(files, models, results, strict=True):
        facts = _facts(model, result, device)
        entries.append(
            {
                "path": str(path),
                "sha256": digest,
                "unit": result.unit,
                "total": result.total,
                "time": None if result.time is None else result.time.as_json(),
                "note": result.note,
                "operators": [
                    {
                        "index": row.index,
                        "operator": row.name,
                        "kernel": row.kernel,
                        "count": row.count,
                        "share": row.share,
                    }
                    for row in operator_rows(model, result.operators, device)
                ],
                "device": None if facts is None else facts_json(facts),
            }
        )
    return {
        **heading(device),
        "note": note,
        "models": entries,
    }


def _print(
    paths: Sequence[Path],
    models: Sequence[Model],
    results: Sequence[Bench],
    device: Device,
    note: str,
) -> None:
    from tflopt.report.console import print_notes
    from tflopt.report.console_device import print_bench, print_devices
    from tflopt.report.style import make_console

    console = make_console()
    names = [path.name for path in paths]
    rows = [operator_rows(m, r.operators, device) for m, r in zip(models, results, strict=True)]
    print_bench(console, names, results, rows)
    facts = [_facts(m, r, device) for m, r in zip(models, results, strict=True)]
    known = [figures for figures in facts if figures is not None]
    if known:
        console.print()
        print_devices(console, names, known)
    times = [result.time.why for result in results if result.time is not None]
    others = dict.fromkeys(text for model in models for text in target_notes(model, device))
    texts = (note, *(r.note for r in results), *dict.fromkeys(times), *others)
    print_notes(console, [text for text in texts if text])
