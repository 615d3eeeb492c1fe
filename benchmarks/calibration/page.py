"""The parts of ``docs/cost-model.md`` that come from a run: one between markers for each core."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.calibration.measure import boot
from tflopt.errors import RunnerError
from tflopt.io import read_bytes
from tflopt.run.device import DeviceRunner
from tflopt.run.runner import MissingOpError
from tflopt.target.cost import predict_model
from tflopt.target.cost.tables import Table
from tflopt.target.memory import Device

BEGIN, END = "<!-- begin {core} -->", "<!-- end {core} -->"


def near(root: Path) -> list[Path]:
    """The folders of real models beside the checkout."""
    shared = root.parent / "shared"
    return [shared / "models", shared / "field" / "models"]


def model_paths(folders: Iterable[Path]) -> list[Path]:
    """The models in folders, none where there are none."""
    return [path for folder in folders for path in sorted(folder.glob("*.tflite"))]


def compare_models(
    paths: Sequence[Path], runner: DeviceRunner, device: Device, table: Table
) -> str:
    """Each model's total, predicted and measured."""
    lines = ["| model | predicted | measured | error |", "|---|--:|--:|--:|"]
    for path in paths:
        data = path.read_bytes()
        predicted = predict_model(read_bytes(data), device, table).instructions
        try:
            measured = boot(runner, data).total or 0
        except (MissingOpError, RunnerError) as error:
            lines.append(f"| {path.stem} | {predicted:,} | {_reason(error)} | |")
            continue
        error_percent = 100 * (predicted / max(1, measured) - 1)
        lines.append(f"| {path.stem} | {predicted:,} | {measured:,} | {error_percent:+.1f} % |")
    return "\n".join(lines)


def _reason(error: Exception) -> str:
    if isinstance(error, MissingOpError):
        return f"does not run: no {error.op}"
    return f"does not run: {error}".split("\n")[0][:80]


def write_section(path: Path, core: str, table: Table, text: str) -> None:
    """Replace what stands between a core's markers.

    Raises:
        ValueError: the page lacks the markers.
    """
    page = path.read_text(encoding="utf-8")
    begin, end = BEGIN.format(core=core), END.format(core=core)
    if begin not in page or end not in page:
        raise ValueError(f"{path} has no place for {core}")
    head, rest = page.split(begin, 1)
    _, tail = rest.split(end, 1)
    origin = (
        f"{table.date}, {table.library} with CMSIS-NN {table.cmsis_nn}, {table.compiler}, "
        f"{table.emulator}."
    )
    path.write_text(f"{head}{begin}\n### {core}\n\n{origin}\n\n{text}{end}{tail}", encoding="utf-8")
