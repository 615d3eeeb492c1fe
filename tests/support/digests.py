"""Prints digests of all results: ``python -m tests.support.digests FOLDER [NAME...]``."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from tflopt.config import Config, Goal
from tflopt.emit import EmitOptions, NamedModel, emit_files
from tflopt.errors import TfloptError
from tflopt.io import read_bytes, utf8
from tflopt.product.optimize import Result, Settings, optimize_file_bytes
from tflopt.report.html.page import html_report
from tflopt.report.json_report import dumps, report
from tflopt.report.markdown import markdown_report
from tflopt.report.memory_map import maps_svg
from tflopt.target import Target
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest

CONFIGS = (
    Config(plan=PlanRequest()),
    Config(goal=Goal.SPEED, device=Device(Target.parse("cortex-m4"))),
    Config(goal=Goal.MEMORY, device=Device(Target.parse("cortex-m0"))),
)
BESIDE = ("annotation", "report.json", "report.html", "report.md", "memory.svg", "emit")


def digests(folder: Path, names: list[str]) -> list[str]:
    """One line for each model and configuration, and for each report and source of the first."""
    lines = []
    for name in names:
        data = (folder / f"{name}.tflite").read_bytes()
        for number, config in enumerate(CONFIGS):
            settings = Settings(config=config, samples=None)
            result = optimize_file_bytes(read_bytes(data), data, settings)
            lines.append(_line(name, str(number), result.data))
            if number == 0:
                lines += [_line(name, *beside) for beside in _beside(result, settings)]
    return lines


def _line(name: str, what: str, data: bytes) -> str:
    return f"{name} {what} {hashlib.sha256(data).hexdigest()}"


def _beside(result: Result, settings: Settings) -> Iterator[tuple[str, bytes]]:
    plain = report(result, settings, "in.tflite", "out.tflite")
    texts = (dumps(plain), html_report(plain), markdown_report(plain), maps_svg(plain))
    yield "annotation", result.annotation
    yield from zip(BESIDE[1:-1], map(utf8, texts), strict=True)
    try:
        model = NamedModel("m", read_bytes(result.data), result.data)
        files = emit_files([model], options=EmitOptions(main=True))
        yield "emit", b"".join(name.encode() + data for name, data in files.items())
    except TfloptError as error:  # an operator that TFLM lacks
        yield "emit", str(error).encode()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    chosen = sys.argv[2:] or sorted(path.stem for path in place.glob("*.tflite"))
    sys.stdout.write("\n".join(digests(place, chosen)) + "\n")
