"""The parts of ``docs/cost-model.md`` that come from a run: one between markers for each core."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.calibration.measure import boot
from tflopt.errors import ModelError, RunnerError
from tflopt.io import read_bytes
from tflopt.run.device import DeviceRunner
from tflopt.run.runner import MissingOpError
from tflopt.target.cost import ModelPrediction, predict_model
from tflopt.target.cost.tables import Table
from tflopt.target.device import Device

NARROW = 0.005
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
    """Each model's total, predicted and measured, with the range where the data decides."""
    lines = ["| model | predicted | from | to | measured | error |", "|---|--:|--:|--:|--:|--:|"]
    for path in paths:
        data = path.read_bytes()
        try:
            found = predict_model(read_bytes(data), device, table)
            measured = boot(runner, data).total or 0
        except (MissingOpError, ModelError, RunnerError) as error:
            lines.append(f"| {path.stem} | | | | {_reason(error)} | |")
            continue
        error_percent = 100 * (found.instructions / max(1, measured) - 1)
        cells = (f"{found.instructions:,}", *_range(found), f"{measured:,}")
        lines.append(f"| {path.stem} | {' | '.join(cells)} | {error_percent:+.1f} % |")
    return "\n".join(lines)


def _range(found: ModelPrediction) -> tuple[str, str]:
    """Least and most, empty where they are as good as equal."""
    least, most = found.least_instructions, found.most_instructions
    if most is not None and most - least < NARROW * found.instructions:
        return "", ""
    return f"{least:,}", "open" if most is None else f"{most:,}"


def _reason(error: Exception) -> str:
    if isinstance(error, MissingOpError):
        return f"does not run: no {error.op}"
    return f"does not run: {error}".split("\n")[0][:80]


def has_place(path: Path, core: str) -> bool:
    """Whether the page has a core's markers."""
    page = path.read_text(encoding="utf-8")
    return BEGIN.format(core=core) in page and END.format(core=core) in page


def write_section(path: Path, core: str, table: Table, text: str) -> None:
    """Replace what stands between a core's markers.

    Raises:
        ValueError: the page lacks the markers.
    """
    if not has_place(path, core):
        raise ValueError(f"{path} has no place for {core}")
    page = path.read_text(encoding="utf-8")
    begin, end = BEGIN.format(core=core), END.format(core=core)
    head, rest = page.split(begin, 1)
    _, tail = rest.split(end, 1)
    origin = (
        f"{table.date}, {table.library} with CMSIS-NN {table.cmsis_nn}, {table.compiler}, "
        f"{table.emulator}."
    )
    path.write_text(f"{head}{begin}\n### {core}\n\n{origin}\n\n{text}{end}{tail}", encoding="utf-8")
