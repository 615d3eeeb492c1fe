"""How small files become: ratios, the distance to the lower bound, and the same outputs.

``python benchmarks/flash.py [--samples N]`` prints markdown for ``testdata/models`` and, where
it is present, ``../shared/models``. Exits with 1 when an output differs, a ratio is above its
limit, or a file is more than 3 % over the lower bound with the names that stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from tflopt.annotation.annotate import Annotate
from tflopt.config import Config, Runtime
from tflopt.errors import UnsupportedError
from tflopt.io import read_bytes
from tflopt.ir import Model
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.report.flash import flash_of
from tflopt.rules.pipeline import RULES
from tflopt.run.runner import available
from tflopt.run.samples import SampleOptions
from tflopt.target.annotation import METADATA_NAME
from tflopt.verify.compare import Candidate, compare
from tflopt.version import __version__

ROOT = Path(__file__).parents[1]
FOLDERS = (ROOT.parent / "shared" / "models", ROOT / "testdata" / "models")
MOST_OVER_BOUND = 0.03
LIMITS = {
    "kws_ref_model": (0.607, 0.550),
    "vww_96_int8": (0.761, 0.712),
    "ic_resnet8_int8": (0.874, 0.849),
    "mobilenet_v2_pytorch": (0.972, 0.912),
}
"""Largest ratios for a file that LiteRT loads too, and for TFLM alone."""
DIFFERENT = "different"
RUNNERS = {Runtime.BOTH: ("tflm", "litert"), Runtime.TFLM: ("tflm",)}


@dataclass(frozen=True)
class Form:
    """One optimized form of a model."""

    file_bytes: int
    least_bytes: int
    least_kept_bytes: int
    verdicts: dict[str, str] = field(default_factory=dict)

    @property
    def over_bound(self) -> float:
        """Distance to the bound with the names that stay, as a fraction of it."""
        return self.file_bytes / self.least_kept_bytes - 1


@dataclass(frozen=True)
class Row:
    """What the table shows of a model; sizes in bytes."""

    name: str
    file_bytes: int
    both: Form
    tflm: Form
    default_bytes: int
    plan_bytes: int
    annotation_bytes: int

    @property
    def forms(self) -> dict[Runtime, Form]:
        """The form for each ``--runtime``."""
        return {Runtime.BOTH: self.both, Runtime.TFLM: self.tflm}

    def ratio(self, form: Form) -> float:
        """Optimized by original."""
        return form.file_bytes / self.file_bytes


def models(folders: Iterable[Path] = FOLDERS) -> list[Path]:
    """The models that are here."""
    return [path for folder in folders for path in sorted(folder.glob("*.tflite"))]


def measure(path: Path, options: SampleOptions | None) -> Row:
    """Optimize a model in each form and compare with the original; None does not compare."""
    data = path.read_bytes()
    original = read_bytes(data, str(path))
    forms = {runtime: _form(original, data, runtime, options) for runtime in Runtime}
    plan = Settings(samples=None, annotate=Annotate.NONE)
    planned = len(optimize_file_bytes(original, data, plan).data)
    default = optimize_file_bytes(original, data, Settings(samples=None))
    return Row(
        name=path.stem,
        file_bytes=len(data),
        both=forms[Runtime.BOTH],
        tflm=forms[Runtime.TFLM],
        default_bytes=len(default.data),
        plan_bytes=planned - forms[Runtime.BOTH].file_bytes,
        annotation_bytes=len(default.data) - planned,
    )


def _form(original: Model, data: bytes, runtime: Runtime, options: SampleOptions | None) -> Form:
    settings = Settings(
        config=Config(runtime=runtime, plan=None), samples=None, annotate=Annotate.NONE
    )
    result = optimize_file_bytes(original, data, settings)
    written = read_bytes(result.data)
    flash = flash_of(written, result.data, runtime)
    pair = (Candidate(original, data), Candidate(result.model, result.data, derived=True))
    verdicts = {}
    for runner in RUNNERS[runtime] if options is not None else ():
        verdicts[runner] = _verdict(pair, runner, options)
    unlike = [r.name for r in RULES if result.trace.counts[r.name] and not r.alike_on_litert]
    if unlike and verdicts.get("litert", "").startswith(DIFFERENT):
        verdicts["litert"] = f"litert rounds differently, as {', '.join(unlike)} says"
    return Form(len(result.data), flash.least_bytes, flash.least_kept_bytes, verdicts)


def _verdict(pair: tuple[Candidate, Candidate], runner: str, options: SampleOptions | None) -> str:
    """``identical``, ``different`` with the place, or why it can't be run."""
    if not available(runner):
        return f"{runner} is not installed"
    found = compare(*pair, runner=runner, options=options)
    if found.status == "identical":
        return found.status
    return f"{DIFFERENT}: {found.mismatch}" if found.mismatch is not None else found.note


