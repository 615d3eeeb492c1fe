"""Firmware images: built once from the sources that tflopt carries and a user's TFLM library."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tflopt.errors import RunnerError, UsageError
from tflopt.run.emulators import Machine
from tflopt.run.process import log_tail
from tflopt.target.cortex_m import Target

PACKAGE = Path(__file__).resolve().parents[1]
INSTALLED, CHECKOUT = PACKAGE / "_micro_runner", PACKAGE.parent / "micro_runner"
ARCHIVE = "libtensorflow-microlite.a"
COMPILER = "arm-none-eabi-g++"
TOOLS = {
    COMPILER: "install the GNU Arm embedded toolchain (Debian, Ubuntu: gcc-arm-none-eabi, "
    "libstdc++-arm-none-eabi-newlib)",
    "cmake": "install CMake 3.20 or later (pip install cmake)",
}
IMAGE = "micro_runner.elf"
BUILD_LIMIT_S = 600.0
NOT_BUILT = ("tests", "host", "README.md", "PROTOCOL.md")


@dataclass(frozen=True)
class Library:
    """A TFLM static library that its user built, and the headers it was built from."""

    archive: Path
    include: Path


def find_library(path: Path) -> Library:
    """The library in a folder with ``lib/`` and ``include/``, or the archive in such a ``lib/``.

    Raises:
        UsageError: there is none, there are several, or the headers are missing.
    """
    if path.is_file():
        archive = path
    elif path.is_dir():
        archive = _only_archive(path)
    else:
        raise UsageError(f"{path}: no such folder")
    for folder in (archive.parent.parent, archive.parent):
        if (folder / "include" / "tensorflow").is_dir():
            return Library(archive.resolve(), (folder / "include").resolve())
    raise UsageError(f"{path}: no headers; include/tensorflow must stand beside lib")


def _only_archive(folder: Path) -> Path:
    for place in (folder / "lib", folder):
        archives = sorted(place.glob("*.a"))
        known = [archive for archive in archives if archive.name == ARCHIVE]
        if known or len(archives) == 1:
            return (known or archives)[0]
        if archives:
            names = ", ".join(archive.name for archive in archives)
            raise UsageError(f"{place}: several libraries ({names}); name one")
    raise UsageError(f"{folder}: no library; lib/{ARCHIVE} must be there")


def firmware_sources() -> Path:
    """The folder with the firmware's CMakeLists.txt, installed or in a checkout.

    Raises:
        RunnerError: this installation lacks it.
    """
    for folder in (INSTALLED, CHECKOUT):
        if (folder / "CMakeLists.txt").is_file():
            return folder
    raise RunnerError("firmware", f"this installation lacks the firmware's sources ({INSTALLED})")


def build_image(
    library: Library,
    machine: Machine,
    target: Target,
    cache: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """The image of a library for a board, from ``cache`` if it was built before.

    Raises:
        RunnerError: a tool is missing, or the build fails.
    """
    sources = firmware_sources()
    compiler = _compiler_version()
    image = cache / f"{_key(library, sources, machine, target, compiler)}.elf"
    if image.is_file():
        return image
    progress(f"building the firmware for {target}, once for this library")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=cache) as folder:
        built = _build(Path(folder), sources, library, machine, target)
        built.replace(image)
    return image


def _build(folder: Path, sources: Path, library: Library, machine: Machine, target: Target) -> Path:
    definitions = {
        "CMAKE_TOOLCHAIN_FILE": sources / "cmake" / "arm-none-eabi.cmake",
        "CMAKE_BUILD_TYPE": "Release",
        "TFLOPT_BOARD": machine.board,
        "TFLM_LIB": library.archive,
        "TFLM_INCLUDE": library.include,
    }
    options = [f"-D{key}={value}" for key, value in definitions.items()]
    _run(["cmake", "-S", str(sources), "-B", str(folder), *options], "configuring")
    _run(["cmake", "--build", str(folder), "--parallel", str(os.cpu_count() or 1)], "building")
    return folder / IMAGE


def _run(command: list[str], what: str) -> None:
    """Run a build step to its end.

    Raises:
        RunnerError: with what CMake or the compiler said.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=BUILD_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RunnerError("firmware", f"{what} took more than {BUILD_LIMIT_S:g} s") from None
    if done.returncode:
        raise RunnerError("firmware", f"{what} it failed", _reason(done.stderr or done.stdout))


def _reason(log: str) -> str:
    """The first error of a log with the line behind it, else its end."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for index, line in enumerate(lines):
        if "error" in line.lower():
            return " ".join(lines[index : index + 4])[:400]
    return log_tail(log)


def _compiler_version() -> str:
    for tool, hint in TOOLS.items():
        if shutil.which(tool) is None:
            raise RunnerError("firmware", f"{tool} is not on PATH; {hint}")
    command = [COMPILER, "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _key(library: Library, sources: Path, machine: Machine, target: Target, compiler: str) -> str:
    """What the image depends on, as a file name."""
    digest = hashlib.sha256()
    for text in (machine.board, str(target), compiler):
        digest.update(text.encode() + b"\0")
    digest.update(hashlib.sha256(library.archive.read_bytes()).digest())
    for path in sorted(sources.rglob("*")):
        relative = path.relative_to(sources)
        if path.is_file() and relative.parts[0] not in NOT_BUILT:
            digest.update(relative.as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"{target}-{machine.board}-{digest.hexdigest()[:20]}"
