"""Reading format 1, the FlatBuffer of ``schema/tflopt.fbs``, with every access checked.

The generated classes check nothing, so this walks the FlatBuffer itself.
"""

from __future__ import annotations

from tflopt.errors import ModelError
from tflopt.target.annotation.encode import ISAS
from tflopt.target.annotation.record import (
    LIBRARY_FORMAT,
    METADATA_NAME,
    Annotation,
    OperatorMemory,
)

TABLE_FORMAT = 1
UNKNOWN_SCRATCH = 0xFFFFFFFF

# The fields of the table, numbered as in schema/tflopt.fbs.
_FORMAT, _ISA, _OVERLAP, _HEAD, _TAIL, _TOTAL, _SHA256 = range(7)
_TOOL, _TARGET, _CMSIS_NN, _KERNELS, _OPERATORS, _RULES = range(7, 13)
_OPERATOR_BYTES = 12


def decode_table(data: bytes) -> Annotation:
    """The annotation in ``data``.

    Raises:
        ModelError: not an annotation, broken, or of another format.
    """
    reader = _Reader(data)
    if len(data) < 8 or data[4:8] != b"TFLO":
        raise _error("no TFLO identifier")
    table = reader.table(0)
    version = table.number(_FORMAT, 2)
    if version != TABLE_FORMAT:
        raise _error(f"format {version}, this tflopt reads {TABLE_FORMAT} to {LIBRARY_FORMAT}")
    isa = table.number(_ISA, 1)
    if isa >= len(ISAS):
        raise _error(f"ISA {isa}")
    kernels = table.strings(_KERNELS)
    return Annotation(
        tool=table.string(_TOOL),
        source_sha256=table.blob(_SHA256, 32),
        target=table.string(_TARGET),
        isa=ISAS[isa],
        cmsis_nn=table.string(_CMSIS_NN),
        arena_head_bytes=table.number(_HEAD, 4),
        arena_tail_bytes=table.number(_TAIL, 4),
        arena_total_bytes=table.number(_TOTAL, 4),
        operators=_operators(reader, table, kernels),
        rule_names=table.strings(_RULES),
        isa_specific_overlap=table.number(_OVERLAP, 1) != 0,
    )


def _error(reason: str) -> ModelError:
    return ModelError(reason, f"{METADATA_NAME} metadata")


def _operators(
    reader: _Reader, table: _Table, kernels: tuple[str, ...]
) -> tuple[OperatorMemory, ...]:
    start, count = table.vector(_OPERATORS, _OPERATOR_BYTES)
    operators = []
    for at in range(start, start + count * _OPERATOR_BYTES, _OPERATOR_BYTES):
        kernel = reader.number(at + 3, 1)
        if kernel >= len(kernels):
            raise _error(f"kernel {kernel} of {len(kernels)}")
        scratch = reader.number(at + 4, 4)
        operators.append(
            OperatorMemory(
                subgraph=reader.number(at + 2, 1),
                index=reader.number(at, 2),
                kernel=kernels[kernel],
                scratch_bytes=None if scratch == UNKNOWN_SCRATCH else scratch,
                persistent_bytes=reader.number(at + 8, 4),
            )
        )
    return tuple(operators)


class _Reader:
    """Little-endian numbers and the FlatBuffer's references, never outside ``data``.

    The lengths of all strings together may not exceed the data's, so that references to one
    string from many places can't multiply it.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.text_left = len(data)

    def slice(self, at: int, size: int) -> bytes:
        if at < 0 or at + size > len(self.data):
            raise _error(f"{size:,} bytes at {at:,}, beyond its {len(self.data):,}")
        return self.data[at : at + size]

    def number(self, at: int, size: int) -> int:
        return int.from_bytes(self.slice(at, size), "little")

    def follow(self, at: int) -> int:
        return at + self.number(at, 4)

    def table(self, at: int) -> _Table:
        return _Table(self, self.follow(at))

    def string(self, at: int) -> str:
        start = self.follow(at)
        size = self.number(start, 4)
        self.text_left -= size
        if self.text_left < 0:
            raise _error("more text than bytes")
        raw = self.slice(start + 4, size)
        if any(byte < 0x20 or byte > 0x7E for byte in raw):
            raise _error("text that is not printable ASCII")
        return raw.decode("ascii")


class _Table:
    """A FlatBuffer table: fields are found through its vtable, absent ones are zero or empty."""

    def __init__(self, reader: _Reader, at: int) -> None:
        self.reader = reader
        self.at = at
        offset = int.from_bytes(reader.slice(at, 4), "little", signed=True)
        self.vtable = at - offset
        self.vtable_bytes = reader.number(self.vtable, 2)
        reader.slice(self.vtable, self.vtable_bytes)

    def field(self, index: int) -> int | None:
        entry = 4 + 2 * index
        if entry + 2 > self.vtable_bytes:
            return None
        offset = self.reader.number(self.vtable + entry, 2)
        return self.at + offset if offset else None

    def number(self, index: int, size: int) -> int:
        at = self.field(index)
        return 0 if at is None else self.reader.number(at, size)

    def blob(self, index: int, size: int) -> bytes:
        at = self.field(index)
        if at is None:
            raise _error(f"no field {index}")
        return self.reader.slice(at, size)

    def string(self, index: int) -> str:
        at = self.field(index)
        if at is None:
            raise _error(f"no field {index}")
        return self.reader.string(at)

    def vector(self, index: int, item_bytes: int) -> tuple[int, int]:
        """Where its items start, and how many there are; all of them lie in the data."""
        at = self.field(index)
        if at is None:
            return 0, 0
        start = self.reader.follow(at)
        count = self.reader.number(start, 4)
        self.reader.slice(start + 4, count * item_bytes)
        return start + 4, count

    def strings(self, index: int) -> tuple[str, ...]:
        start, count = self.vector(index, 4)
        return tuple(self.reader.string(start + 4 * item) for item in range(count))