def failures(row: Row) -> list[str]:
    """What the row misses; a model with a limit must be verified, others where it is possible."""
    found = []
    limits = LIMITS.get(row.name)
    for number, (runtime, form) in enumerate(row.forms.items()):
        where = f"{row.name} for {runtime.value}"
        if limits is not None and row.ratio(form) > limits[number]:
            found.append(f"{where}: ratio {row.ratio(form):.4f}, at most {limits[number]:.3f}")
        if form.over_bound > MOST_OVER_BOUND:
            found.append(f"{where}: {100 * form.over_bound:.2f} % over the lower bound")
        if form.file_bytes < form.least_kept_bytes:
            found.append(f"{where}: {form.file_bytes} bytes are less than the lower bound")
        for runner, verdict in form.verdicts.items():
            if verdict.startswith(DIFFERENT) or (limits and verdict != "identical"):
                found.append(f"{where} on {runner}: {verdict}")
    return found


def _limit(row: Row, number: int) -> str:
    return f" (≤ {LIMITS[row.name][number]:.3f})" if row.name in LIMITS else ""


def table(rows: Iterable[Row]) -> list[str]:
    """One line for each model."""
    lines = [
        "| model | original | optimized | ratio | least | over | TFLM alone | ratio | over "
        "| default | plan | annotation | identical on |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        both, tflm = row.both, row.tflm
        lines.append(
            f"| {row.name} | {row.file_bytes:,} | {both.file_bytes:,} "
            f"| {row.ratio(both):.4f}{_limit(row, 0)} | {both.least_kept_bytes:,} "
            f"| {100 * both.over_bound:.2f} % | {tflm.file_bytes:,} "
            f"| {row.ratio(tflm):.4f}{_limit(row, 1)} | {100 * tflm.over_bound:.2f} % "
            f"| {row.default_bytes:,} | {row.plan_bytes:,} | {row.annotation_bytes:,} "
            f"| {_identical(row)} |"
        )
    return lines


def _identical(row: Row) -> str:
    """Runners on which every form that they load gives the original's outputs."""
    agree: dict[str, bool] = {}
    for form in row.forms.values():
        for runner, verdict in form.verdicts.items():
            agree[runner] = agree.get(runner, True) and verdict == "identical"
    return ", ".join(runner for runner, same in agree.items() if same) or "-"


def remarks(rows: Iterable[Row]) -> list[str]:
    """Why a model could not be run somewhere, or isn't identical there."""
    notes = [
        f"- {row.name}, {runtime.value}: {verdict}"
        for row in rows
        for runtime, form in row.forms.items()
        for verdict in form.verdicts.values()
        if verdict != "identical"
    ]
    return ["Not run, or not identical:", "", *dict.fromkeys(notes), ""] if notes else []


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def introduction(options: SampleOptions | None) -> list[str]:
    """What the columns mean, and what was run."""
    run = "Outputs were not compared (`--samples 0`)."
    if options is not None:
        run = (
            f"Outputs and inner tensors were compared bit for bit on {options.count} inputs in a "
            f"row (seed {options.seed}); *identical on* names the runtimes that ran the original "
            "and every form that they load."
        )
    return [
        f"tflopt {__version__}, {_version('tflite-micro')}, {_version('ai-edge-litert')}. {run}",
        "",
        "*optimized* is `--plan none --annotate none`, which TFLM and LiteRT load; *TFLM alone* "
        "adds `--runtime tflm`. *least* is the lower bound with the names that stay: the bytes "
        "that the runtimes read and the least tables around them; *over* is the distance to it. "
        "*default* is the file with default options: a memory plan, where it pays for itself, "
        "costs 88 + 4 n bytes for n tensors, and the annotation with scratch and arena sizes "
        f"(`{METADATA_NAME}`) the bytes under *annotation*.",
        "",
    ]


def run(options: SampleOptions | None, folders: Iterable[Path] = FOLDERS) -> tuple[str, list[str]]:
    """The section's text, and what missed its limit."""
    rows: list[Row] = []
    missed: list[str] = []
    for path in models(folders):
        try:
            rows.append(measure(path, options))
        except UnsupportedError as error:
            missed.append(f"{path.stem}: {error}")
    if not rows:
        missed.append("no models are here")
    missed += [text for row in rows for text in failures(row)]
    absent = sorted(LIMITS.keys() - {row.name for row in rows})
    lines = [*introduction(options), *table(rows), "", *remarks(rows)]
    if absent:
        lines += [f"Absent, so their limits were not checked: {', '.join(absent)}.", ""]
    return "\n".join(lines), missed


def main(
    samples: Annotated[int, typer.Option(min=0, help="Inputs to compare on; 0: none.")] = 16,
    seed: Annotated[int, typer.Option(help="Of the inputs.")] = 0,
    folder: Annotated[list[Path] | None, typer.Option(help="Instead of the default ones.")] = None,
) -> None:
    """Measure file sizes and print markdown; exit with 1 where a limit is missed."""
    text, missed = run(SampleOptions(samples, seed) if samples else None, folder or FOLDERS)
    print(text)
    for line in missed:
        typer.echo(f"missed: {line}", err=True)
    if missed:
        raise typer.Exit(1)
    typer.echo("every limit is met", err=True)


if __name__ == "__main__":
    typer.run(main)
