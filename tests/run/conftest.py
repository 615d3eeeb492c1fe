"""A stand-in for the emulators."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tflopt.run.device import DeviceRunner
from tflopt.target.cortex_m import Target

FAKE = ROOT / "tests" / "run" / "fake_emulator.py"
MakeRunner = Callable[..., DeviceRunner]


def install(folder: Path, name: str, kind: str) -> Path:
    """A stand-in under the emulator's name."""
    path = folder / name
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -I {FAKE} {kind} "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def emulators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH, before all others, with both emulators."""
    folder = tmp_path / "bin"
    folder.mkdir()
    install(folder, "qemu-system-arm", "qemu")
    install(folder, "FVP_Corstone_SSE-300_Ethos-U55", "fvp")
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


def write_image(folder: Path, mode: str, outputs: int, **more: object) -> Path:
    """What the stand-in takes for a firmware image."""
    path = folder / f"{mode.replace(' ', '_')}.elf"
    header = b"\x7fELF" + bytes(14) + (40).to_bytes(2, "little") + bytes(32)
    path.write_bytes(header + json.dumps({"mode": mode, "outputs": outputs, **more}).encode())
    return path


@pytest.fixture
def fake(tmp_path: Path, emulators: Path) -> MakeRunner:
    """``fake("hang", outputs=7)`` is a runner whose firmware hangs."""

    def make(
        mode: str, outputs: int = 7, *, name: str = "qemu", limit: float = 60, **more: object
    ) -> DeviceRunner:
        executables = {"qemu": "qemu-system-arm", "fvp": "FVP_Corstone_SSE-300_Ethos-U55"}
        image = write_image(tmp_path, mode, outputs, **more)
        target = Target.parse("cortex-m55")
        return DeviceRunner(name, emulators / executables[name], image, target, time_limit_s=limit)

    return make


@pytest.fixture(autouse=True)
def _alone(alone: None) -> None:
    """Processes are what these tests are about."""
