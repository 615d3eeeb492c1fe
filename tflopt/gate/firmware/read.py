"""The arena and the model in an ELF file or a map of a linker."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tflopt.errors import UsageError, printable
from tflopt.gate.firmware.maps import Entry, read_map
from tflopt.io.build_attributes import SECTION, BuildAttributes, read_attributes
from tflopt.io.elf import Elf, is_elf, read_elf
from tflopt.io.reading.reader import file_bytes
from tflopt.texts import near_match

ARENA = re.compile(r"arena", re.IGNORECASE)
LEAST_ARENA = 256
"""Smaller ones with that name are sizes and pointers."""
IDENTIFIER, IDENTIFIER_AT = b"TFL3", 4
MODEL = re.compile(r"model|tflite", re.IGNORECASE)
SHOWN = 5


@dataclass(frozen=True)
class Place:
    """Data with a name, which is empty where none is known."""

    name: str
    address: int
    size_bytes: int


@dataclass(frozen=True)
class Firmware:
    """What was found.

    Attributes:
        kind: ``ELF file``, or whose map it is.
        arenas: what may be the arena.
        same: where exactly the model's bytes are, empty where they aren't or can't be seen.
        others: what holds another model, or by its name may hold this one.
        sees_bytes: whether it has the bytes, as an ELF file does.
    """

    kind: str
    arenas: tuple[Place, ...]
    same: tuple[Place, ...]
    others: tuple[Place, ...]
    sees_bytes: bool
    attributes: BuildAttributes | None = None


def read_firmware(path: Path, model: bytes, arena: str = "") -> Firmware:
    """The arena by its symbol, the model by its bytes or, in a map, by name and size.

    Args:
        arena: the arena's symbol, where its name doesn't say what it is.

    Raises:
        UsageError: the file is neither, or has no such symbol.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    data = file_bytes(path)
    if is_elf(data):
        return _of_elf(read_elf(data, str(path)), model, arena, str(path))
    linker, entries = read_map(data.decode("utf-8", "replace"))
    if not linker:
        raise UsageError(f"{path}: is neither an ELF file nor a map of GNU ld, armlink or IAR")
    if not entries:
        raise UsageError(
            f"{path}: names no data; compile with -fdata-sections, or take the ELF file"
        )
    places = [Place(entry.name, entry.address, entry.size_bytes) for entry in entries]
    named = _arenas(places, arena, str(path))
    others = tuple(_models(entries, {place.name for place in named}))
    return Firmware(f"{linker}'s map", named, (), others, sees_bytes=False)


def _of_elf(elf: Elf, model: bytes, arena: str, where: str) -> Firmware:
    objects = [symbol for symbol in elf.symbols if symbol.is_data and symbol.is_defined]
    places = [Place(symbol.name, symbol.address, symbol.size_bytes) for symbol in objects]
    if not places:
        raise UsageError(f"{where}: has no symbols; take the file before it was stripped, or a map")
    by_address = {place.address: place for place in places if place.size_bytes}
    same, others = [], []
    for section in elf.sections:
        if not section.is_loaded or not section.data:
            continue
        content = bytes(section.data)
        for at in _all(content, IDENTIFIER):
            start = at - IDENTIFIER_AT
            if start < 0:
                continue
            address = section.address + start
            known = by_address.get(address)
            if content[start : start + len(model)] == model:
                same.append(Place(known.name if known else "", address, len(model)))
            elif known is not None:
                others.append(known)
    attributes = elf.section(SECTION)
    return Firmware(
        "ELF file",
        _arenas(places, arena, where),
        tuple(same),
        tuple(others),
        sees_bytes=True,
        attributes=None if attributes is None else read_attributes(attributes.data),
    )


def _all(content: bytes, symbol: bytes) -> list[int]:
    offsets, at = [], content.find(symbol)
    while at >= 0:
        offsets.append(at)
        at = content.find(symbol, at + 1)
    return offsets


def _arenas(places: Sequence[Place], symbol: str, where: str) -> tuple[Place, ...]:
    large = [place for place in places if place.size_bytes >= LEAST_ARENA]
    if symbol:
        arenas = [place for place in places if symbol == place.name and place.size_bytes]
        arenas = arenas or [place for place in large if symbol in place.name]
        if not arenas:
            hint = near_match(symbol, (place.name for place in large)) or "it names none like it"
            raise UsageError(f"{where}: has no {symbol!r}; {hint}")
        return tuple(arenas)
    arenas = [place for place in large if ARENA.search(place.name)]
    if not arenas:
        largest = sorted(large, key=lambda place: -place.size_bytes)[:SHOWN]
        names = ", ".join(f"{printable(place.name)} ({place.size_bytes:,})" for place in largest)
        raise UsageError(
            f"{where}: no symbol has 'arena' in its name; --arena SYMBOL says which it is "
            f"(the largest: {names or 'none'})"
        )
    return tuple(arenas)


def _models(entries: Sequence[Entry], arenas: set[str]) -> list[Place]:
    return [
        Place(entry.name, entry.address, entry.size_bytes)
        for entry in entries
        if MODEL.search(entry.name) and entry.name not in arenas and entry.size_bytes >= LEAST_ARENA
    ]
