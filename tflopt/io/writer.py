"""IR -> ``.tflite``: deterministic bytes, written aside and then renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tflopt.errors import UsageError
from tflopt.io.layout import DATA_ALIGNMENT, Piece, pieces
from tflopt.io.records import external_data, model_record
from tflopt.ir import Model
from tflopt.ir.record import Vector


@dataclass(frozen=True)
class WriteOptions:
    """How a file is laid out.

    Args:
        data_alignment: bytes to which tensor data is aligned in the file; a power of two, 16
            at least.
        share: store equal vectors, strings and tables once.
    """

    data_alignment: int = DATA_ALIGNMENT
    share: bool = False

    def __post_init__(self) -> None:
        if self.data_alignment < DATA_ALIGNMENT or self.data_alignment & (self.data_alignment - 1):
            raise UsageError(
                f"data alignment {self.data_alignment}: must be a power of two, "
                f"{DATA_ALIGNMENT} at least"
            )


def file_pieces(model: Model, options: WriteOptions | None = None) -> list[Piece]:
    """The file as runs of bytes in order, each with what it is."""
    options = options or WriteOptions()
    return pieces(
        model_record(model),
        external_data(model),
        model.trailing,
        options.data_alignment,
        options.share,
    )


def write_bytes(model: Model, options: WriteOptions | None = None) -> bytes:
    """The file in memory."""
    return b"".join(_buffer(piece.data) for piece in file_pieces(model, options))


def _buffer(data: bytes | bytearray | Vector) -> bytes | bytearray | memoryview:
    """The bytes without a copy."""
    return data.data if isinstance(data, np.ndarray) else data


def write(model: Model, path: str | Path, options: WriteOptions | None = None) -> int:
    """Write a model file and return its size in bytes.

    The file appears whole or not at all.

    Raises:
        OSError: the file can't be written.
    """
    return write_file(path, (piece.data for piece in file_pieces(model, options)))


def write_file(path: str | Path, chunks: Iterable[bytes | bytearray | Vector]) -> int:
    """Write aside in the same folder, flush to the disk, rename over ``path``.

    Raises:
        OSError: as the system says; nothing is left behind.
    """
    path = Path(path)
    handle, aside = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                file.write(_buffer(chunk))
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        Path(aside).chmod(_mode(path))
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    return size


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced, else what the umask leaves."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
