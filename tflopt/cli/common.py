"""What the sub-commands share: arguments, input files, output paths."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tflopt.config import Runtime
from tflopt.io.files import load, output_path
from tflopt.target import all_targets
from tflopt.target.cmsis_nn import NEWEST
from tflopt.target.device import Device


def complete_target(incomplete: str) -> list[str]:
    """For shells: the cores that begin so."""
    return [str(each) for each in all_targets() if str(each).startswith(incomplete)]


ModelPath = Annotated[Path, typer.Argument(metavar="MODEL.tflite", show_default=False)]
TargetName = Annotated[
    str,
    typer.Option(
        "--target",
        "-t",
        help="Core in GCC's spelling; 'tflopt targets' lists them.",
        autocompletion=complete_target,
    ),
]
CmsisNnName = Annotated[
    str, typer.Option("--cmsis-nn", help="CMSIS-NN version of the firmware, for scratch sizes.")
]
RuntimeName = Annotated[
    Runtime,
    typer.Option("--runtime", help="Who must load the file: TFLM and LiteRT, or TFLM alone."),
]
RunnerName = Annotated[str, typer.Option("--runner", help="auto, tflm, litert, qemu or fvp.")]
Samples = Annotated[
    int, typer.Option("--samples", min=1, max=100_000, help="Inputs to compare on.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the random inputs.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, max=256, help="Models at the same time.")]
ReportPath = Annotated[
    Path | None, typer.Option("--report", help="Write a JSON report; '-' prints it.")
]
NEWEST_CMSIS_NN = NEWEST.name
__all__ = [
    "NEWEST_CMSIS_NN",
    "AsJson",
    "CmsisNnName",
    "Jobs",
    "ModelPath",
    "Quiet",
    "ReportPath",
    "RunnerName",
    "RuntimeName",
    "Samples",
    "Seed",
    "TargetName",
    "load",
    "make_device",
    "output_path",
]


def make_device(target: str, cmsis_nn: str) -> Device:
    """The build that the options name.

    Raises:
        UsageError: there is no such target or version.
    """
    return Device.of(target, cmsis_nn)
