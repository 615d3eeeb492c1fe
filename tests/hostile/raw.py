"""Mutations of a file's bytes: offsets, lengths, vtables, splices, truncation.

The decoder says where each object of a valid file lies, so that the mutations hit what matters.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from tflopt.io.reading.decode import Decoder

EDGES = (0, 1, 2, 3, 4, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF)
WIDE = (0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFC, 0xFFFFFFFF)


@dataclass
class Layout:
    """Where objects of a file lie, by their kind."""

    tables: list[int] = field(default_factory=list)
    fields: list[tuple[int, int]] = field(default_factory=list)
    vectors: list[int] = field(default_factory=list)
    vtables: list[tuple[int, int]] = field(default_factory=list)

    def see(self, position: int, count: int, kind: str, where: str) -> None:
        """Enter an object; the decoder calls this."""
        if kind == "vtable":
            self.vtables.append((position, count))
        elif kind == "vector":
            self.vectors.append(position)
        elif kind.startswith("table:") and where != "header":
            self.fields.append((position, count))
            if count == 4:
                self.tables.append(position)


def layout_of(data: bytes) -> Layout:
    """The objects of a valid file."""
    decoder, layout = Decoder(data), Layout()
    decoder.visit = layout.see
    decoder.root()
    return layout


@dataclass(frozen=True)
class Bytes:
    """A file at work, with what is known of its layout and another file to take bytes from."""

    data: bytearray
    layout: Layout
    other: bytes
    random: random.Random

    def word(self, position: int) -> int:
        """The little-endian word there, 0 beyond the end."""
        inside = 0 <= position <= len(self.data) - 4
        return int(struct.unpack_from("<I", self.data, position)[0]) if inside else 0

    def put(self, position: int, value: int, width: int = 4) -> None:
        """Store a word or a half word, where it lies inside."""
        if 0 <= position <= len(self.data) - width:
            low = value & ((1 << 8 * width) - 1)
            self.data[position : position + width] = low.to_bytes(width, "little")

    def span(self) -> tuple[int, int]:
        """A run of bytes, most often a short one."""
        length = min(len(self.data), self.random.choice((1, 2, 4, 4, 8, 16, 64, 256)))
        start = self.random.randint(0, len(self.data) - length)
        return start, start + length


def offset(b: Bytes) -> None:
    """A field of four bytes: an offset to elsewhere, or any number."""
    position = b.random.choice(b.layout.tables)
    target = b.random.choice((*b.layout.tables, *b.layout.vectors, len(b.data)))
    near = b.word(position) + b.random.choice((-8, -4, -2, -1, 1, 2, 4, 8))
    b.put(position, b.random.choice((near, target - position, b.random.choice(EDGES + WIDE))))


def entry(b: Bytes) -> None:
    """An entry of a vector, which may be an offset to a table."""
    position = b.random.choice(b.layout.vectors)
    at = position + 4 + 4 * b.random.randint(0, min(b.word(position), 16))
    target = b.random.choice((*b.layout.tables, *b.layout.vectors))
    b.put(at, b.random.choice((target - at, b.word(at) + 4, b.random.choice(EDGES + WIDE))))


def length(b: Bytes) -> None:
    """The count of a vector."""
    position = b.random.choice(b.layout.vectors)
    near = b.word(position) + b.random.choice((-4, -1, 1, 2, 4, 16))
    b.put(position, b.random.choice((near, b.random.choice(EDGES + WIDE))))


def vtable(b: Bytes) -> None:
    """A vtable's length, its table's length, or the place of a field."""
    position, count = b.random.choice(b.layout.vtables)
    at = position + 2 * b.random.randint(0, max(0, count // 2 - 1))
    value = b.random.choice((*EDGES, b.random.randint(0, 64)))
    b.put(at, value, 2)


def table(b: Bytes) -> None:
    """A table that takes another vtable, or none."""
    position = b.random.choice(b.layout.tables)
    other = b.random.choice(b.layout.vtables)[0]
    b.put(position, b.random.choice((position - other, b.random.choice(EDGES + WIDE))))


def scalar(b: Bytes) -> None:
    """Some byte of a field."""
    position, count = b.random.choice(b.layout.fields)
    b.put(position + b.random.randint(0, count - 1), b.random.choice(EDGES), 1)


def flip(b: Bytes) -> None:
    """Some bytes anywhere."""
    for _ in range(b.random.choice((1, 1, 2, 4, 16))):
        position = b.random.randint(0, len(b.data) - 1)
        b.data[position] ^= 1 << b.random.randint(0, 7)


def splice(b: Bytes) -> None:
    """Bytes of this or another file over some of this one."""
    start, end = b.span()
    source = b.random.choice((bytes(b.data), b.other))
    at = b.random.randint(0, max(0, len(source) - (end - start)))
    b.data[start:end] = source[at : at + end - start]


def insert(b: Bytes) -> None:
    """Bytes put in between: everything behind them moves."""
    start, end = b.span()
    b.data[start:start] = b.data[start:end]


def remove(b: Bytes) -> None:
    """Bytes taken out."""
    start, end = b.span()
    del b.data[start:end]


def truncate(b: Bytes) -> None:
    """The end is missing."""
    del b.data[b.random.randint(0, len(b.data)) :]


MUTATIONS: tuple[Callable[[Bytes], None], ...] = (
    offset,
    offset,
    entry,
    length,
    vtable,
    table,
    scalar,
    scalar,
    flip,
    splice,
    insert,
    remove,
    truncate,
)


def mutate_bytes(data: bytes, other: bytes, rng: random.Random) -> tuple[bytes, list[str]]:
    """A file after one to three mutations, and their names."""
    work = Bytes(bytearray(data), layout_of(data), other, rng)
    names = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        mutation = rng.choice(MUTATIONS)
        names.append(mutation.__name__)
        if work.data:
            mutation(work)
    return bytes(work.data), names
