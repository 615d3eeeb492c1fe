"""From a runner's name to the runner, with what the environment says of devices."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tflopt.errors import UsageError
from tflopt.run.choose import DeviceOptions, device_runner
from tflopt.run.registry import EMULATORS, RUNNER_NAMES
from tflopt.target import Target

if TYPE_CHECKING:
    from tflopt.run.device import DeviceRunner
    from tflopt.run.runner import Runner

LIBRARY_VARIABLE = "TFLOPT_TFLM_LIB_"
CACHE_VARIABLE = "XDG_CACHE_HOME"


def check_runner(name: str) -> str:
    """A runner's name.

    Raises:
        UsageError: there is no such runner.
    """
    if name not in RUNNER_NAMES:
        raise UsageError(f"there is no runner {name!r}; known: {', '.join(RUNNER_NAMES)}")
    return name


def choose_runner(
    name: str, options: DeviceOptions, progress: Callable[[str], None] = lambda _: None
) -> str | Runner:
    """The runner of that name; one on a device with its firmware, which is built if need be.

    Raises:
        UsageError: there is no such runner, or no library or image is named for it.
        RunnerError: a tool is missing, or the firmware can't be built.
    """
    check_runner(name)
    if name in EMULATORS:
        return choose_device(name, options, progress)
    given = {"tflm-lib": options.library, "firmware": options.firmware, "fvp": options.fvp}
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"--{option} needs --runner {' or '.join(EMULATORS)}")
    return name


def choose_device(
    name: str, options: DeviceOptions, progress: Callable[[str], None] = lambda _: None
) -> DeviceRunner:
    """As :func:`choose_runner`, for a device, with the library and cache of the environment."""
    base = os.environ.get(CACHE_VARIABLE, "")
    if base:
        options = replace(options, cache=Path(base) / "tflopt" / "firmware")
    if options.firmware is None and options.library is None:
        library = named_library(options.target)
        if library is None:
            raise UsageError(
                f"a run on {options.target} needs your TFLM build: --tflm-lib DIR, or "
                f"{library_variable(options.target)}, or a prebuilt --firmware IMAGE.elf; "
                "'tflopt help validate.md' tells more"
            )
        options = replace(options, library=library)
    return device_runner(name, options, progress)


def library_variable(target: Target) -> str:
    """The environment variable that names a target's library."""
    return LIBRARY_VARIABLE + re.sub(r"[^A-Z0-9]", "_", str(target).upper())


def named_library(target: Target) -> Path | None:
    """The library that the environment names, None where it names none."""
    value = os.environ.get(library_variable(target), "")
    return Path(value) if value else None
