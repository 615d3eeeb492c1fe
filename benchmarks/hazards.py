"""Every known defect on the emulated core: wrong before ``optimize``, right after it.

    python benchmarks/hazards.py --target cortex-m55 --tflm-lib DIR [--grid]

Runs the models of ``testdata/hazards`` that the target meets, as they are and optimized, and
compares both with TFLM's reference kernels (the tflite-micro package) on the original, or with
LiteRT's where those are wrong themselves. A defect that needs a library built otherwise (a debug
build, an older CMSIS-NN) shows with such a one alone; the table says what it needs. ``--only NAME``
runs one entry. ``--grid`` runs 1xN convolutions of all strides 1-4, kernels 1-8, channels 1-8 and
both paddings at three widths, and counts where the predicate of ``conv-1xn-strided`` and the core
disagree. Prints markdown; exit code 1 if a model is wrong after ``optimize``, or on a disagreement.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for tests/support, which this shares its runtime with

from benchmarks.device_layers.families import Spec  # noqa: E402
from benchmarks.device_layers.packs import make_pack, run_pack  # noqa: E402
from tests.support.runtime import RuntimeFailure, runtime  # noqa: E402
from tflopt.config import Config  # noqa: E402
from tflopt.errors import RunnerError  # noqa: E402
from tflopt.io import read, write_bytes  # noqa: E402
from tflopt.ir import Model  # noqa: E402
from tflopt.rules.pipeline import run_pipeline  # noqa: E402
from tflopt.run.choose import DeviceOptions, device_runner  # noqa: E402
from tflopt.run.runner import Runner, Work  # noqa: E402
from tflopt.run.samples import SampleOptions, make_samples  # noqa: E402
from tflopt.target import Target  # noqa: E402
from tflopt.target.cmsis_nn.versions import find_version  # noqa: E402
from tflopt.target.device import Device  # noqa: E402
from tflopt.target.hazards import Evidence, Hazard, find_hazards, hazards  # noqa: E402

FOLDER = ROOT / "testdata" / "hazards"
SAMPLES = SampleOptions(8, seed=1)
WIDTHS = (17, 20, 23)
PACK = 64


def outputs(runner: Runner, model: Model, original: Model) -> list[list[np.ndarray]] | str:
    """What a device gives, or how it failed."""
    work = Work(model, write_bytes(model), make_samples(original, SAMPLES))
    try:
        with runner.start(work) as job:
            return job.outcome().outputs
    except RunnerError as error:
        return error.reason


def verdict(found: list[list[np.ndarray]] | str, expected: list[list[np.ndarray]] | None) -> str:
    """``right``, or what is not."""
    if isinstance(found, str):
        return f"fails: {found[:60]}"
    if expected is None:
        return "runs"
    pairs = [
        (a, b)
        for old, new in zip(expected, found, strict=True)
        for a, b in zip(old, new, strict=True)
    ]
    wrong = sum(int(np.count_nonzero(a != b)) for a, b in pairs)
    total = sum(a.size for a, _ in pairs)
    return f"{wrong} of {total} wrong" if wrong else "right"


def check_models(runner: Runner, device: Device, only: Sequence[str] = ()) -> bool:
    """One row for each model that the target meets; whether all are right afterwards."""
    print("| defect | before | after | by | shows with |\n|---|---|---|---|---|")
    fine = True
    for hazard in hazards():
        if only and hazard.name not in only:
            continue
        model = read(FOLDER / f"{hazard.name.replace('-', '_')}.tflite")
        if not any(found.hazard is hazard for found in find_hazards(model, device)):
            continue
        optimized = read(FOLDER / f"{hazard.name.replace('-', '_')}.tflite")
        run_pipeline(optimized, config=Config(device=device))
        expected = reference(model, hazard)
        before = verdict(outputs(runner, model, model), expected)
        after = verdict(outputs(runner, optimized, model), expected)
        fine = fine and (hazard.rule is None or after in ("right", "runs"))
        rule, needs = hazard.rule or "no rule", hazard.needs or "any build"
        print(f"| {hazard.name} | {before} | {after} | {rule} | {needs} |", flush=True)
    return fine


def reference(model: Model, hazard: Hazard) -> list[list[np.ndarray]] | None:
    """TFLM's portable kernels, LiteRT's where those are at fault; None where they crash, too."""
    runner = "litert" if hazard.evidence is Evidence.HOST else "tflm"
    try:
        return runtime().run(runner, write_bytes(model), make_samples(model, SAMPLES))
    except RuntimeFailure:
        return None


def grid() -> list[Spec]:
    """1xN convolutions: strides 1-4, kernels 1-8, channels 1-8, both paddings, three widths."""
    fixed = {"batches": 1, "height": 1, "kernel_h": 1, "stride_h": 1, "dilation_h": 1}
    fixed |= {"dilation_w": 1, "groups": 1, "filters": 5, "bias": 1, "per_tensor": 0}
    fixed |= {"activation": 0, "zero_point": 5, "seed": 1}
    return [
        Spec("CONV_2D", tuple({**fixed, **dict(zip(NAMES, numbers, strict=True))}.items()))
        for numbers in product(range(1, 5), range(1, 9), range(1, 9), (0, 1), WIDTHS)
    ]


NAMES = ("stride_w", "kernel_w", "channels", "same", "width")


def check_grid(runner: Runner, device: Device) -> bool:
    """Whether the predicate and the core agree on every layer."""
    specs = grid()
    flagged = {spec for spec in specs if find_hazards(make_pack([spec]).model, device)}
    wrong = set()
    for start in range(0, len(specs), PACK):
        wrong |= {each.spec for each in run_pack(specs[start : start + PACK], runner)}
    false_alarms, misses = len(flagged - wrong), len(wrong - flagged)
    print(
        f"\n{len(specs)} layers of one row: {len(wrong)} wrong on the core, {len(flagged)} "
        f"flagged, {false_alarms} false alarms, {misses} misses"
    )
    return not false_alarms and not misses


def main(
    target: Annotated[str, typer.Option(help="The core.")] = "cortex-m55",
    tflm_lib: Annotated[Path | None, typer.Option(help="Folder with lib and include.")] = None,
    firmware: Annotated[Path | None, typer.Option(help="A built image instead.")] = None,
    cmsis_nn: Annotated[str, typer.Option(help="The library's CMSIS-NN.")] = "4ab83cc",
    with_grid: Annotated[bool, typer.Option("--grid", help="Run the grid, too.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="This entry; repeatable.")] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds for one run.")] = 60.0,
) -> None:
    """Compare, and exit with 1 where a routed layer is wrong."""
    for name in set(only or ()) - {hazard.name for hazard in hazards()}:
        raise typer.BadParameter(f"--only {name}: docs/hazards.md lists the entries")
    core = Target.parse(target)
    options = DeviceOptions(core, library=tflm_lib, firmware=firmware, time_limit_s=time_limit)
    runner = device_runner("qemu", options)
    device = Device.of(core, find_version(cmsis_nn))
    fine = check_models(runner, device, only or ())
    if with_grid:
        fine = check_grid(runner, device) and fine
    raise typer.Exit(0 if fine else 1)


if __name__ == "__main__":
    typer.run(main)
