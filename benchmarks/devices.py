"""Every model, original and optimized, on emulated cores: outputs, memory and instructions.

    python benchmarks/devices.py [--target cortex-m4] [--build size] [--samples 8] [--json FILE]
    python benchmarks/devices.py --random 500 --no-least-arena [--seed 1]

Needs QEMU and, for each target, a TFLM library: TFLOPT_TFLM_LIB_CORTEX_M4 and the like, as
``tflopt validate --runner qemu``; its ``VERSION.txt`` names CMSIS-NN's commit. Prints a markdown
table and every difference between what was predicted and what the device used. With ``--random``,
random models take the place of the folders' (those of ``benchmarks/fuzz.py``); one whose original
doesn't run on host or device is counted and set aside. Exits with 1 if outputs or memory differ,
with 4 without a library.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.against import random_files  # noqa: E402
from tflopt.config import Config  # noqa: E402
from tflopt.errors import TfloptError  # noqa: E402
from tflopt.io.files import load  # noqa: E402
from tflopt.ir import Model  # noqa: E402
from tflopt.product.optimize import Settings, optimize_file_bytes  # noqa: E402
from tflopt.report.device import DeviceFacts, device_facts  # noqa: E402
from tflopt.run.choose import DeviceOptions  # noqa: E402
from tflopt.run.device import DeviceRunner  # noqa: E402
from tflopt.run.environment import choose_device, library_variable  # noqa: E402
from tflopt.run.samples import SampleOptions  # noqa: E402
from tflopt.target import Target  # noqa: E402
from tflopt.target.cost import predict_model  # noqa: E402
from tflopt.target.device import Device  # noqa: E402
from tflopt.target.memory import PlanRequest  # noqa: E402
from tflopt.target.probe import read_versions  # noqa: E402
from tflopt.target.setup import NEWEST_RUNTIME  # noqa: E402
from tflopt.verify.compare import Candidate, Verification, compare  # noqa: E402

FOLDERS = (ROOT.parent / "shared" / "models", ROOT / "testdata" / "models")
TARGETS = ("cortex-m4", "cortex-m55")
CANNOT_RUN = 4
COMMIT_DIGITS = 7
CORRECTED = "original wrong on the device, optimized as on the host"
"""The original has a layer that CMSIS-NN computes wrongly; the result's outputs are those of TFLM's
reference kernels on the host."""
SET_ASIDE = "set aside"
"""A random original that the host or the device doesn't run, or not twice alike."""
COLUMNS = ("arena", "least arena", "head", "tail", "scratch", "instructions", "predicted", "off")
MEASURED = ("arena used", "least arena", "head", "tail", "scratch")


@dataclass(frozen=True)
class Row:
    """A model on a target: the verdict, and facts of original and optimized.

    ``instructions`` are those that the cost model predicts for the two.
    """

    name: str
    status: str
    note: str
    tensors: int
    facts: tuple[DeviceFacts, ...] = ()
    instructions: tuple[int, ...] = ()

    @property
    def errors(self) -> list[float]:
        """How far the predicted instructions are from those counted, as fractions of these."""
        counted = [each.report.total for each in self.facts]
        pairs = zip(self.instructions, counted, strict=False)
        return [predicted / total - 1 for predicted, total in pairs if total]

    @property
    def differences(self) -> list[str]:
        """Where the prediction was wrong."""
        return [f"{side}: {text}" for side, each in self._sides() for text in each.differences]

    @property
    def notes(self) -> list[str]:
        """What was not predicted, and bounds that the device stayed below."""
        found = [f"{side}: {each.unpredicted}" for side, each in self._sides() if each.unpredicted]
        for side, each in self._sides():
            for fact in each.memory:
                if fact.predicted not in (None, fact.used) and not fact.differs:
                    found.append(f"{side}: {fact.name}: predicted {fact.predicted:,}")
        return found

    @property
    def stays_below(self) -> bool:
        """Whether a smaller arena than the predicted least one worked."""
        facts = [fact for each in self.facts for fact in each.memory if fact.is_bound]
        return any(
            f.used is not None and f.predicted is not None and f.used < f.predicted for f in facts
        )

    def _sides(self) -> list[tuple[str, DeviceFacts]]:
        return list(zip(("original", "optimized"), self.facts, strict=False))

    def cells(self) -> list[str]:
        """The row of the table."""
        if len(self.facts) < 2:
            return [self.name, f"{self.status}: {self.note}", *[""] * (1 + len(COLUMNS))]
        known = [{fact.name: fact for fact in each.memory} for each in self.facts]
        cells = []
        for name in MEASURED:
            pair = [each[name].used if name in each else None for each in known]
            wrong = any(name in each and each[name].differs for each in known)
            cells.append(_pair(pair) + (" **differs**" if wrong else ""))
        totals = [each.report.total for each in self.facts]
        inner = str(self.tensors) if self.tensors else "-"
        errors = ", ".join(dict.fromkeys(f"{100 * error:+.1f} %" for error in self.errors))
        counts = [_pair(totals), _pair(self.instructions), errors or "-"]
        return [self.name, self.status, inner, *cells, *counts]


