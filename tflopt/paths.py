"""Model files that come in, and where results go."""

from __future__ import annotations

from pathlib import Path

from tflopt.errors import UsageError
from tflopt.io.reader import file_bytes, read_bytes
from tflopt.ir import Model

MODEL_SUFFIX = ".tflite"


def load(path: Path) -> tuple[Model, bytes]:
    """Read a model and its bytes.

    Raises:
        UsageError: there is no such file.
        ModelError: it can't be read or is no valid model.
    """
    if not path.exists():
        raise UsageError(f"{path}: no such file")
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no regular file"
        raise UsageError(f"{path}: is {what}; name a {MODEL_SUFFIX} file")
    data = file_bytes(path)
    return read_bytes(data, str(path)), data


def output_path(source: Path, output: Path | None) -> Path:
    """Where the optimized model goes: ``IN.opt.tflite`` by default.

    Raises:
        UsageError: it is the input itself, a folder, or in a folder that doesn't exist.
    """
    path = output or source.with_name(source.name.removesuffix(MODEL_SUFFIX) + ".opt.tflite")
    check_output(path)
    if path.exists() and path.samefile(source):
        raise UsageError(f"{path}: is the input; tflopt never overwrites it")
    return path


def check_output(path: Path) -> None:
    """Fail before the work where a file can't be written.

    Raises:
        UsageError: it is a folder, or its folder doesn't exist.
    """
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; name a file")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path.parent}: no such folder")
