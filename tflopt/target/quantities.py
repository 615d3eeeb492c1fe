"""Quantities as people write them: sizes, counts and clocks."""

from __future__ import annotations

import re

from tflopt.errors import UsageError

SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([kmg]?)(i?b)?", re.IGNORECASE)
COUNT = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([kmg]?)", re.IGNORECASE)
CLOCK = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([kmg]?)(hz)?", re.IGNORECASE)
THOUSANDS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
FASTEST_HZ = 10**10


def parse_size(text: str) -> int:
    """``65536``, ``64K``, ``64KB``, ``1.5MiB`` as bytes; K is 1024 as in linker scripts.

    Raises:
        UsageError: no size.
    """
    match = SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a size; write for example 65536, 64K or 1.5MiB")
    return _times(match[1], UNITS[match[2].lower()])


def parse_count(text: str) -> int:
    """``1500000``, ``1500K``, ``1.5M``; K is 1000, as for everything that isn't bytes.

    Raises:
        UsageError: no count.
    """
    match = COUNT.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a count; write for example 1500000, 1500K or 1.5M")
    return _times(match[1], THOUSANDS[match[2].lower()])


def parse_clock(text: str) -> int:
    """``120M``, ``120MHz``, ``120000000`` as hertz.

    Raises:
        UsageError: no clock, or one that no microcontroller has.
    """
    match = CLOCK.fullmatch(text.strip())
    hertz = 0 if match is None else _times(match[1], THOUSANDS[match[2].lower()])
    if not 0 < hertz <= FASTEST_HZ:
        raise UsageError(f"{text!r} is not a clock; write for example 120M or 120MHz")
    return hertz


def _times(number: str, unit: int) -> int:
    """Exact, and rounded down."""
    whole, _, part = number.partition(".")
    scale: int = 10 ** len(part)
    return int(whole + part) * unit // scale
