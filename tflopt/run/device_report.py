"""The firmware's report: ``report.txt``, lines of ``key=value`` with a version and a CRC.

The format is that of ``micro_runner/PROTOCOL.md``.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tflopt.texts import counted

VERSION = 1
HEADER = "tflopt_report"
CRC = "crc32"
OK = "ok"
REPEATED = frozenset({"input", "output", "buffer", "scratch", "op", "log"})
MAX_BYTES = 1 << 22
"""A report of 50,000 operators is smaller."""
Item = TypeVar("Item")


class ReportError(ValueError):
    """The report is broken: says how."""


@dataclass(frozen=True)
class PlannedBuffer:
    """A buffer as the runtime planned it; the first and last use are its own steps.

    ``subgraph`` and ``number`` name the tensor; of scratch, ``number`` is the request's position.
    ``is_offline`` says that the model's plan placed it.
    """

    size_bytes: int
    first_use: int
    last_use: int
    offset_bytes: int
    is_scratch: bool
    subgraph: int
    number: int
    is_offline: bool = False


@dataclass(frozen=True)
class ScratchRequest:
    """A scratch request as a kernel made it, in the order in which they came."""

    operator: int
    size_bytes: int
    subgraph: int


@dataclass(frozen=True)
class OperatorCost:
    """What an operator of the main graph took in the last invocation, in the report's unit."""

    index: int
    name: str
    count: int


@dataclass(frozen=True)
class DeviceReport:
    """What the firmware says. A number is None where it was not asked for or not reached.

    ``unit`` is that of ``total`` and ``operators``: instructions, cycles or ticks. ``head_bytes``
    and ``tail_bytes`` add up to ``arena_used_bytes``. ``log`` is what the runtime said. Keys that
    have no field of their own are in ``other``.
    """

    status: str
    message: str = ""
    board: str = ""
    core: str = ""
    isa: str = ""
    kernels: str = ""
    library: str = ""
    compiler: str = ""
    unit: str = ""
    arena_used_bytes: int | None = None
    head_bytes: int | None = None
    tail_bytes: int | None = None
    least_arena_bytes: int | None = None
    stack_high_water_bytes: int | None = None
    outputs_crc32: int | None = None
    annotation: str = ""
    total: int | None = None
    buffers: tuple[PlannedBuffer, ...] = ()
    scratch: tuple[ScratchRequest, ...] = ()
    operators: tuple[OperatorCost, ...] = ()
    log: tuple[str, ...] = ()
    other: Mapping[str, str] = field(default_factory=dict)


def parse_report(data: bytes) -> DeviceReport:
    """The report in ``data``.

    Raises:
        ReportError: it is cut off, of another version, too large, or not what its CRC says.
    """
    if len(data) > MAX_BYTES:
        raise ReportError(f"it has {len(data):,} bytes, more than {MAX_BYTES:,}")
    keys = _Keys(_checked_lines(data))
    return DeviceReport(
        status=keys.text("status"),
        message=keys.text("message"),
        board=keys.text("board"),
        core=keys.text("core"),
        isa=keys.text("isa"),
        kernels=keys.text("kernels"),
        library=keys.text("library"),
        compiler=keys.text("compiler"),
        unit=keys.text("unit"),
        arena_used_bytes=keys.number("arena_used"),
        head_bytes=keys.number("head"),
        tail_bytes=keys.number("tail"),
        least_arena_bytes=keys.number("least_arena"),
        stack_high_water_bytes=keys.number("stack_high_water"),
        outputs_crc32=keys.number("outputs_crc32", 16),
        annotation=keys.text("annotation"),
        total=keys.number("total"),
        buffers=keys.entries("buffer", _buffer),
        scratch=keys.entries("scratch", _scratch),
        operators=keys.entries("op", _operator),
        log=keys.entries("log", str),
        other=keys.rest(),
    )


def _checked_lines(data: bytes) -> list[tuple[str, str]]:
    """Keys and values without the first and the last line, which were checked."""
    body, _, last = data.rstrip(b"\r\n").rpartition(b"\n")
    body += b"\n"
    if not body.startswith(f"{HEADER}=".encode()):
        raise ReportError("it is not a report of the firmware" if data else "it is empty")
    if not last.startswith(f"{CRC}=".encode()):
        raise ReportError("it is cut off: its last line is not the CRC")
    pairs = [_pair(line) for line in [*body.decode("utf-8", "replace").splitlines()]]
    if pairs[0] != (HEADER, str(VERSION)):
        raise ReportError(f"it has version {pairs[0][1]}, this tflopt reads version {VERSION}")
    stored = _pair(last.decode("ascii", "replace"))[1]
    if stored.lower() != f"{zlib.crc32(body):08x}":
        raise ReportError(f"its CRC is {zlib.crc32(body):08x}, it says {stored}")
    return pairs[1:]


def _pair(line: str) -> tuple[str, str]:
    key, equals, value = line.strip("\r").partition("=")
    if not equals:
        raise ReportError(f"the line {line[:60]!r} has no '='")
    return key, value


def _fields(text: str, *counts: int) -> Sequence[str]:
    parts = text.split(",")
    if len(parts) not in counts:
        raise ReportError(f"{text!r} has {counted(len(parts), 'field')}, not {counts[0]}")
    return parts


def _buffer(text: str) -> PlannedBuffer:
    _, size, first, last, offset, kind, where, *placed = _fields(text, 7, 8)
    subgraph, _, number = where.rpartition(":")
    return PlannedBuffer(
        size_bytes=_int(size),
        first_use=_int(first),
        last_use=_int(last),
        offset_bytes=_int(offset),
        is_scratch=kind == "scratch",
        subgraph=_int(subgraph or "0"),
        number=_int(number),
        is_offline=placed == ["offline"],
    )


def _scratch(text: str) -> ScratchRequest:
    operator, size, subgraph = _fields(text, 3)
    return ScratchRequest(_int(operator), _int(size), _int(subgraph))


def _operator(text: str) -> OperatorCost:
    index, name, count = _fields(text, 3)
    return OperatorCost(_int(index), name, _int(count))


def _int(text: str, base: int = 10) -> int:
    try:
        return int(text, base)
    except ValueError:
        raise ReportError(f"{text!r} is not a number") from None


class _Keys:
    """Values by key; the last one counts where a key that isn't repeated comes again."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._single = {key: value for key, value in pairs if key not in REPEATED}
        self._lists: dict[str, list[str]] = {key: [] for key in REPEATED}
        for key, value in pairs:
            if key in REPEATED:
                self._lists[key].append(value)
        if not self._single.get("status"):
            raise ReportError("it has no status")

    def text(self, key: str) -> str:
        return self._single.pop(key, "")

    def number(self, key: str, base: int = 10) -> int | None:
        value = self.text(key)
        return _int(value, base) if value else None

    def entries(self, key: str, parse: Callable[[str], Item]) -> tuple[Item, ...]:
        return tuple(parse(text) for text in self._lists[key])

    def rest(self) -> dict[str, str]:
        return dict(self._single)
