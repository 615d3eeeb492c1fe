"""Options of runs on a device."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tflopt.run import environment
from tflopt.run.choose import DeviceOptions
from tflopt.run.environment import LIBRARY_VARIABLE

if TYPE_CHECKING:
    from tflopt.run.device import DeviceRunner
    from tflopt.run.runner import Runner

TflmLib = Annotated[
    Path | None,
    typer.Option(
        "--tflm-lib",
        metavar="DIR",
        help="Your TFLM build for --target: lib/ and include/. "
        f"Default: ${LIBRARY_VARIABLE}CORTEX_M55 and the like.",
    ),
]
Firmware = Annotated[
    Path | None,
    typer.Option("--firmware", metavar="IMAGE.elf", help="A firmware image instead of a library."),
]
Fvp = Annotated[
    Path | None,
    typer.Option("--fvp", metavar="PATH", help="Arm's Corstone-300 FVP. Default: from PATH."),
]
LeastArena = Annotated[
    bool, typer.Option("--least-arena", help="Let the device find the least arena by trying.")
]
TimeLimit = Annotated[
    float, typer.Option("--time-limit", min=1, metavar="SECONDS", help="For each boot.")
]


def choose_runner(name: str, options: DeviceOptions) -> str | Runner:
    """As :func:`environment.choose_runner`; a terminal is told of a build."""
    return environment.choose_runner(name, options, _say)


def choose_device(name: str, options: DeviceOptions) -> DeviceRunner:
    """As :func:`environment.choose_device`; a terminal is told of a build."""
    return environment.choose_device(name, options, _say)


def _say(text: str) -> None:
    if sys.stderr.isatty():
        typer.echo(text, err=True)
