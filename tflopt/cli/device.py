"""Options of runs on a device, and what the environment says about it."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tflopt.cli.common import check_runner
from tflopt.errors import UsageError
from tflopt.run.choose import DeviceOptions, device_runner
from tflopt.run.device import DeviceRunner
from tflopt.run.registry import EMULATORS
from tflopt.run.runner import Runner
from tflopt.target import Target

LIBRARY_VARIABLE = "TFLOPT_TFLM_LIB_"
CACHE_VARIABLE = "XDG_CACHE_HOME"

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
    """The runner of that name; one on a device with its firmware, which is built if need be.

    Raises:
        UsageError: there is no such runner, or no library or image is named for it.
        RunnerError: a tool is missing, or the firmware can't be built.
    """
    check_runner(name)
    if name in EMULATORS:
        return choose_device(name, options)
    given = {"tflm-lib": options.library, "firmware": options.firmware, "fvp": options.fvp}
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"--{option} needs --runner {' or '.join(EMULATORS)}")
    return name


def choose_device(name: str, options: DeviceOptions) -> DeviceRunner:
    """As :func:`choose_runner`, for a device, with the library and cache of the environment."""
    base = os.environ.get(CACHE_VARIABLE, "")
    if base:
        options = replace(options, cache=Path(base) / "tflopt" / "firmware")
    if options.firmware is None and options.library is None:
        options = replace(options, library=library_from_environment(options.target))
    return device_runner(name, options, _say)


def _say(text: str) -> None:
    if sys.stderr.isatty():
        typer.echo(text, err=True)


def library_variable(target: Target) -> str:
    """The environment variable that names a target's library."""
    return LIBRARY_VARIABLE + re.sub(r"[^A-Z0-9]", "_", str(target).upper())


def library_from_environment(target: Target) -> Path:
    """The library that the environment names.

    Raises:
        UsageError: it names none.
    """
    variable = library_variable(target)
    value = os.environ.get(variable, "")
    if not value:
        raise UsageError(
            f"a run on {target} needs your TFLM build: --tflm-lib DIR, or {variable}, or a "
            "prebuilt --firmware IMAGE.elf; docs/validate.md tells more"
        )
    return Path(value)
