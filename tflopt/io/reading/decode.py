"""FlatBuffers bytes -> records, driven by the schema, every access bounds-checked, no copies."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from tflopt.errors import ModelError, UnsupportedError
from tflopt.io.schema import FORMATS, IDENTIFIER, NUMPY, Schema, Slot, schema
from tflopt.ir.record import FieldValue, Record, Vector

MAX_TABLES = 1 << 20
"""Tables in one file; a documented limit, so that a hostile file can't ask for all memory."""
MAX_SHARING = 4
SHARED_BYTES = 1 << 24
"""Vectors may share bytes: together they hold at most 4 times the file's, and 16 MiB more."""

LEAST_TABLES = 1 << 16
"""A small file may name one table this often: our own writer shares equal tables."""


@dataclass(frozen=True)
class _Layout:
    """A vtable and its bytes, those of the table, and where its fields lie, also as runs of them
    that lie side by side."""

    vtable: int
    length: int
    inline: int
    fields: Sequence[tuple[int, Slot]]
    runs: Sequence[tuple[int, int]]


class Decoder:
    """Reads tables out of ``data`` (read-only bytes); vectors are views of it.

    ``visit`` is told every object: position, bytes, kind and path. Fields of a table that lie
    side by side are told as one.

    Raises:
        ModelError: the file is broken; names the place.
        UnsupportedError: a table has a field that this schema doesn't know.
    """

    def __init__(self, data: bytes) -> None:
        self.view = data
        self.visit: Callable[[int, int, str, str], None] | None = None
        self.size = len(data)
        self.end = 8
        self._schema: Schema = schema()
        self._budget = min(MAX_TABLES, max(4 * self.size, LEAST_TABLES))
        self._indices = self.size + (1 << 16)
        self._bytes = MAX_SHARING * self.size + SHARED_BYTES
        self._layouts: dict[tuple[int, str], _Layout] = {}

    def root(self) -> Record:
        """The model's table."""
        if self.size == 0:
            raise ModelError("the file is empty")
        if self.size < 12:
            raise ModelError(f"{self.size:,} bytes are too few for a model")
        self._see(0, 8, "header", "header")
        identifier = self.view[4:8]
        if identifier != IDENTIFIER:
            magic = IDENTIFIER.decode()
            raise ModelError(f"is not a .tflite file: its bytes 4 to 7 are not {magic}")
        return self._table(self._offset(0, "root"), "Model", "Model")

    def _need(self, position: int, count: int, where: str) -> None:
        if position < 0 or position + count > self.size:
            raise ModelError(
                f"points outside of the file (byte {position:,} + {count:,} of {self.size:,}); "
                "is the file complete?",
                where,
            )
        self.end = max(self.end, position + count)

    def _offset(self, position: int, where: str) -> int:
        self._need(position, 4, where)
        step: int = struct.unpack_from("<I", self.view, position)[0]
        if step == 0:
            raise ModelError("an offset of zero points to itself", where)
        return position + step

    def charge(self, count: int, where: str) -> None:
        """Account for ``count`` bytes that the model refers to.

        Raises:
            ModelError: they are many more than the file has.
        """
        self._bytes -= count
        if self._bytes < 0:
            raise ModelError("shares its data more often than a model may", where)

    def _layout(self, position: int, name: str, where: str) -> _Layout:
        """Where a table has its fields: looked up once for all tables of a kind and a vtable."""
        self._need(position, 4, where)
        vtable = position - struct.unpack_from("<i", self.view, position)[0]
        layout = self._layouts.get((vtable, name))
        if layout is None:
            layout = self._new_layout(vtable, name, where)
            self._layouts[vtable, name] = layout
        self._need(position, layout.inline, where)
        return layout

    def _new_layout(self, vtable: int, name: str, where: str) -> _Layout:
        length, inline, present = self._vtable(vtable, where)
        slots = self._schema.tables[name]
        fields = []
        for number, offset in present:
            slot = slots[number] if number < len(slots) else None
            if slot is None:
                raise UnsupportedError(
                    f"{name} has a field in slot {number} that the schema of this tflopt "
                    f"({self._schema.source}) does not know",
                    where,
                )
            if offset < 4 or offset + slot.width > inline:
                raise ModelError(f"{slot.name} lies outside of its table", where)
            fields.append((offset, slot))
        return _Layout(vtable, length, inline, fields, _runs(fields))

    def _vtable(self, vtable: int, where: str) -> tuple[int, int, list[tuple[int, int]]]:
        self._need(vtable, 4, f"{where} vtable")
        length, inline = struct.unpack_from("<HH", self.view, vtable)
        if length < 4 or length % 2 or inline < 4:
            raise ModelError(f"vtable of {length} bytes for a table of {inline}", where)
        self._need(vtable, length, f"{where} vtable")
        offsets = struct.unpack_from(f"<{(length - 4) // 2}H", self.view, vtable + 4)
        return length, inline, [(slot, offset) for slot, offset in enumerate(offsets) if offset]

    def _see(self, position: int, count: int, kind: str, where: str) -> None:
        if self.visit is not None:
            self.visit(position, count, kind, where)

    def _table(self, position: int, name: str, where: str) -> Record:
        self._budget -= 1
        if self._budget < 0:
            raise ModelError("more tables than a file of this size may have", where)
        layout = self._layout(position, name, where)
        record = Record(name)
        if self.visit is not None:
            self.visit(layout.vtable, layout.length, "vtable", where)
            for start, count in layout.runs:
                self.visit(position + start, count, f"table:{name}", where)
        for offset, slot in layout.fields:
            record.fields[slot.name] = self._field(position + offset, slot, record, where)
        return record

    def _field(self, position: int, slot: Slot, record: Record, where: str) -> FieldValue:
        if slot.kind == "scalar":
            value: bool | int | float
            (value,) = struct.unpack_from(FORMATS[slot.type], self.view, position)
            return value
        where = f"{where}.{slot.name}"
        target = self._offset(position, where)
        if slot.kind == "vector":
            return self._vector(target, slot.type, where)
        if slot.kind == "string":
            text = self._vector(target, "uint8", where)
            self._see(target, 4 + len(text) + 1, "string", where)
            return text.tobytes()
        if slot.kind == "tables":
            return self._tables(target, slot.type, where)
        if slot.kind == "union":
            return self._table(target, self._member(slot, record, where), where)
        return self._table(target, slot.type, where)

    def _member(self, slot: Slot, record: Record, where: str) -> str:
        tag = record.fields.get(f"{slot.name}_type", 0)
        members = self._schema.unions[slot.type]
        if not isinstance(tag, int) or tag not in members:
            raise UnsupportedError(
                f"{slot.type} {tag!r} is not in the schema of this tflopt ({self._schema.source})",
                where,
            )
        return members[tag]

    def _vector(self, position: int, kind: str, where: str) -> Vector:
        self._need(position, 4, where)
        (count,) = struct.unpack_from("<I", self.view, position)
        dtype = NUMPY[kind]
        self._need(position + 4, count * dtype.itemsize, where)
        self._see(position, 4 + count * dtype.itemsize, "vector", where)
        self.charge(count * dtype.itemsize, where)
        if kind == "int32":  # shapes and indices become Python integers
            self._indices -= count
            if self._indices < 0:
                raise ModelError("more shapes and indices than a file of this size may have", where)
        return np.frombuffer(self.view, dtype=dtype, count=count, offset=position + 4)

    def _tables(self, position: int, name: str, where: str) -> list[Record]:
        offsets = self._vector(position, "uint32", where)
        if len(offsets) > self._budget:
            raise ModelError(f"{len(offsets):,} entries are more than a file may have", where)
        return [
            self._table(self._offset(position + 4 + 4 * i, where), name, f"{where}[{i}]")
            for i in range(len(offsets))
        ]


def _runs(fields: Sequence[tuple[int, Slot]]) -> list[tuple[int, int]]:
    """Start and bytes of what lies side by side, the table's offset of its vtable included."""
    runs = [(0, 4)]
    for offset, slot in sorted(fields, key=itemgetter(0)):
        start, count = runs[-1]
        if offset == start + count:
            runs[-1] = start, count + slot.width
        else:
            runs.append((offset, slot.width))
    return runs
