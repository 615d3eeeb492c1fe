"""The compilers that emitted sources must pass, and running what was built."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

STUB = Path(__file__).parent / "stub"
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef", "-Werror")
ARM = ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard")


@dataclass(frozen=True)
class Compiler:
    """A command and the options that choose language and target."""

    name: str
    command: str
    options: tuple[str, ...]

    def run(self, *arguments: str | Path) -> None:
        """Compile; the compiler's messages are the failure's text."""
        path = shutil.which(self.command)
        if path is None:
            pytest.skip(f"{self.command} is not installed")
        line = [path, *self.options, *WARNINGS, *map(str, arguments)]
        done = subprocess.run(line, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


OLD_CASTS = ("-Wold-style-cast", "-Wuseless-cast", "-Wzero-as-null-pointer-constant")
GXX = Compiler("g++", "g++", ("-std=c++17", "-fno-exceptions", "-fno-rtti", *OLD_CASTS))
GCC = Compiler("gcc", "gcc", ("-std=c11",))
ARM_GXX = Compiler("arm-g++", "arm-none-eabi-g++", (*ARM, *GXX.options))
ARM_GCC = Compiler("arm-gcc", "arm-none-eabi-gcc", (*ARM, *GCC.options))
CPP = pytest.mark.parametrize("compiler", [GXX, ARM_GXX], ids=lambda c: c.name)
C = pytest.mark.parametrize("compiler", [GCC, ARM_GCC], ids=lambda c: c.name)
ALL = pytest.mark.parametrize("compiler", [GXX, ARM_GXX, GCC, ARM_GCC], ids=lambda c: c.name)


def write_all(files: Mapping[str, str | bytes], folder: Path) -> None:
    """Put emitted files where a compiler finds them."""
    for name, data in files.items():
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode("ascii"))


def output_of(
    folder: Path, sources: Iterable[str], compiler: Compiler = GXX, given: bytes = b""
) -> bytes:
    """Build a program from sources in a folder and return what it prints."""
    program = folder / "program"
    paths = [folder / source for source in sources]
    compiler.run(f"-I{folder}", f"-isystem{STUB}", *paths, "-lm", "-o", program)
    return subprocess.run([program], capture_output=True, check=True, input=given).stdout
