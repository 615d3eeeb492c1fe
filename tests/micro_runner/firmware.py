"""Builds the firmware and boots it: on QEMU for a board, or as a program of the host."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.waiting import HANG_S
from tflopt.run.device_report import DeviceReport, parse_report

SOURCES = Path(__file__).parents[2] / "micro_runner"
HOST = "host"
"""Of wall time; the firmware's own limits are far shorter."""


@dataclass(frozen=True)
class Board:
    """A board, and what its report must say."""

    name: str
    core: str
    isa: str
    stack_fault: str = "MemManage"


BOARDS = (
    Board("mps2-an385", "cortex-m3", "scalar"),
    Board("mps2-an386", "cortex-m4", "dsp"),
    Board("mps2-an500", "cortex-m7", "dsp"),
    Board("mps2-an505", "cortex-m33", "dsp", stack_fault="UsageFault"),
    Board("mps3-an547", "cortex-m55", "mve", stack_fault="UsageFault"),
)


@dataclass(frozen=True)
class Boot:
    """What a boot left behind."""

    code: int
    console: str
    raw_report: bytes
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def report(self) -> DeviceReport:
        """The report; its CRC is checked."""
        return parse_report(self.raw_report)


def need(*tools: str) -> None:
    """Skip the test when a tool isn't installed."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")


def configure(build: Path, *definitions: str, board: str) -> subprocess.CompletedProcess[str]:
    """Run CMake for a board."""
    need("cmake", "ninja", *(() if board == HOST else ("arm-none-eabi-g++",)))
    command = ["cmake", "-S", str(SOURCES), "-B", str(build), "-G", "Ninja"]
    command += [f"-DTFLOPT_BOARD={board}", *definitions]
    if board != HOST:
        command.append(f"-DCMAKE_TOOLCHAIN_FILE={SOURCES / 'cmake' / 'arm-none-eabi.cmake'}")
    return subprocess.run(command, capture_output=True, text=True, check=False)


def build_firmware(build: Path, *definitions: str, board: str) -> Path:
    """Configure and compile; fails with what the tools said."""
    configured = configure(build, *definitions, board=board)
    assert configured.returncode == 0, configured.stderr
    command = ["cmake", "--build", str(build)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-4000:]
    return build / ("micro_runner" if board == HOST else "micro_runner.elf")


def boot(
    image: Path,
    board: str,
    folder: Path,
    request: bytes | str | None,
    files: Mapping[str, bytes],
    *,
    counts: bool = True,
) -> Boot:
    """Boot an image in ``folder``, which holds ``files`` and what the request asks for.

    Args:
        counts: whether QEMU's clock counts instructions.
    """
    for name, data in files.items():
        (folder / name).write_bytes(data)
    if request is not None:
        data = request.encode() if isinstance(request, str) else request
        (folder / "request.txt").write_bytes(data)
    command = [str(image)] if board == HOST else qemu_command(image, board, counts)
    environment = {
        **os.environ,
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "halt_on_error=1",
    }
    done = subprocess.run(
        command, cwd=folder, capture_output=True, check=False, timeout=HANG_S, env=environment
    )
    report = folder / "report.txt"
    left = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    console = (done.stdout + done.stderr).decode("ascii", "replace")
    return Boot(done.returncode, console, report.read_bytes() if report.is_file() else b"", left)


def qemu_command(image: Path, board: str, counts: bool) -> list[str]:
    """Emulates the board; without ``counts`` the clock is the host's."""
    need("qemu-system-arm")
    return [
        *("qemu-system-arm", "-M", board, "-nographic", "-monitor", "none", "-serial", "none"),
        *(("-icount", "shift=0") if counts else ()),
        *("-semihosting-config", "enable=on,target=native", "-kernel", str(image)),
    ]


def small_model(**keys: object) -> bytes:
    """A model for the stand-in engine; micro_runner/tests/engine/small_engine.cc has the keys."""
    lines = ["small_engine=1", *(f"{key}={value}" for key, value in keys.items())]
    return "".join(f"{line}\n" for line in lines).encode()


def request_text(**keys: object) -> str:
    """A request for ``model`` with these keys."""
    lines = ["tflopt_request=1", "model=model", *(f"{key}={value}" for key, value in keys.items())]
    return "".join(f"{line}\n" for line in lines)
