"""ELF files as a linker or a compiler writes them: sections, and symbols with their bytes.

Only what is asked of firmware and of libraries: no program headers, relocations or versions. Every
offset is checked; a file that ends early or points outside of itself is an error, never a crash.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tflopt.errors import UsageError

MAGIC = b"\x7fELF"
WIDE, LITTLE = 2, 1
SYMTAB, NOBITS = 2, 8
RELOCATIONS = {4: 12, 9: 8}
"""Kinds of sections of relocations, with and without addends, and the bytes of one."""
OBJECT = 1
ALLOCATED = 2
MOST_SECTIONS = 1 << 20


@dataclass(frozen=True)
class Section:
    """One section; ``data`` is empty where the file has none of it (``.bss``)."""

    name: str
    kind: int
    flags: int
    address: int
    size_bytes: int
    data: memoryview
    link: int = 0

    @property
    def is_loaded(self) -> bool:
        """Whether it is in the device's memory."""
        return bool(self.flags & ALLOCATED)


@dataclass(frozen=True)
class Symbol:
    """A name with its place; ``data`` is None where the file doesn't have its bytes."""

    name: str
    address: int
    size_bytes: int
    is_data: bool = True
    is_defined: bool = True
    data: memoryview | None = None


@dataclass(frozen=True)
class Elf:
    """What was read of one file."""

    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]

    def section(self, name: str) -> Section | None:
        """The first of that name."""
        return next((section for section in self.sections if section.name == name), None)

    def sections_that_use(self, symbol: str) -> list[str]:
        """The names of the relocations of an object for 32 bits that refer to a symbol.

        With a section for each function they tell who calls it: ``.rel.text.FUNCTION``.
        """
        indices = {i for i, entry in enumerate(self.symbols) if entry.name == symbol}
        return [
            section.name
            for section in self.sections
            if section.kind in RELOCATIONS
            and any(
                int.from_bytes(section.data[at + 5 : at + 8], "little") in indices
                for at in range(0, len(section.data) - 7, RELOCATIONS[section.kind])
            )
        ]


def is_elf(data: bytes | memoryview) -> bool:
    """Whether a file begins as ELF files do."""
    return bytes(data[:4]) == MAGIC


def read_elf(data: bytes | memoryview, where: str) -> Elf:
    """Sections and symbols.

    Raises:
        UsageError: the file is damaged; ``where`` names it.
    """
    view = memoryview(data)
    try:
        sections = tuple(_sections(view))
        return Elf(sections, tuple(_symbols(view, sections)))
    except (struct.error, IndexError, ValueError) as error:
        raise UsageError(f"{where}: is a damaged ELF file ({error})") from None


def _order(view: memoryview) -> str:
    return "<" if view[5] == LITTLE else ">"


def _sections(view: memoryview) -> Iterator[Section]:
    order, wide = _order(view), view[4] == WIDE
    if wide:
        (start,) = struct.unpack_from(order + "Q", view, 40)
        entry, count, names_at = struct.unpack_from(order + "HHH", view, 58)
    else:
        (start,) = struct.unpack_from(order + "I", view, 32)
        entry, count, names_at = struct.unpack_from(order + "HHH", view, 46)
    layout = order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII")
    if start == 0:
        return
    rows = [struct.unpack_from(layout, view, start + i * entry) for i in range(max(count, 1))]
    if count == 0:  # as many as the first one says
        if rows[0][5] > MOST_SECTIONS:
            raise ValueError("more sections than a file can have")
        rows = [struct.unpack_from(layout, view, start + i * entry) for i in range(rows[0][5])]
    names_at = rows[0][6] if names_at == 0xFFFF else names_at
    names = _part(view, rows[names_at]) if rows else memoryview(b"")
    for row in rows:
        name = _text(names, row[0])
        yield Section(name, row[1], row[2], row[3], row[5], _part(view, row), row[6])


def _part(view: memoryview, row: Sequence[int]) -> memoryview:
    kind, start, size = row[1], row[4], row[5]
    if kind in (NOBITS, 0):
        return view[:0]
    if start + size > len(view):
        raise ValueError("a section ends behind the file")
    return view[start : start + size]


def _symbols(view: memoryview, sections: Sequence[Section]) -> Iterator[Symbol]:
    order, wide = _order(view), view[4] == WIDE
    layout = struct.Struct(order + ("IBBHQQ" if wide else "IIIBBH"))
    for table in sections:
        if table.kind != SYMTAB:
            continue
        names = sections[table.link].data
        whole = len(table.data) - len(table.data) % layout.size
        for row in layout.iter_unpack(table.data[:whole]):
            if wide:
                name, info, _, index, address, size = row
            else:
                name, address, size, info, _, index = row
            home = sections[index] if 0 < index < len(sections) else None
            content = _bytes(home, address, size) if info & 15 == OBJECT else None
            yield Symbol(
                _text(names, name), address, size, info & 15 == OBJECT, index != 0, content
            )


def _bytes(home: Section | None, address: int, size: int) -> memoryview | None:
    if home is None or not home.data:
        return None
    start = address - home.address if home.address else address
    if start < 0 or start + size > len(home.data):
        return None
    return home.data[start : start + size]


def _text(table: memoryview, start: int) -> str:
    end = start
    while end < len(table) and table[end]:
        end += 1
    return bytes(table[start:end]).decode("utf-8", "replace")