def _pair(values: Sequence[int | None]) -> str:
    old, new = values
    if old is None or new is None:
        return "-"
    if old == new:
        return f"{old:,}"
    return f"{old:,} -> {new:,} ({100 * (new - old) / old:+.1f} %)" if old else f"0 -> {new:,}"


def measure(
    path: Path,
    runner: DeviceRunner,
    device: Device,
    options: SampleOptions,
    on_host: SampleOptions | None = None,
) -> Row:
    """Optimize a model for the device, verify it on the host if asked to, and run both."""
    try:
        original, data = load(path)
        settings = Settings(config=Config(device=device, plan=PlanRequest()), samples=on_host)
        result = optimize_file_bytes(original, data, settings)
        verdict = compare(
            Candidate(original, data),
            Candidate(result.model, result.data, derived=True),
            runner=runner,
            options=options,
        )
        status: str = verdict.status
        left = [each for each in result.hazards_left if not each.hazard.needs]
        if status == "different" and result.hazards and not left:
            held = compare(
                Candidate(original, data),
                Candidate(result.model, result.data, derived=True),
                runner=runner,
                options=options,
                reference="tflm",
                layers="different",
            )
            status = CORRECTED if held.status == "identical" else status
    except TfloptError as error:
        return Row(path.stem, "failed", str(error), 0)
    return replace(_row(path.stem, verdict, [original, result.model], device), status=status)


def _row(name: str, verdict: Verification, models: Sequence[Model], device: Device) -> Row:
    facts = tuple(
        device_facts(model, report, device)
        for model, report in zip(models, verdict.devices, strict=True)
        if report is not None
    )
    predicted = tuple(predict_model(model, device).instructions for model in models)
    note = verdict.note or (str(verdict.mismatch) if verdict.mismatch else "")
    return Row(name, verdict.status, note, verdict.tensors, facts, predicted)


def _libraries(targets: Sequence[str]) -> dict[str, Path]:
    variables = {name: library_variable(Target.parse(name)) for name in targets}
    return {n: Path(os.environ[v]) for n, v in variables.items() if os.environ.get(v)}


def measure_random(path: Path, runner: DeviceRunner, device: Device, options: SampleOptions) -> Row:
    """The same for a random model, verified on the host too, or set aside."""
    try:
        original, data = load(path)
        pair = (Candidate(original, data), Candidate(original, data))
        on_host = compare(*pair, runner="tflm", options=options)
        if on_host.status != "identical":
            return Row(path.stem, SET_ASIDE, on_host.note, 0)
        row = measure(path, runner, device, options, on_host=options)
        if row.status in ("identical", CORRECTED):
            return row
        repeated = compare(*pair, runner=runner, options=options)
    except TfloptError as error:
        return Row(path.stem, SET_ASIDE, str(error), 0)
    return row if repeated.status == "identical" else replace(row, status=SET_ASIDE)


