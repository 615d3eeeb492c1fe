"""The predicted range of time of MLPerf Tiny's models beside the published times.

    python benchmarks/times.py

Every system of ``tflopt/target/cycles/published.toml``, with the range that tflopt predicts for
TFLM with CMSIS-NN at its clock. Exits with 1 if a result that the ranges rest on is outside of its
own, and with 4 where the reference models aren't there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import typer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tflopt.io.files import load
from tflopt.target import Target
from tflopt.target.cost import predict_model
from tflopt.target.cost.predict import ModelPrediction
from tflopt.target.cycles import Clocking, Published, TimeRange, published, time_of
from tflopt.target.device import Device

MODELS = Path(__file__).resolve().parents[2] / "shared" / "models"
NAMES = {"ad": "ad01_int8", "kws": "kws_ref_model", "vww": "vww_96_int8", "ic": "ic_resnet8_int8"}
COLUMNS = ("board", "core", "MHz", "", *NAMES)
CANNOT_RUN = 4
INTRODUCTION = """MLPerf Tiny, closed division, milliseconds of one inference. *predicted* is for \
the reference models, unoptimized, with TFLM and CMSIS-NN. The ranges rest on the results in bold; \
engines with kernels of their own are faster. A range for a core by proportion or of the nearest \
core is marked `~` (`docs/boards.md`)."""


def predictions(target: Target) -> dict[str, ModelPrediction]:
    """Of the four models on a core."""
    device = Device(target)
    loaded = {name: load(MODELS / f"{stem}.tflite")[0] for name, stem in NAMES.items()}
    return {name: predict_model(model, device) for name, model in loaded.items()}


def main() -> None:
    """Entry point."""
    if not all((MODELS / f"{stem}.tflite").is_file() for stem in NAMES.values()):
        typer.echo("the models of MLPerf Tiny are missing", err=True)
        raise typer.Exit(CANNOT_RUN)
    print(INTRODUCTION)
    print()
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---|---|--:|---" + "|--:" * len(NAMES) + "|")
    outside = []
    systems: dict[tuple[str, int], list[Published]] = {}
    for row in published():
        systems.setdefault((str(row.cpu), row.clock_hz), []).append(row)
    for (core, clock_hz), rows in sorted(systems.items()):
        target = Target.parse(core)
        ranges = {
            name: time_of(found, target, Clocking(clock_hz))
            for name, found in predictions(target).items()
        }
        mark = "" if rows[0].use == "direct" or ranges["ad"].ground == "measured" else "~"
        cells = [mark + ranges[name].text.removesuffix(" ms") for name in NAMES]
        print(_line(rows[0].board, core, clock_hz, "predicted", *cells))
        for row in rows:
            print(_line("", "", 0, f"{row.round} {row.by}, {row.engine}", *_times(row)))
            outside += _outside(row, ranges)
    if outside:
        print("\n" + "\n".join(f"- {text}" for text in outside))
        raise typer.Exit(1)


def _line(board: str, core: str, clock_hz: int, what: str, *times: str) -> str:
    clock = f"{clock_hz / 1e6:,.0f}" if clock_hz else ""
    return "| " + " | ".join((board, core, clock, what, *times)) + " |"


def _times(row: Published) -> list[str]:
    bold = "**" if row.use == "direct" else ""
    return [f"{bold}{row.ms[name]:,.1f}{bold}" for name in NAMES]


def _outside(row: Published, ranges: dict[str, TimeRange]) -> list[str]:
    if row.use != "direct":
        return []
    return [
        f"{row.board}, {name}: published {row.ms[name]:g} ms, predicted {found.text}"
        for name, found in ranges.items()
        if not found.least_ms <= row.ms[name] <= found.most_ms
    ]


if __name__ == "__main__":
    typer.run(main)
