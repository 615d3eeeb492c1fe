"""IR -> ``.tflite``: deterministic bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tflopt.errors import UsageError
from tflopt.io.writing.layout import DATA_ALIGNMENT, Piece, pieces
from tflopt.io.writing.output import buffer, write_file
from tflopt.io.writing.records import external_data, model_record
from tflopt.ir import Model

MOST_ALIGNMENT = 1 << 16
"""Each vector of data may be preceded by as many bytes."""


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
        alignment = self.data_alignment
        if not DATA_ALIGNMENT <= alignment <= MOST_ALIGNMENT or alignment & (alignment - 1):
            raise UsageError(
                f"data alignment {alignment}: must be a power of two, {DATA_ALIGNMENT} at least "
                f"and {MOST_ALIGNMENT} at most"
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
    return b"".join(buffer(piece.data) for piece in file_pieces(model, options))


def write(model: Model, path: str | Path, options: WriteOptions | None = None) -> int:
    """Write a model file and return its size in bytes.

    The file appears whole or not at all.

    Raises:
        OSError: the file can't be written.
    """
    return write_file(path, (piece.data for piece in file_pieces(model, options)))
