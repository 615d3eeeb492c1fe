"""Compiles ``schema/tflopt.fbs`` to Python and C++ with flatc; ``--check`` compares instead.

    apt-get install flatbuffers-compiler
    python schema/regenerate_annotation.py

That is format 1 of the annotation, which is read and no longer written. The C++ header demands the
headers of the flatc that wrote it; firmware reads both formats with
``micro_runner/include/tflopt/annotation.h``, which depends on nothing.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FLATC_VERSION = "2.0.8"
SCHEMA = Path(__file__).with_name("tflopt.fbs")
ROOT = SCHEMA.parents[1]
PYTHON = ROOT / "tests" / "support" / "annotation_table" / "_generated.py"
CPP = ROOT / "schema" / "generated" / "tflopt_generated.h"
_PYTHON_HEAD = "# ruff: noqa: E501, I001, UP004\n# fmt: off\n# mypy: ignore-errors\n"


def flatc_version() -> str | None:
    """The version of the flatc on the path, None without one."""
    if shutil.which("flatc") is None:
        return None
    command = ["flatc", "--version"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return answer.stdout.strip().rpartition(" ")[2]


def generate() -> dict[Path, str]:
    """The text of each generated file.

    Raises:
        subprocess.CalledProcessError: flatc refuses the schema.
    """
    with tempfile.TemporaryDirectory() as folder:
        for options in (["--python", "--gen-onefile"], ["--cpp", "--cpp-std", "c++17"]):
            subprocess.run(["flatc", *options, "-o", folder, str(SCHEMA)], check=True)
        python = Path(folder, "tflopt_generated.py").read_text(encoding="utf-8")
        cpp = Path(folder, "tflopt_generated.h").read_text(encoding="utf-8")
    return {PYTHON: _PYTHON_HEAD + python.rstrip() + "\n", CPP: cpp}


def main(arguments: list[str]) -> int:
    """0 when written, or when ``--check`` finds the files up to date."""
    version = flatc_version()
    if version != FLATC_VERSION:
        sys.stderr.write(f"needs flatc {FLATC_VERSION}, found {version}\n")
        return 4
    stale = 0
    for path, text in generate().items():
        if "--check" in arguments:
            stale |= path.read_text(encoding="utf-8") != text
        else:
            path.write_text(text, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
