"""From a runner's name and what the user said about the device to the runner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tflopt.errors import UsageError
from tflopt.run.registry import EMULATORS, TIME_LIMIT_S
from tflopt.target.cortex_m import Cpu, Target

if TYPE_CHECKING:
    from tflopt.run.device import DeviceRunner

ELF_BYTES = 52
"""The header of a 32-bit ELF file."""
ARM_MACHINE = (40).to_bytes(2, "little")
"""EM_ARM."""


@dataclass(frozen=True)
class DeviceOptions:
    """What the user said about the device.

    Args:
        library: a TFLM build for the target, as :func:`tflopt.run.firmware.find_library` takes
            it; the firmware is built with it.
        firmware: an image instead.
        fvp: the FVP's executable, None to look on PATH.
        cache: where built images are kept, None for the user's cache folder.
    """

    target: Target
    library: Path | None = None
    firmware: Path | None = None
    fvp: Path | None = None
    time_limit_s: float = TIME_LIMIT_S
    least_arena: bool = False
    cache: Path | None = None


def device_runner(
    name: str, options: DeviceOptions, progress: Callable[[str], None] = lambda _: None
) -> DeviceRunner:
    """``qemu`` or ``fvp`` with a firmware, which is built if it isn't in the cache.

    ``progress`` is told when a build begins.

    Raises:
        UsageError: no emulator has that core, there is no such file, or neither a library nor an
            image is named.
        RunnerError: a tool is missing, or the firmware can't be built.
    """
    from tflopt.run.device import DeviceRunner
    from tflopt.run.emulators import find_fvp, find_qemu, machine_of

    target = options.target
    machine = machine_of(target)
    if name not in EMULATORS:
        raise UsageError(f"there is no device {name!r}; known: {', '.join(EMULATORS)}")
    if name == "fvp" and machine.cpu is not Cpu.M55:
        raise UsageError(f"the Corstone-300 FVP has a cortex-m55, no {target.cpu}; use qemu")
    if options.firmware is None and options.library is None:
        raise UsageError(f"a run on {target} needs a TFLM library or a firmware image")
    executable = find_fvp(options.fvp) if name == "fvp" else find_qemu()
    return DeviceRunner(
        name,
        executable,
        _image(options, progress),
        target,
        least_arena=options.least_arena,
        time_limit_s=options.time_limit_s,
    )


def default_cache() -> Path:
    """The user's cache folder for images."""
    return Path.home() / ".cache" / "tflopt" / "firmware"


def _image(options: DeviceOptions, progress: Callable[[str], None]) -> Path:
    image = options.firmware
    if image is None:
        from tflopt.run.emulators import machine_of
        from tflopt.run.firmware import build_image, find_library

        assert options.library is not None
        library, cache = find_library(options.library), options.cache or default_cache()
        return build_image(library, machine_of(options.target), options.target, cache, progress)
    if not image.is_file():
        raise UsageError(f"{image}: no such file")
    with image.open("rb") as file:
        header = file.read(ELF_BYTES)
    arm = len(header) == ELF_BYTES and header[:4] == b"\x7fELF" and header[18:20] == ARM_MACHINE
    if not arm:
        raise UsageError(f"{image}: is no firmware image; an ELF file for Arm is wanted")
    return image.resolve()
