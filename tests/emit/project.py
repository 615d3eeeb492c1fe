"""Copies of the example project, configured and built with CMake."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.paths import ROOT, TESTDATA

EXAMPLE = ROOT / "examples" / "firmware"
TOOLCHAIN = EXAMPLE / "cmake" / "arm-none-eabi.cmake"
COMMAND = f"-DTFLOPT_COMMAND={sys.executable};-m;tflopt"


@dataclass(frozen=True)
class Project:
    """A source folder and its build folder."""

    source: Path
    build: Path

    def configure(self, *options: str) -> None:
        done = self._run("cmake", COMMAND, "-S", self.source, "-B", self.build, *options)
        assert done.returncode == 0, done.stdout + done.stderr

    def make(self) -> str:
        done = self._run("cmake", "--build", self.build)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def fails(self) -> str:
        done = self._run("cmake", "--build", self.build)
        assert done.returncode != 0
        return done.stdout + done.stderr

    def times(self) -> dict[str, int]:
        """Of everything that was generated or compiled."""
        files = [p for p in self.build.rglob("*") if p.suffix in (".h", ".cc", ".o", ".obj", ".a")]
        own = [p for p in files if "CompilerId" not in str(p)]
        return {str(p.relative_to(self.build)): p.stat().st_mtime_ns for p in own}

    def _run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*map(str, arguments)], capture_output=True, text=True, cwd=self.source
        )


def copy_of_example(folder: Path, model: Path = TESTDATA / "ds_cnn.tflite") -> Project:
    """The example as a user copies it, beside a model of its own."""
    shutil.copytree(EXAMPLE, folder / "firmware")
    shutil.copy(model, folder / "model.tflite")
    return Project(folder / "firmware", folder / "build")


def model_option(project: Project) -> str:
    """The copy's model."""
    return f"-DMODEL={project.source.parent / 'model.tflite'}"