def _print(target: str, rows: Sequence[Row], runner: DeviceRunner) -> None:
    ran = [row for row in rows if len(row.facts) == 2]
    if ran:
        report = ran[0].facts[0].report
        print(f"{report.core} on {runner.name}'s {report.board}, {report.compiler}\n")
    print("| " + " | ".join(["model", "outputs", "inner tensors", *COLUMNS]) + " |")
    print("|---|---|" + "--:|" * (1 + len(COLUMNS)))
    for row in rows:
        print("| " + " | ".join(row.cells()) + " |", flush=True)
    same = sum(row.status == "identical" for row in rows)
    known = [row for row in ran if not any(each.unpredicted for each in row.facts)]
    exact = sum(not row.differences for row in known)
    below = sum(row.stays_below for row in known)
    print(f"\n{target}: {same} of {len(rows)} identical")
    for status, count in Counter(row.status for row in rows).items():
        if status != "identical":
            print(f"- {status}: {count}")
    print(f"- used, head, tail and scratch as predicted: {exact} of {len(known)}")
    print(f"- nothing predicted: {len(ran) - len(known)}")
    print(f"- a smaller arena than the predicted least one worked: {below}")
    errors = sorted(abs(error) for row in ran for error in row.errors)
    if errors:
        print(
            f"- predicted instructions: off by {100 * median(errors):.1f} % in the median, "
            f"{100 * errors[-1]:.1f} % at most\n"
        )
    for row in ran:
        for text in (*row.differences, *row.notes):
            print(f"- {row.name}, {text}")
    print()


def main(
    target: Annotated[list[str] | None, typer.Option(help="A core; repeatable.")] = None,
    samples: Annotated[int, typer.Option(min=1)] = 8,
    least_arena: Annotated[bool, typer.Option(help="Find the least arena by trying.")] = True,
    model: Annotated[list[str] | None, typer.Option(help="Only these; repeatable.")] = None,
    build: Annotated[str, typer.Option(help="Of the library: speed or size.")] = "speed",
    tflm: Annotated[str, typer.Option(help="Of the library: a commit.")] = NEWEST_RUNTIME.name,
    count: Annotated[int, typer.Option("--random", min=0, help="Random models instead.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the first random model.")] = 1,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write JSON here.")] = None,
) -> None:
    """Run every model on every target that has a library."""
    libraries = _libraries(target or TARGETS)
    if not libraries:
        typer.echo("no TFLM library; set TFLOPT_TFLM_LIB_CORTEX_M55", err=True)
        raise typer.Exit(CANNOT_RUN)
    paths = [path for folder in FOLDERS for path in sorted(folder.glob("*.tflite"))]
    paths = [path for path in paths if not model or path.stem in model]
    failed, data = False, {}
    run = measure_random if count else measure
    for name, library in libraries.items():
        kernels = read_versions(library).get("cmsis_nn", "")[:COMMIT_DIGITS]
        device = Device.of(name, kernels, tflm=tflm, build=build)
        options = DeviceOptions(device.target, library, least_arena=least_arena)
        runner = choose_device("qemu", options)
        print(f"## {name}\n")
        with tempfile.TemporaryDirectory() as scratch:
            chosen = random_files(count, seed, Path(scratch)) if count else paths
            rows = [run(path, runner, device, SampleOptions(samples)) for path in chosen]
        _print(name, rows, runner)
        failed |= any(row.status in ("different", "failed") or row.differences for row in rows)
        data[name] = [asdict(row) for row in rows]
    if json_path is not None:
        json_path.write_text(json.dumps(data, indent=2, default=str) + "\n")
    raise typer.Exit(1 if failed else 0)


if __name__ == "__main__":
    typer.run(main)
