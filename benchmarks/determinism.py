"""The same bytes from several Pythons, each with its own numpy, for all test models.

    python benchmarks/determinism.py python3.10 python3.11 python3.12 python3.13

Makes an environment for each interpreter, with tflopt's dependencies as tests/requirements.txt pins
them, and compares digests of optimized models, annotations, reports, pages, pictures and emitted
sources. Needs the standard library alone. Exits with 1 where an interpreter is missing or any
digest differs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "testdata" / "models"
PACKAGES = ("flatbuffers", "jinja2", "numpy", "rich", "typer", "tomli; python_version < '3.11'")
FACTS = "import platform, numpy; print(platform.python_version(), numpy.__version__)"


def environment(python: str, folder: Path) -> Path:
    """An interpreter with tflopt's dependencies."""
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    own = folder / "bin" / "python"
    pinned = ["-c", str(ROOT / "tests" / "requirements.txt")]
    subprocess.run([str(own), "-m", "pip", "install", "-q", *pinned, *PACKAGES], check=True)
    return own


def output(python: Path, *arguments: str) -> str:
    """What it prints; its errors are ours."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [str(python), *arguments]
    done = subprocess.run(command, env=variables, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def main() -> int:
    """Print what was compared, and every difference."""
    parser = argparse.ArgumentParser(description="The same bytes from several Pythons.")
    parser.add_argument("python", nargs="+", help="interpreters; the first is the reference")
    parser.add_argument("--models", nargs="*", default=[], help="names; default: all")
    options = parser.parse_args()
    found: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, python in enumerate(options.python):
            try:
                own = environment(python, Path(folder, str(number)))
                digests = output(own, "-m", "tests.support.digests", str(MODELS), *options.models)
                version, numpy = output(own, "-c", FACTS).split()
            except (OSError, subprocess.CalledProcessError) as error:
                print(f"{python}: {error}")
                return 1
            found[f"Python {version}, numpy {numpy}"] = digests.splitlines()
            print(
                f"Python {version}, numpy {numpy}: {len(digests.splitlines())} digests", flush=True
            )
    (first, expected), *others = found.items()
    different = 0
    for name, lines in others:
        for one, other in zip(expected, lines, strict=True):
            if one != other:
                different += 1
                print(f"differs from {first}: {name}: {other}")
    print(f"{different} differences")
    return 1 if different or not others else 0


if __name__ == "__main__":
    sys.exit(main())
