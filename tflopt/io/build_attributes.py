"""What a compiler says of an Arm object in ``.ARM.attributes``: core, extensions, its goal.

Source: Arm's ABI, "Addenda to, and Errata in, the ABI for the Arm Architecture", build attributes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SECTION = ".ARM.attributes"
VENDOR = b"aeabi"
WHOLE_FILE = 1
CPU_NAME, CPU_ARCH, DSP, MVE, GOAL = 5, 6, 46, 48, 30
TEXTS = frozenset({4, 5, 65, 67})
COMPATIBILITY = 32
V7EM = 13
"""Tag_CPU_arch of ARMv7E-M, whose DSP extension has no tag of its own."""


@dataclass(frozen=True)
class BuildAttributes:
    """Of one object.

    Attributes:
        cpu: as the compiler names it, ``Cortex-M4`` or ``cortex-m55``; may be empty.
        dsp: built with the DSP extension.
        mve: built with MVE.
        goal: Tag_ABI_optimization_goals: 1 and 2 speed, 3 and 4 size, 5 and 6 debugging, 0 unsaid.
    """

    cpu: str = ""
    dsp: bool = False
    mve: bool = False
    goal: int = 0


def read_attributes(data: bytes | memoryview) -> BuildAttributes:
    """The attributes of a whole file; what can't be read is left out."""
    values: dict[int, int | str] = {}
    try:
        for tag, value in _tags(bytes(data)):
            values[tag] = value
    except IndexError:
        pass
    return BuildAttributes(
        cpu=str(values.get(CPU_NAME, "")),
        dsp=bool(values.get(DSP, 0)) or values.get(CPU_ARCH) == V7EM or bool(values.get(MVE, 0)),
        mve=bool(values.get(MVE, 0)),
        goal=int(values.get(GOAL, 0)),
    )


def _tags(data: bytes) -> Iterator[tuple[int, int | str]]:
    at = 1
    while at + 4 < len(data):
        length = int.from_bytes(data[at : at + 4], "little")
        vendor, end = data[at + 4 : at + 4 + len(VENDOR)], at + length
        if length < 5:
            return
        if vendor == VENDOR:
            yield from _subsections(data[at + 4 + len(VENDOR) + 1 : end])
        at = end


def _subsections(data: bytes) -> Iterator[tuple[int, int | str]]:
    at = 0
    while at + 5 <= len(data):
        length = int.from_bytes(data[at + 1 : at + 5], "little")
        if length < 5:
            return
        if data[at] == WHOLE_FILE:
            yield from _pairs(data[at + 5 : at + length])
        at += length


def _pairs(data: bytes) -> Iterator[tuple[int, int | str]]:
    at = 0
    while at < len(data):
        tag, at = _number(data, at)
        if tag == COMPATIBILITY:
            _, at = _number(data, at)
        if tag in TEXTS or tag == COMPATIBILITY or (tag > COMPATIBILITY and tag % 2):
            end = data.index(0, at) if 0 in data[at:] else len(data)
            yield tag, data[at:end].decode("ascii", "replace")
            at = end + 1
        else:
            value, at = _number(data, at)
            yield tag, value


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
