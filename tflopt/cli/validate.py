"""``tflopt validate``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tflopt.annotate import is_for_device_only
from tflopt.api import OVERLAP_NOTE
from tflopt.check.compare import Candidate, compare, without_plan
from tflopt.check.samples import SampleOptions
from tflopt.cli.common import RunnerName, Samples, Seed, check_runner, load
from tflopt.errors import EXIT_CHECK_FAILED, EXIT_RUNNER
from tflopt.report.json_report import SCHEMA_VERSION, dumps, verification
from tflopt.version import __version__


def validate(
    original: Annotated[Path, typer.Argument(metavar="ORIGINAL", show_default=False)],
    optimized: Annotated[Path, typer.Argument(metavar="OPTIMIZED", show_default=False)],
    samples: Samples = 32,
    seed: Seed = 0,
    runner: RunnerName = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run two models on the same inputs and compare their outputs bit for bit.

    Exit code 0: identical; 1: different; 4: no runner could run them.
    """
    check_runner(runner)
    pair = [Candidate(*load(path)) for path in (original, optimized)]
    overlapping = [is_for_device_only(candidate.model) for candidate in pair]
    first, second = (
        without_plan(candidate) if overlaps else candidate
        for candidate, overlaps in zip(pair, overlapping, strict=True)
    )
    verdict = compare(first, second, runner=runner, options=SampleOptions(samples, seed))
    if any(overlapping):
        verdict = replace(verdict, note="; ".join(filter(None, [verdict.note, OVERLAP_NOTE])))
    if as_json:
        data = {
            "schema_version": SCHEMA_VERSION,
            "tool": {"name": "tflopt", "version": __version__},
            "original": str(original),
            "optimized": str(optimized),
            "verification": verification(verdict),
        }
        typer.echo(dumps(data), nl=False)
    else:
        from tflopt.report.console import make_console, print_verification

        print_verification(make_console(), verdict)
    codes = {"identical": 0, "different": EXIT_CHECK_FAILED, "not verified": EXIT_RUNNER}
    raise typer.Exit(codes[verdict.status])
