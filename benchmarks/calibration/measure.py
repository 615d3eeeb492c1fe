"""What the layers of the grid, and whole models, take on an emulated core."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import typer

from benchmarks.calibration.grid import Pack
from benchmarks.calibration.table import Measured
from tflopt.errors import RunnerError, UsageError
from tflopt.io import read_bytes
from tflopt.ir import DType, Model, OpCode, Value
from tflopt.run.choose import DeviceOptions
from tflopt.run.device import DeviceRunner
from tflopt.run.device_report import DeviceReport
from tflopt.run.environment import choose_device
from tflopt.run.runner import Work
from tflopt.run.samples import Array
from tflopt.target.device import Device

UNIT = "instructions"
CANNOT_RUN = 4


def runner_for(device: Device, tflm_lib: Path | None) -> DeviceRunner:
    """The emulator with a board of that core; ends the command where there is no library."""
    try:
        return choose_device("qemu", DeviceOptions(device.target, tflm_lib))
    except UsageError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(CANNOT_RUN) from None


@dataclass(frozen=True)
class Counts:
    """Instructions of each pack's operators, and what made them."""

    compiler: str
    packs: tuple[tuple[int, ...], ...]

    def layers(self, packs: Sequence[Pack]) -> list[Measured]:
        """Each layer with its count."""
        return [
            Measured(layer.spec, float(count))
            for pack, counts in zip(packs, self.packs, strict=True)
            for layer, count in zip(pack.layers, counts, strict=True)
        ]


def measure(packs: Iterable[Pack], runner: DeviceRunner, jobs: int) -> Counts:
    """One boot for each pack, so many at a time.

    Raises:
        RunnerError: a boot failed, or the emulator counts something else than instructions.
    """
    with ThreadPoolExecutor(jobs) as pool:
        reports = list(pool.map(partial(_boot_pack, runner), packs))
    counts = tuple(tuple(each.count for each in report.operators) for report in reports)
    return Counts(reports[0].compiler, counts)


def _boot_pack(runner: DeviceRunner, pack: Pack) -> DeviceReport:
    report = boot(runner, pack.data)
    if len(report.operators) != len(pack.layers):
        raise RunnerError(runner.name, f"{len(report.operators)} operators were counted")
    return report


def boot(runner: DeviceRunner, data: bytes) -> DeviceReport:
    """The report of one model's run on inputs that follow from its bytes.

    What it counts is the last invocation, the second one where something runs only once.

    Raises:
        MissingOpError: the library lacks an operator.
        RunnerError: the run failed, or the emulator counts something else than instructions.
    """
    model = read_bytes(data)
    once = any(op.code is OpCode.CALL_ONCE for op in model.ops())
    samples = [_inputs(model, zlib.crc32(data))] * (2 if once else 1)
    with runner.start(Work(model, data, samples)) as run:
        report = run.outcome().device
    if report is None or report.unit != UNIT:
        raise RunnerError(runner.name, "the emulator does not count instructions")
    return report


def _inputs(model: Model, seed: int) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [_input(value, rng) for value in model.main.inputs]


def _input(value: Value, rng: np.random.Generator) -> Array:
    dtype = value.dtype.numpy
    assert dtype is not None
    if value.dtype is DType.FLOAT32:
        return rng.normal(0.0, 2.0, value.shape).astype(dtype)
    bits = value.dtype.bits if dtype.kind in "iu" else None
    if bits is None:
        return np.zeros(value.shape, dtype)
    low = -(1 << bits - 1) if dtype.kind == "i" else 0
    return _spread(value.elements, low, low + (1 << bits), rng).reshape(value.shape).astype(dtype)


def _spread(count: int, low: int, high: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """So many values in a random order, one in each equal part of the range.

    Thereby the share that saturates is the one of the range, in small layers too.
    """
    steps = rng.permutation(count) + rng.random(count)
    return np.floor(low + steps * ((high - low) / max(1, count))).astype(np.int64)


def save(path: Path, counts: Counts, packs: Sequence[Pack]) -> None:
    """Keep the counts, to fit again without measuring again."""
    data = {
        "compiler": counts.compiler,
        "grid": _fingerprint(packs),
        "packs": counts.packs,
    }
    path.write_text(json.dumps(data) + "\n", encoding="utf-8")


def load(path: Path, packs: Sequence[Pack]) -> Counts:
    """Counts that :func:`save` kept.

    Raises:
        ValueError: they are of another grid.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    if data["grid"] != _fingerprint(packs):
        raise ValueError(f"{path} has counts of another grid: measure again")
    return Counts(data["compiler"], tuple(map(tuple, data["packs"])))


def _fingerprint(packs: Sequence[Pack]) -> int:
    total = 0
    for pack in packs:
        total = zlib.crc32(pack.data, total)
    return total
