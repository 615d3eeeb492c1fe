"""The page of real models: verdict, verification, ratios, and what is left that costs much.

    python benchmarks/field_page.py [--samples 6] [--write]

Optimizes each model of ``shared/models`` and ``shared/field/models``, for Cortex-M4 and Cortex-M55,
and compares it with its original. ``--write`` puts the result into ``docs/field-models.md``, the
twenty of ``PUBLIC`` first. Exits with 4 where the folders are absent.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from tflopt.config import Config
from tflopt.errors import TfloptError, printable
from tflopt.io import read_bytes
from tflopt.product.optimize import Result, Settings, optimize_file_bytes
from tflopt.report.kernels import KernelCost, kernel_costs
from tflopt.report.runs import verdict_of
from tflopt.run.samples import SampleOptions
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.runs import find_refusals
from tflopt.verify.compare import where_to

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "field-models.md"
CORES = ("cortex-m4", "cortex-m55")
COSTLY = 0.1
"""The part of all predicted instructions from which an operator is listed."""
MOST_REASONS = 2
CANNOT_RUN = 4
PUBLIC = {
    "ad01_int8": "mlcommons/tiny",
    "ic_resnet8_int8": "mlcommons/tiny",
    "kws_ref_model": "mlcommons/tiny",
    "vww_96_int8": "mlcommons/tiny",
    "hello_world_int8": "tensorflow/tflite-micro",
    "keyword_scrambled_8bit": "tensorflow/tflite-micro",
    "micro_speech_quantized": "tensorflow/tflite-micro",
    "mobilenet_v2_pytorch": "tensorflow/tflite-micro",
    "micronet_kws_m": "ARM-software/ML-examples",
    "yolo_fastest_192_face": "ARM-software/ML-examples",
    "mww_okay_nabu": "esphome/micro-wake-word-models",
    "mww_vad": "esphome/micro-wake-word-models",
    "mcunet_detection": "mit-han-lab/tinyengine",
    "mcunet_vww": "mit-han-lab/tinyengine",
    "arrhythmia": "AmbiqAI/neuralSPOT",
    "nnid_8x8": "AmbiqAI/nnid_tflm",
    "diy_alexa": "atomic14/diy-alexa",
    "gesture_nxp": "nxp-appcodehub/dm-ml-openart",
    "model_lresnet_quant": "nxp-appcodehub/ap-ml-state-monitor",
    "rnnoise_int8": "tum-ei-eda/mlonmcu-models",
}
"""Twenty that many know, and the GitHub repository of each."""
HEAD = """# Real models

Models that people deploy, with default options: `python benchmarks/field_page.py --write` makes
this page anew. Each result was run against its original on TFLM, on six inputs.

## Twenty public models

Bytes of the file are those for Cortex-M55; arena and instructions are the change against the
original, instructions as predicted; 0 is less than half a percent.

"""
ALL = """## All of them

They aren't part of the repository; the table of their folder (`shared/field/models/README.md`) says
where they are from. *Runs*: what `inspect --runs` says of
the original, and of the result where that differs. *File*, *arena* and *instructions* are the
result's as parts of the original's; instructions are predicted.

