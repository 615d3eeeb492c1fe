"""Findings on a firmware: its arena against the least one, its model against the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from tflopt.errors import printable
from tflopt.gate.firmware.read import Firmware, Place

ALIGNMENT, WORD = 16, 4
ROOM_FOR_ARRAY = 64
"""By so much an array in a map may be larger than the model: alignment."""


NESTED = re.compile(r"_Z(?:N|L)?(?=\d)")
LENGTH = re.compile(r"\d{1,4}")


class Level(Enum):
    """How bad a finding is."""

    GOOD = "good"
    NOTE = "note"
    ERROR = "error"


@dataclass(frozen=True)
class Judgement:
    """One finding."""

    about: str
    level: Level
    text: str


def usable_bytes(place: Place) -> int:
    """What TFLM has of an array: it aligns both ends to 16."""
    start = -(-place.address // ALIGNMENT) * ALIGNMENT
    end = (place.address + place.size_bytes) // ALIGNMENT * ALIGNMENT
    return max(0, end - start)


def judge(firmware: Firmware, model_bytes: int, need_bytes: int) -> list[Judgement]:
    """Everything that is found, the arena first.

    Args:
        need_bytes: the least arena that is predicted.
    """
    return [*_arena(firmware, need_bytes), *_model(firmware, model_bytes)]


def _arena(firmware: Firmware, need_bytes: int) -> Iterator[Judgement]:
    if len(firmware.arenas) > 1:
        names = ", ".join(_named(arena) for arena in firmware.arenas)
        text = f"several may be it: {names}; --arena SYMBOL says which"
        yield Judgement("arena", Level.ERROR, text)
        return
    (place,) = firmware.arenas
    usable = usable_bytes(place)
    lost = place.size_bytes - usable
    said = f"{_named(place)}" + (f", {lost} lost to alignment" if lost else "")
    if usable < need_bytes:
        short = need_bytes - usable
        text = f"{said}: {short:,} too small; {need_bytes:,} are needed"
        yield Judgement("arena", Level.ERROR, text)
    elif usable == need_bytes:
        yield Judgement("arena", Level.GOOD, f"{said}: just what is needed")
    else:
        text = f"{said}: {usable - need_bytes:,} more than the {need_bytes:,} needed"
        yield Judgement("arena", Level.NOTE, text)


def _model(firmware: Firmware, model_bytes: int) -> Iterator[Judgement]:
    if firmware.same:
        place = firmware.same[0]
        where = f"{printable(plain_name(place.name))} " if place.name else ""
        text = f"{where}at {place.address:#x}: the same {model_bytes:,} bytes"
        level = Level.GOOD
        if place.address % ALIGNMENT:
            level = Level.ERROR if place.address % WORD else Level.NOTE
            text += f"; its address should be a multiple of {ALIGNMENT}"
        yield Judgement("model", level, text)
        if len(firmware.same) > 1:
            yield Judgement("model", Level.NOTE, f"it is in there {len(firmware.same)} times")
        return
    if firmware.sees_bytes:
        others = ", ".join(_named(copy) for copy in firmware.others)
        text = f"another one: {others}" if others else "it isn't in there"
        yield Judgement("model", Level.ERROR, text)
        return
    fitting = [
        copy
        for copy in firmware.others
        if model_bytes <= copy.size_bytes <= model_bytes + ROOM_FOR_ARRAY
    ]
    if fitting:
        text = f"{_named(fitting[0])}: the size agrees; only an ELF file shows the bytes"
        yield Judgement("model", Level.GOOD, text)
    elif firmware.others:
        names = ", ".join(_named(copy) for copy in firmware.others)
        text = f"not the same: the file has {model_bytes:,} bytes, the map {names}"
        yield Judgement("model", Level.ERROR, text)
    else:
        yield Judgement("model", Level.NOTE, "no array is named like one; an ELF file shows it")


def _named(place: Place) -> str:
    return f"{printable(plain_name(place.name))}, {place.size_bytes:,} bytes"


def plain_name(symbol: str) -> str:
    """The last name of a C++ symbol (``_ZN12_GLOBAL__N_112tensor_arenaE``), others as they are."""
    nested = NESTED.match(symbol)
    if nested is None:
        return symbol
    rest, last = symbol[nested.end() :], symbol
    while length := LENGTH.match(rest):
        end = length.end() + int(length[0])
        last, rest = rest[length.end() : end], rest[end:]
    return last or symbol
