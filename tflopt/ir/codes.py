"""Numbers of the TFLite schema, by name."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """A number of the schema. Hashed as a number: an enum's hash of the name takes far longer."""

    __hash__ = int.__hash__
