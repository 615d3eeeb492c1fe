"""Mutations of a model's content: the file stays well formed, and what it says is wrong."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tflopt.io.reading.decode import Decoder
from tflopt.io.schema import WIDTHS, schema
from tflopt.io.writing.layout import pieces
from tflopt.ir.record import FieldValue, Record, Vector

INTEGERS = (-1, -2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 64, 127, 128, 255, 1000)
HUGE = (1 << 15, 1 << 16, (1 << 30) + 1, (1 << 31) - 1, -(1 << 31), 1 << 33, (1 << 63) - 1)
FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-45, 1e-20, 1e20, 3e38, math.inf, -math.inf, math.nan, 0.5)
PLAN = b"OfflineMemoryAllocation"
TAG = "_type"


@dataclass(frozen=True)
class Content:
    """A model's records at work."""

    root: Record
    random: random.Random

    def records(self, table: str) -> list[Record]:
        """Every record of a table."""
        return [record for record in walk(self.root) if record.table == table]

    def pick(self, table: str) -> Record | None:
        """One of them."""
        found = self.records(table)
        return self.random.choice(found) if found else None

    def integer(self) -> int:
        """A number that is likely to be at some edge."""
        return self.random.choice(INTEGERS if self.random.random() < 0.8 else HUGE)


def walk(record: Record) -> Iterator[Record]:
    """The record and everything below it."""
    yield record
    for value in record.fields.values():
        below = value if isinstance(value, list) else [value]
        for child in below:
            if isinstance(child, Record):
                yield from walk(child)


def _scalar(value: int, kind: str) -> int:
    """The number as a field of that type holds it."""
    if kind == "bool":
        return value & 1
    bits = 8 * WIDTHS[kind]
    value &= (1 << bits) - 1
    return value - (1 << bits) if not kind.startswith("u") and value >> (bits - 1) else value


def _set_some_scalar(c: Content, record: Record) -> None:
    slots = [s for s in schema().tables[record.table] if s is not None and s.kind == "scalar"]
    if not slots:
        return
    slot = c.random.choice(slots)
    if slot.type.startswith("float"):
        record.fields[slot.name] = float(np.float32(c.random.choice(FLOATS)))
    else:
        record.fields[slot.name] = _scalar(c.integer(), slot.type)


def option(c: Content) -> None:
    """A scalar of an operator's options: a stride, a padding, an axis, an activation."""
    options = [op.fields.get("builtin_options") for op in c.records("Operator")]
    found = [record for record in options if isinstance(record, Record)]
    if found:
        _set_some_scalar(c, c.random.choice(found))


def field(c: Content) -> None:
    """A scalar of any table."""
    _set_some_scalar(c, c.random.choice(list(walk(c.root))))


def _changed(c: Content, vector: Vector) -> Vector:
    """The vector with another entry, shorter, longer, or empty."""
    entries: list[int | float] = vector.tolist()
    kind = c.random.choice(("set", "set", "set", "drop", "append", "swap", "clear"))
    new = c.random.choice(FLOATS) if vector.dtype.kind == "f" else c.integer()
    at = c.random.randrange(len(entries)) if entries else 0
    if kind == "set" and entries:
        entries[at] = new
    elif kind == "swap" and entries:
        other = c.random.randrange(len(entries))
        entries[at], entries[other] = entries[other], entries[at]
    elif kind == "drop" and entries:
        del entries[at]
    elif kind == "append":
        entries.insert(at, new)
    elif kind == "clear":
        entries = []
    if vector.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.array(entries, vector.dtype)
    bits = 8 * vector.dtype.itemsize
    wrapped = [int(value) & ((1 << bits) - 1) for value in entries]
    return np.array(wrapped, f"<u{vector.dtype.itemsize}").view(vector.dtype)


def _change_vector(c: Content, table: str, *names: str) -> None:
    record = c.pick(table)
    if record is None:
        return
    name = c.random.choice(names)
    value = record.fields.get(name)
    if isinstance(value, np.ndarray) and value.dtype.kind != "b":
        record.fields[name] = _changed(c, value)


def shape(c: Content) -> None:
    """A tensor's shape."""
    _change_vector(c, "Tensor", "shape")


def index(c: Content) -> None:
    """Which tensors an operator or a graph reads and writes."""
    if c.random.random() < 0.7:
        _change_vector(c, "Operator", "inputs", "inputs", "outputs", "intermediates")
    else:
        _change_vector(c, "SubGraph", "inputs", "outputs")


def link(c: Content) -> None:
    """A tensor that takes another buffer, or an operator another code."""
    tensor, op = c.pick("Tensor"), c.pick("Operator")
    if tensor is not None and c.random.random() < 0.5:
        tensor.fields["buffer"] = c.random.randrange(len(c.records("Buffer")) + 2)
    elif op is not None:
        op.fields["opcode_index"] = c.random.randrange(len(c.records("OperatorCode")) + 1)


