"""Typed access to the fields of a record, with its place for messages."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import cast

import numpy as np

from tflopt.ir.record import Record, Vector


def text_of(raw: bytes) -> str:
    """A FlatBuffers string; bytes that are not UTF-8 survive as surrogates."""
    return raw.decode("utf-8", "surrogateescape")


class Fields:
    """Typed access to the fields of a record."""

    def __init__(self, record: Record, where: str) -> None:
        self.record = record
        self.where = where

    def number(self, name: str, default: int = 0) -> int:
        """A scalar, ``default`` where it is absent."""
        return cast("int", self.record.fields.get(name, default))

    def flag(self, name: str) -> bool:
        """A boolean, False where it is absent."""
        return bool(self.record.fields.get(name, False))

    def text(self, name: str) -> str | None:
        """A string, None where it is absent."""
        raw = self.record.fields.get(name)
        return text_of(raw) if isinstance(raw, bytes) else None

    def vector(self, name: str) -> Vector | None:
        """A vector of scalars as a view, None where it is absent."""
        value = self.record.fields.get(name)
        return value if isinstance(value, np.ndarray) else None

    def ints(self, name: str) -> tuple[int, ...]:
        """A vector of integers, empty where it is absent."""
        value = self.vector(name)
        return () if value is None else tuple(cast("list[int]", value.tolist()))

    def child(self, name: str) -> Record | None:
        """A table, None where it is absent."""
        value = self.record.fields.get(name)
        return value if isinstance(value, Record) else None

    def children(self, name: str) -> list[Record] | None:
        """A vector of tables, None where it is absent."""
        value = self.record.fields.get(name)
        return value if isinstance(value, list) else None

    def entries(self, name: str) -> Iterable[Fields]:
        """The entries of a vector of tables, each knowing its place."""
        for index, record in enumerate(self.children(name) or ()):
            yield Fields(record, f"{self.where}{name}[{index}]")

    def absent(self, *names: str) -> frozenset[str]:
        """Those of ``names`` that the file leaves out."""
        return _names(tuple(name for name in names if name not in self.record.fields))


@cache
def _names(names: tuple[str, ...]) -> frozenset[str]:
    """One object for all who lack the same."""
    return frozenset(names)
