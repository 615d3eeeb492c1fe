"""What the sub-commands share: arguments, input files, output paths."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tflopt.config import Runtime
from tflopt.io.files import load, output_path
from tflopt.run.registry import RUNNERS_IN_WORDS
from tflopt.target import all_targets, predicted_targets
from tflopt.target.device import Device
from tflopt.target.setup import NEWEST_RUNTIME, RUNTIMES
from tflopt.target.snapshots import find_snapshot

KNOWN_TFLM = ", ".join(runtime.name for runtime in RUNTIMES)


def complete_target(incomplete: str) -> list[str]:
    """For shells: the cores that begin so."""
    known = (*all_targets(), *predicted_targets())
    return [str(core) for core in known if str(core).startswith(incomplete)]


def complete_board(incomplete: str) -> list[str]:
    """For shells: the boards that begin so."""
    from tflopt.target.boards import all_boards

    return [board.key for board in all_boards() if board.key.startswith(incomplete)]


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
BoardName = Annotated[
    str,
    typer.Option(
        "--board",
        metavar="NAME",
        help="Its core and clock; 'tflopt help boards' lists them.",
        autocompletion=complete_board,
        show_default=False,
    ),
]
ProfilePath = Annotated[
    Path | None,
    typer.Option(
        "--profile",
        metavar="FILE",
        help="The firmware's library, as 'tflopt targets --probe' wrote it.",
    ),
]
CmsisNnName = Annotated[
    str,
    typer.Option(
        "--cmsis-nn",
        metavar="VERSION",
        help="CMSIS-NN of the firmware; 'none': TFLM's own kernels. Default: as --tflm pins it.",
        show_default=False,
    ),
]
TflmName = Annotated[
    str,
    typer.Option("--tflm", metavar="COMMIT", help=f"TFLM of the firmware: {KNOWN_TFLM}."),
]
BuildName = Annotated[
    str,
    typer.Option(
        "--build",
        metavar="speed|size",
        help="Of the TFLM library; with ',armclang' for Arm's compiler.",
    ),
]
RuntimeName = Annotated[
    Runtime,
    typer.Option("--runtime", help="Who must load the file: TFLM and LiteRT, or TFLM alone."),
]
RunnerName = Annotated[str, typer.Option("--runner", help=RUNNERS_IN_WORDS)]
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
FITTING_CMSIS_NN = ""
NEWEST_TFLM, FOR_SPEED = NEWEST_RUNTIME.name, "speed"
__all__ = [
    "FITTING_CMSIS_NN",
    "FOR_SPEED",
    "NEWEST_TFLM",
    "AsJson",
    "BoardName",
    "BuildName",
    "CmsisNnName",
    "Jobs",
    "ModelPath",
    "ProfilePath",
    "Quiet",
    "ReportPath",
    "RunnerName",
    "RuntimeName",
    "Samples",
    "Seed",
    "TargetName",
    "TflmName",
    "complete_board",
    "device_to_predict",
    "load",
    "make_device",
    "output_path",
]


def make_device(
    target: str,
    cmsis_nn: str,
    tflm: str = NEWEST_TFLM,
    build: str = FOR_SPEED,
    profile: Path | None = None,
) -> Device:
    """The build that the options name.

    Raises:
        UsageError: there is no such target or version, or the profile is of another.
    """
    if profile is not None:
        from tflopt.target.probe import profiled

        return profiled(profile, target, cmsis_nn, tflm, build)
    _tell_of_copy(tflm)
    return Device.of(target, cmsis_nn, tflm, build)


def _tell_of_copy(tflm: str) -> None:
    snapshot = find_snapshot(tflm)
    if snapshot is not None:
        typer.echo(f"tflopt: note: {snapshot.note}", err=True)


def device_to_predict(
    target: str, cmsis_nn: str, tflm: str, build: str, profile: Path | None
) -> Device:
    """The same, also for the chips whose memory is all that is known of them.

    Raises:
        UsageError: as :func:`make_device`.
    """
    if profile is not None:
        return make_device(target, cmsis_nn, tflm, build, profile)
    _tell_of_copy(tflm)
    return Device.to_predict(target, cmsis_nn, tflm, build)
