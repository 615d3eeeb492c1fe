"""``tflopt cmake-dir``."""

from __future__ import annotations

from pathlib import Path

import typer

import tflopt

FOLDER = Path(tflopt.__file__).resolve().parent / "cmake"


def cmake_dir() -> None:
    """Print the folder with tflopt.cmake, tflopt.mk for GNU Make, and the Zephyr module."""
    typer.echo(FOLDER.as_posix())
