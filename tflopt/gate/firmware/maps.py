"""Maps of linkers: GNU ld's, armlink's and IAR's, as far as data has a name, a place and a size."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

HEX = r"0x[0-9a-fA-F']+"
GNU_START = "Linker script and memory map"
GNU_SECTION = re.compile(rf"^ (\.[^\s]+|COMMON)(?:\s+({HEX})\s+({HEX})(?:\s+\S.*)?)?$")
GNU_REST = re.compile(rf"^\s{{10,}}({HEX})\s+({HEX})\s+\S")
GNU_SYMBOL = re.compile(rf"^\s{{10,}}({HEX})\s+([A-Za-z_$.][^\s=]*)$")
GNU_DATA = re.compile(r"^\.(?:bss|data|rodata|noinit|sbss|sdata)\.(.+)$")
ARMLINK = re.compile(rf"^\s*(\S+)\s+({HEX})\s+Data\s+(\d+)\s+\S")
IAR = re.compile(rf"^\s*(\S+)?\s+({HEX})\s+({HEX})\s+Data\s+(?:Gb|Lc|Wk)\b")
IAR_NAME = re.compile(r"^(\S+)$")
CONSTANT = (".rodata", ".constdata", ".text")


@dataclass(frozen=True)
class Entry:
    """Data that a map names."""

    name: str
    address: int
    size_bytes: int


def read_map(text: str) -> tuple[str, list[Entry]]:
    """Whose map it is, empty where it is none that is known; and the data in it."""
    lines = text.splitlines()
    for linker, marks, read in (
        ("GNU ld", (GNU_START,), _gnu),
        ("armlink", ("Image Symbol Table", "Component: Arm", "Component: ARM"), _armlink),
        ("IAR", ("*** ENTRY LIST", "IAR ELF Linker"), _iar),
    ):
        if any(mark in line for mark in marks for line in lines):
            return linker, list(read(lines))
    return "", []


def _gnu(lines: Sequence[str]) -> Iterator[Entry]:
    """Sections of their own (``-fdata-sections``), and global symbols up to the next one."""
    start = next(i for i, line in enumerate(lines) if GNU_START in line)
    home: tuple[str, int, int] | None = None  # the section that symbols are in
    named: str | None = None
    inside: list[tuple[int, str]] = []
    for line in lines[start:]:
        if match := GNU_SECTION.match(line):
            yield from _in_section(home, inside)
            home, inside, named = None, [], match[1]
            if match[2]:
                home = (named, _number(match[2]), _number(match[3]))
        elif named and home is None and (match := GNU_REST.match(line)):
            home = (named, _number(match[1]), _number(match[2]))
        elif match := GNU_SYMBOL.match(line):
            inside.append((_number(match[1]), match[2]))
    yield from _in_section(home, inside)


def _in_section(
    home: tuple[str, int, int] | None, symbols: Sequence[tuple[int, str]]
) -> Iterator[Entry]:
    if home is None or not home[1] or not home[2]:  # discarded, or empty
        return
    section, address, size = home
    own = GNU_DATA.match(section)
    if own and not symbols:
        yield Entry(own[1], address, size)
    ends = [*(place for place, _ in symbols[1:]), address + size]
    for (place, name), end in zip(symbols, ends, strict=False):
        if address <= place < end:
            yield Entry(name, place, end - place)


def _armlink(lines: Sequence[str]) -> Iterator[Entry]:
    for line in lines:
        if match := ARMLINK.match(line):
            yield Entry(match[1], _number(match[2]), int(match[3]))


def _iar(lines: Sequence[str]) -> Iterator[Entry]:
    """A long name has a line of its own."""
    before = ""
    for line in lines:
        if match := IAR.match(line):
            name = match[1] or before
            if name:
                yield Entry(name, _number(match[2]), _number(match[3]))
        alone = IAR_NAME.match(line)
        before = alone[1] if alone else ""


def _number(text: str) -> int:
    return int(text.replace("'", ""), 16)
