"""Reports to the maintainers of TFLM and CMSIS-NN, one for each known defect, ready to be sent.

    python benchmarks/upstream.py --library cortex-m55=DIR [--library cortex-m4=DIR,3b20912,size]
        [--only NAME] [--write]

Each model of ``testdata/hazards`` runs on the emulated core, and on TFLM's reference kernels on the
host (LiteRT's where those are at fault), with an input that a formula gives. A report has the
model, the input, what was expected and what was seen, the versions and the line in question.
``--write`` puts them into ``docs/upstream``; a defect that no library here shows keeps its report
without numbers. A library's version and build follow its folder.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for tests/support, which this shares its runtime with

from dataclasses import dataclass  # noqa: E402

from benchmarks.upstreaming.lines import PLACES  # noqa: E402
from tests.support.hazards import hazard_model  # noqa: E402
from tests.support.runtime import Outputs, RuntimeFailure, runtime  # noqa: E402
from tflopt.errors import RunnerError  # noqa: E402
from tflopt.io import write_bytes  # noqa: E402
from tflopt.ir import Model  # noqa: E402
from tflopt.ir.text import dump  # noqa: E402
from tflopt.run.choose import DeviceOptions, device_runner  # noqa: E402
from tflopt.run.runner import Runner, Work  # noqa: E402
from tflopt.target.device import Device  # noqa: E402
from tflopt.target.hazards import Evidence, Hazard, find_hazards, hazards  # noqa: E402

Array = npt.NDArray[Any]
FOLDER = ROOT / "docs" / "upstream"
INVOCATIONS, MOST_SHOWN = 8, 3
SHOWN = 12
MOST_LINES = 60
FORMULA = "(i + 97 * s) * 2654435761 >> 16"


@dataclass(frozen=True)
class Seen:
    """What a core gave, and what was expected."""

    core: str
    library: str
    expected: Outputs | None
    found: Outputs | str


def samples_of(model: Model) -> Outputs:
    """Inputs by the formula that the reports print."""
    return [
        [_pattern(value.shape, np.dtype(value.dtype.numpy), number) for value in model.main.inputs]
        for number in range(INVOCATIONS)
    ]


def _pattern(shape: Sequence[int], kind: np.dtype[Any], number: int) -> Array:
    count = int(np.prod(shape))
    index = np.arange(count, dtype=np.uint64)
    bits = ((index + 97 * number) * 2654435761 >> 16).astype(np.int64)
    if kind.kind == "f":
        return np.asarray((bits % 256 - 128) / 64, kind).reshape(shape)
    if kind.kind == "b":
        return np.asarray(bits % 2 == 1).reshape(shape)
    info = np.iinfo(kind)
    span = min(int(info.max) - int(info.min) + 1, 1 << 16)
    least = max(int(info.min), -(1 << 15))
    return np.asarray(bits % span + least, kind).reshape(shape)


def look(hazard: Hazard, runners: Sequence[tuple[Device, Runner, str]]) -> Seen | None:
    """The first library that shows a defect; None where none does."""
    model = hazard_model(hazard.name)
    for device, runner, name in runners:
        if not any(found.hazard is hazard for found in find_hazards(model, device)):
            continue
        work = Work(model, write_bytes(model), samples_of(model))
        try:
            with runner.start(work) as job:
                found: Outputs | str = job.outcome().outputs
        except RunnerError as error:
            found = error.reason
        seen = Seen(str(device.target), name, _expected(model, hazard), found)
        if isinstance(found, str) or list(_differences(seen)):
            return seen
    return None


def _expected(model: Model, hazard: Hazard) -> Outputs | None:
    runner = "litert" if hazard.evidence is Evidence.HOST else "tflm"
    try:
        return runtime().run(runner, write_bytes(model), samples_of(model))
    except RuntimeFailure:
        return None


def _differences(seen: Seen) -> Iterator[tuple[int, int, Array, Array, Array]]:
    """Of each invocation and output that differ: both flat, and where."""
    if seen.expected is None or isinstance(seen.found, str):
        return
    for number, (old, new) in enumerate(zip(seen.expected, seen.found, strict=True)):
        for port, (a, b) in enumerate(zip(old, new, strict=True)):
            where = np.flatnonzero(a.reshape(-1) != b.reshape(-1))
            if where.size:
                yield number, port, a.reshape(-1), b.reshape(-1), where


def report(hazard: Hazard, seen: Seen | None) -> str:
    """The page."""
    place, model = PLACES[hazard.name], hazard_model(hazard.name)
    text = dump(model).strip().splitlines()
    lines = [
        f"# {hazard.part}: {hazard.symptom}",
        "",
        f"- **Versions**: {place.versions}",
        f"- **Affected**: {hazard.affected}",
        f"- **Line**: {place.line}",
        f"- **Cause**: {hazard.where}",
        f"- **Mend**: {place.mend}",
        "",
        "## Model",
        "",
        f"`{hazard.name.replace('-', '_')}.tflite`, attached (`testdata/hazards`). Shapes, "
        "{scale, zero point} and options:",
        "",
        "```text",
        *[_short(line) for line in text[:MOST_LINES]],
        "```",
        "",
        "## Input",
        "",
        f"Element i of invocation s, on one interpreter: `({FORMULA}) % 65536 - 32768` as int16, "
        "`% 256 - 128` as int8.",
        "",
        "## Expected and seen",
        "",
        *_results(hazard, seen),
    ]
    return "\n".join(lines) + "\n"


def _short(line: str) -> str:
    return line if len(line) <= 160 else f"{line[:156]} ..."


def _results(hazard: Hazard, seen: Seen | None) -> Iterator[str]:
    reference = "LiteRT's" if hazard.evidence is Evidence.HOST else "TFLM's"
    if seen is None:
        needs = f"It shows with {hazard.needs}." if hazard.needs else "Read in the source."
        yield f"Expected: what {reference} reference kernels give. {needs}"
        return
    yield f"Expected: {reference} reference kernels on x86-64. Seen: {seen.core} on QEMU,"
    yield f"{seen.library}, gcc 12.2."
    yield ""
    if isinstance(seen.found, str):
        yield f"Seen: {seen.found}"
        return
    for number, port, old, new, where in islice(_differences(seen), MOST_SHOWN):
        start = int(where[0])
        end = min(start + SHOWN, old.size)
        yield f"- invocation {number}, output {port}: {where.size:,} of {old.size:,} differ;"
        yield f"  elements {start} to {end - 1}:"
        yield f"  expected `{' '.join(map(str, old[start:end]))}`,"
        yield f"  seen `{' '.join(map(str, new[start:end]))}`"


def _has_numbers(path: Path) -> bool:
    return path.exists() and "Seen: cortex" in path.read_text(encoding="utf-8")


def main(
    library: Annotated[list[str] | None, typer.Option(help="CORE=DIR[,TFLM[,BUILD]].")] = None,
    only: Annotated[list[str] | None, typer.Option(help="This entry; repeatable.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Write docs/upstream.")] = False,
) -> None:
    """Run, and print or write the reports."""
    runners = []
    for text in library or ():
        core, _, rest = text.partition("=")
        folder, tflm, build, *_ = [*rest.split(","), "90b983c", "speed"][:3]
        device = Device.of(core, "4ab83cc" if tflm == "90b983c" else "", tflm, build)
        options = DeviceOptions(device.target, Path(folder), time_limit_s=300)
        name = f"{device.runtime}, {device.kernels}, built for {device.build}"
        runners.append((device, device_runner("qemu", options), name))
    for hazard in hazards():
        if only and hazard.name not in only:
            continue
        seen = look(hazard, runners)
        print(hazard.name, "shown" if seen else "not shown", flush=True)
        path = FOLDER / f"{hazard.name}.md"
        if write and (seen is not None or not _has_numbers(path)):
            FOLDER.mkdir(exist_ok=True)
            path.write_text(report(hazard, seen), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
