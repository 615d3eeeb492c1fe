"""tflopt's annotation in the place of a model's description, where that costs least.

In the IR it is a metadata entry with a buffer, like any other. In a file such an entry takes 50 to
60 bytes besides its content, a description 9; so an annotation of printable characters is written
as the description of a model that has none, and read as an entry.
"""

from __future__ import annotations

import numpy as np

from tflopt.ir import Buffer, Metadata, Model

ANNOTATION = "TFLOPT"
"""The entry's name, and what its content begins with."""


def described(model: Model) -> Metadata | None:
    """The entry that is written as the description; None where it can't be."""
    own_entries = [entry for entry in model.metadata or () if entry.name == ANNOTATION]
    if (
        model.description is not None
        or len(own_entries) != 1
        or not _is_text(own_entries[0].buffer)
    ):
        return None
    buffer, entries = own_entries[0].buffer, model.metadata or ()
    read = {value.buffer for graph in model.graphs for value in graph.values}
    others = {entry.buffer for entry in entries if entry is not own_entries[0]}
    others |= {*(model.metadata_buffers or ())}
    return own_entries[0] if buffer in model.buffers and buffer not in read | others else None


def stored_buffers(model: Model) -> list[Buffer]:
    """The model's buffers but for that of such an entry."""
    entry = described(model)
    return [buffer for buffer in model.buffers if entry is None or buffer is not entry.buffer]


def take_description(model: Model) -> None:
    """The inverse, for a model that was just read."""
    text = model.description
    if text is None or not text.startswith(ANNOTATION):
        return
    buffer = Buffer(np.frombuffer(text.encode("utf-8", "surrogateescape"), np.uint8))
    if not _is_text(buffer) or any(e.name == ANNOTATION for e in model.metadata or ()):
        return
    model.description = None
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or ()), Metadata(ANNOTATION, buffer)]


def _is_text(buffer: Buffer) -> bool:
    if buffer.data is None or buffer.external:
        return False
    data = buffer.data.tobytes()
    return data.startswith(ANNOTATION.encode()) and data.isascii() and data.decode().isprintable()