def quantization(c: Content) -> None:
    """Scales, zero points, and their number."""
    if c.random.random() < 0.2:
        record = c.pick("QuantizationParameters")
        if record is not None:
            record.fields["quantized_dimension"] = _scalar(c.integer(), "int32")
    else:
        _change_vector(c, "QuantizationParameters", "scale", "scale", "zero_point")


def enum(c: Content) -> None:
    """A tensor's type or an operator's code."""
    tensor, code = c.pick("Tensor"), c.pick("OperatorCode")
    if tensor is not None and c.random.random() < 0.6:
        tensor.fields["type"] = c.random.randint(-1, 20)
    elif code is not None:
        new = c.random.randint(0, 210)
        code.fields["builtin_code"] = new
        code.fields["deprecated_builtin_code"] = min(new, 127)


def union(c: Content) -> None:
    """Options of another operator, or none."""
    op = c.pick("Operator")
    if op is None:
        return
    tag, name = c.random.choice(sorted(schema().unions["BuiltinOptions"].items()))
    op.fields.pop("builtin_options", None)
    op.fields["builtin_options" + TAG] = 0
    if c.random.random() < 0.7:
        op.fields["builtin_options" + TAG] = tag
        op.fields["builtin_options"] = Record(name)


def constant(c: Content) -> None:
    """Data of a buffer: other numbers, or another length. Small ones are shapes and axes."""
    found = [b for b in c.records("Buffer") if isinstance(b.fields.get("data"), np.ndarray)]
    small = [b for b in found if len(np.asarray(b.fields["data"])) <= 32]
    if not found:
        return
    record = c.random.choice(small if small and c.random.random() < 0.7 else found)
    data = np.asarray(record.fields["data"])
    if len(data) % 4 == 0 and c.random.random() < 0.7:
        record.fields["data"] = _changed(c, data.copy().view("<i4")).view(np.uint8)
    else:
        record.fields["data"] = _changed(c, data)


def drop(c: Content) -> None:
    """A field that is not there."""
    record = c.random.choice(list(walk(c.root)))
    if record.fields:
        name = c.random.choice(sorted(record.fields))
        record.fields.pop(name)
        record.fields.pop(name + TAG, None)


def reorder(c: Content) -> None:
    """An entry of a vector of tables that is gone, doubled or elsewhere."""
    lists = [v for r in walk(c.root) for v in r.fields.values() if isinstance(v, list) and v]
    if not lists:
        return
    entries, kind = c.random.choice(lists), c.random.choice(("drop", "double", "move"))
    entry = entries[c.random.randrange(len(entries))]
    if kind != "double":
        entries.remove(entry)
    if kind != "drop":
        entries.insert(c.random.randint(0, len(entries)), entry)


def offline_plan(c: Content) -> None:
    """A memory plan that is too short, counts wrongly, or places tensors at odd or shared bytes."""
    buffers = c.root.fields.get("buffers")
    if not isinstance(buffers, list):
        return
    count = len(c.records("Tensor"))
    step = c.random.choice((0, 16, 64, 4096))
    words = [1, 1, count, *(-1 if c.random.random() < 0.3 else step * i for i in range(count))]
    data = np.array(words, "<i4")
    if c.random.random() < 0.8:
        data = _changed(c, data).astype("<i4")
    raw = data.view(np.uint8)
    if c.random.random() < 0.1:
        raw = raw[: c.random.randint(0, len(raw))]
    buffers.append(Record("Buffer", {"data": raw} if c.random.random() < 0.95 else {}))
    entry = Record("Metadata", {"name": PLAN, "buffer": len(buffers) - 1})
    known: FieldValue = c.root.fields.get("metadata", [])
    c.root.fields["metadata"] = [*(known if isinstance(known, list) else []), entry]


MUTATIONS: tuple[Callable[[Content], None], ...] = (
    option,
    option,
    field,
    shape,
    shape,
    index,
    index,
    link,
    quantization,
    enum,
    union,
    constant,
    constant,
    drop,
    reorder,
    offline_plan,
)


def mutate_content(data: bytes, rng: random.Random) -> tuple[bytes, list[str]]:
    """A file after one or two mutations of its content, and their names."""
    content = Content(Decoder(data).root(), rng)
    names = []
    for _ in range(rng.choice((1, 1, 1, 2))):
        mutation = rng.choice(MUTATIONS)
        names.append(mutation.__name__)
        mutation(content)
    return b"".join(bytes(piece.data) for piece in pieces(content.root)), names
