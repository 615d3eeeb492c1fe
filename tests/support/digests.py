"""Prints a digest of each optimized model: ``python -m tests.support.digests FOLDER NAME...``."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from tflopt.api import Settings, optimize_file_bytes
from tflopt.io import read_bytes
from tflopt.passes.config import Config, Goal
from tflopt.target import Target
from tflopt.target.memory import Device

CONFIGS = (
    Config(),
    Config(goal=Goal.SPEED, device=Device(Target.parse("cortex-m4"))),
    Config(goal=Goal.MEMORY, device=Device(Target.parse("cortex-m0"))),
)


def digests(folder: Path, names: list[str]) -> list[str]:
    """One line for each model and configuration."""
    lines = []
    for name in names:
        data = (folder / f"{name}.tflite").read_bytes()
        for number, config in enumerate(CONFIGS):
            settings = Settings(config=config, samples=None)
            result = optimize_file_bytes(read_bytes(data), data, settings)
            lines.append(f"{name} {number} {hashlib.sha256(result.data).hexdigest()}")
    return lines


if __name__ == "__main__":
    sys.stdout.write("\n".join(digests(Path(sys.argv[1]), sys.argv[2:])) + "\n")