"""
MEASURED = "## Measured on QEMU\n"
"""The heading from which on ``benchmarks/field_measured.py`` writes the page."""
BEST = "the fastest kernel that CMSIS-NN has for it, and no other form is cheaper"


def folders() -> list[Path]:
    """Where the models are: beside the repository, or beside the folder of a worktree."""
    places = [top / "shared" for top in (ROOT.parent, ROOT.parents[1])]
    top = next((place for place in places if (place / "field" / "models").is_dir()), None)
    return [] if top is None else [top / "models", top / "field" / "models"]


def models() -> list[Path]:
    """Every model, by name."""
    found = [path for folder in folders() for path in folder.glob("*.tflite")]
    return sorted(found, key=lambda path: path.stem.lower())


@dataclass(frozen=True)
class Report:
    """What became of one model: the results by core, or why there is none."""

    name: str
    results: dict[str, Result]
    error: str = ""

    def row(self) -> str:
        """The line of the first table."""
        if not self.results:
            return f"| {self.name} | refused: {self.error} |" + " |" * (1 + 3 * len(CORES))
        first = self.results[CORES[-1]]
        cells = [self.name, _runs(first), _verified(self.results.values())]
        for part in (_file, _arena, _instructions):
            cells += [part(self.results[core], core) for core in CORES]
        return f"| {' | '.join(cells)} |"

    def public_row(self) -> str:
        """The line of the table of public models: bytes of the file, and changes by core."""
        last = self.results[CORES[-1]]
        sizes = [f"{len(data):,}" for data in (last.source, last.data)]
        cells = [self.name, PUBLIC[self.name], *sizes, _change(_file(last, CORES[-1]))]
        for part in (_arena, _instructions):
            cells += [_change(part(self.results[core], core)) for core in CORES]
        return f"| {' | '.join([*cells, _verified(self.results.values())])} |"

    def costly(self) -> Iterator[str]:
        """A line for each operator left that costs much, and core."""
        for core, result in self.results.items():
            rows = kernel_costs(result.model, _device(core))
            total = sum(row.instructions for row in rows)
            for row in rows:
                if row.instructions > COSTLY * total:
                    share = f"{100 * row.instructions / total:.0f} %"
                    place = f"{row.index} {row.operator}"
                    place = place if not row.subgraph else f"{row.subgraph}.{place}"
                    short = core.removeprefix("cortex-")
                    why = reason(row, result)
                    yield f"| {self.name} | {short} | {place} | {row.kernel} | {share} | {why} |"


def reason(row: KernelCost, result: Result) -> str:
    """Why an operator is left as it is."""
    found = []
    if row.why:
        found.append(f"{row.faster}: {row.why}" if row.faster else row.why)
    for miss in result.trace.near_misses:
        if (miss.where.subgraph, miss.where.index) == (row.subgraph, row.index):
            found.append(f"{miss.rule}: {miss.reason}")
    told = "; ".join(dict.fromkeys(found[:MOST_REASONS])) or BEST
    return printable(told).replace("|", "/")


def _device(core: str) -> Device:
    return Device.of(core)


def _runs(result: Result) -> str:
    before, after = verdict_of(result.original), verdict_of(result.model)
    text = before if before == after else f"{before}; the result: {after}"
    left = find_refusals(result.model)
    return f"{text} ({printable(left[0].where)})" if left else text


def _verified(results: Iterable[Result]) -> str:
    told = []
    for result in results:
        verdict = result.verification
        assert verdict is not None
        if verdict.status == "not verified":
            told.append(f"not verified: {verdict.note}")
        else:
            around = f" {where_to(verdict)}" if verdict.around else ""
            told.append(f"{verdict.status}{around} on {verdict.runner}")
    return printable("; ".join(dict.fromkeys(told))).replace("|", "/")


def _change(part: str) -> str:
    """``0.606`` as ``-39 %``."""
    percent = round(100 * (float(part) - 1))
    return f"{percent:+d} %" if percent else "0"


def _file(result: Result, core: str) -> str:
    return f"{len(result.data) / len(result.source):.3f}"


def _arena(result: Result, core: str) -> str:
    before, after = result.memory_before, result.memory_after
    if before is None or after is None:
        return "unknown"
    if before.unknown or after.unknown:
        return "unknown"
    return f"{after.arena.minimum_bytes / max(1, before.arena.minimum_bytes):.3f}"


def _instructions(result: Result, core: str) -> str:
    device = _device(core)
    old, new = (predict_model(m, device).instructions for m in (result.original, result.model))
    return f"{new / max(1, old):.3f}"


def examine(path: Path, samples: int) -> Report:
    """One model on each core."""
    data = path.read_bytes()
    try:
        model = read_bytes(data, path.name)
        results = {}
        for core in CORES:
            settings = Settings(config=Config(device=_device(core)))
            settings = replace(settings, samples=SampleOptions(samples))
            results[core] = optimize_file_bytes(model, data, settings)
    except TfloptError as error:
        return Report(path.stem, {}, printable(str(error)).replace("|", "/"))
    return Report(path.stem, results)


def public(reports: Iterable[Report]) -> list[str]:
    """The table of public models, in the order of ``PUBLIC``."""
    found = {report.name: report for report in reports}
    heads = ["model", "from", "file", "after", "change"]
    heads += [f"{what}, {core}" for what in ("arena", "instructions") for core in ("M4", "M55")]
    heads.append("verified")
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    return lines + [found[name].public_row() for name in PUBLIC if name in found]


def measured_part() -> str:
    """What the page has of measurements, which aren't made anew here."""
    return PAGE.read_text(encoding="utf-8").partition(MEASURED)[2]


def write_measured(text: str) -> None:
    """Put measurements into the page, in place of those that it has."""
    rest = PAGE.read_text(encoding="utf-8").partition(MEASURED)[0]
    PAGE.write_text(f"{rest.rstrip()}\n\n{MEASURED}{text}", encoding="utf-8")


def page(reports: Iterable[Report]) -> str:
    """The page's text."""
    reports = list(reports)
    first = ["model", "runs", "verification"]
    first += [
        f"{what}, {core}" for what in ("file", "arena", "instructions") for core in ("M4", "M55")
    ]
    second = ["model", "core", "operator", "kernel", "share", "why it is left"]
    lines = [HEAD.rstrip(), "", *public(reports), "", ALL.rstrip(), ""]
    lines += [f"| {' | '.join(first)} |", "|" + "---|" * len(first)]
    lines += [report.row() for report in reports]
    lines += ["", "## What is left that costs more than a tenth", ""]
    lines += [f"| {' | '.join(second)} |", "|" + "---|" * len(second)]
    lines += [line for report in reports for line in report.costly()]
    return "\n".join(lines) + "\n\n" + MEASURED + measured_part()


def main(
    samples: Annotated[int, typer.Option(help="Inputs to compare on.")] = 6,
    write: Annotated[bool, typer.Option("--write", help="Renew docs/field-models.md.")] = False,
    only: Annotated[str, typer.Option(help="Only models whose name has this.")] = "",
) -> None:
    """Examine every model and print the page, or write it."""
    paths = [path for path in models() if only in path.stem]
    if not paths:
        print("shared/field/models is absent", file=sys.stderr)
        raise typer.Exit(CANNOT_RUN)
    reports = []
    for path in paths:
        reports.append(examine(path, samples))
        print(reports[-1].row(), file=sys.stderr, flush=True)
    if write:
        PAGE.write_text(page(reports), encoding="utf-8")
    else:
        print(page(reports), end="")


if __name__ == "__main__":
    typer.run(main)
