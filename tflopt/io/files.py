"""Model files that come in, and where results go."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from tflopt.errors import UsageError
from tflopt.io.reading.foreign import what_folder_it_is
from tflopt.io.reading.reader import file_bytes, read_bytes, stream_bytes
from tflopt.io.writing.output import is_stream
from tflopt.ir import Model

MODEL_SUFFIX = ".tflite"
C_SUFFIXES = (".c", ".cc", ".cpp", ".h", ".hpp")
STDOUT = Path("-")
MOST_NAMES = 1 << 12
"""Files of a folder that are looked at for a near name."""


def load(path: Path) -> tuple[Model, bytes]:
    """Read a model and its bytes; ``-`` is standard input.

    Raises:
        UsageError: there is no such file.
        ModelError: it can't be read or is no valid model.
    """
    if path == STDOUT:
        data = stream_bytes(sys.stdin.buffer)
        return read_bytes(data, "standard input"), data
    if not path.exists():
        raise UsageError("; ".join(filter(None, [f"{path}: no such file", _near(path)])))
    if not path.is_file():
        no_file = f"not a regular file; name a {MODEL_SUFFIX} file"
        what = what_folder_it_is(path) if path.is_dir() else no_file
        raise UsageError(f"{path}: is {what}")
    data = file_bytes(path)
    return read_bytes(data, str(path)), data


def _near(path: Path) -> str:
    """A model beside where one was looked for, for people; what ends a name is often mistyped."""
    try:
        beside = sorted(islice(path.parent.iterdir(), MOST_NAMES))
    except OSError:
        return ""
    named = {
        neighbour.stem: neighbour
        for neighbour in beside
        if neighbour.suffix in (MODEL_SUFFIX, *C_SUFFIXES)
    }
    close = get_close_matches(path.stem, named, n=1)
    return f"did you mean {named[close[0]]}?" if close else ""


def output_path(source: Path, output: Path | None) -> Path:
    """Where the optimized model goes: ``IN.opt.tflite`` by default, ``-`` is standard output.

    Raises:
        UsageError: it is the input itself, a folder, or in a folder that doesn't exist.
    """
    if output == STDOUT:
        return STDOUT
    if output is None and source == STDOUT:
        raise UsageError("a model from standard input needs --output; '-' is standard output")
    path = output or source.with_name(model_name(source) + ".opt.tflite")
    check_output(path)
    if is_same(path, source):
        raise UsageError(f"{path}: is the input; tflopt never overwrites it")
    return path


def page_path(source: Path, kind: str) -> Path:
    """Where a page about a model goes: ``IN.KIND.html``.

    Raises:
        UsageError: the model comes from standard input, which has no name.
    """
    if source == STDOUT:
        raise UsageError("a model from standard input needs --output")
    return source.with_name(f"{model_name(source)}.{kind}.html")


def model_name(source: Path) -> str:
    """The name of a model's file without what says that it is one.

    Raises:
        UsageError: it has no name, as ``/`` and the empty path.
    """
    if not source.name:
        raise UsageError(f"{source}: is a folder; name a {MODEL_SUFFIX} file")
    return source.stem if source.suffix in (MODEL_SUFFIX, *C_SUFFIXES) else source.name


def check_output(path: Path) -> None:
    """Fail before the work where a file can't be written.

    Raises:
        UsageError: it is a folder, a socket or a disk, or its folder doesn't exist.
    """
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; name a file")
    if path.exists() and not (path.is_file() or is_stream(path)):
        raise UsageError(f"{path}: is not a regular file")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path.parent}: no such folder")


def check_folder(path: Path) -> None:
    """Fail before the work where a folder for results can't be one.

    Raises:
        UsageError: it is something else.
    """
    if os.path.lexists(path) and not path.is_dir():
        what = "a link that leads to no folder" if path.is_symlink() else "a file"
        raise UsageError(f"{path}: is {what}; name a folder")


def check_outputs(
    outputs: Iterable[Path | None], inputs: Iterable[Path], what: str = "a model, not a report"
) -> None:
    """The same for files beside the model; None and ``-`` are no file.

    Raises:
        UsageError: as :func:`check_output`; one is an input, or two are the same.
    """
    taken = [(path, f"is {what}") for path in inputs]
    for path in outputs:
        if path is None:
            continue
        if path != STDOUT:
            check_output(path)
        for other, reason in taken:
            if is_same(path, other):
                raise UsageError(f"{path}: {reason}")
        if path == STDOUT or not is_stream(path):
            taken.append((path, "is named for two results; choose another"))


def is_same(one: Path, other: Path) -> bool:
    """Whether both lead to the same file, by whatever links; neither need exist."""
    if one.exists() and other.exists():
        return one.samefile(other)
    return os.path.realpath(one) == os.path.realpath(other)
