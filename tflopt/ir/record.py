"""What the IR does not model, carried as plain data and written back as it was read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Item = TypeVar("Item")
Scalar: TypeAlias = "bool | int | float"
Vector: TypeAlias = npt.NDArray[np.generic]
FieldValue: TypeAlias = "Scalar | bytes | Vector | Record | list[Record] | Rows"


@dataclass(eq=False, slots=True)
class Record:
    """One FlatBuffers table: the fields that are present, by their schema names.

    A union is held as two fields, ``<name>_type`` (its tag) and ``<name>`` (a record).
    """

    table: str
    fields: dict[str, FieldValue] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        """Equal tables with equal fields; vectors are compared bit for bit."""
        return isinstance(other, Record) and self.key() == other.key()

    def __hash__(self) -> int:
        return hash(self.key())

    def key(self) -> tuple[object, ...]:
        """A hashable image of the content."""
        return (self.table, *((name, _key(value)) for name, value in sorted(self.fields.items())))

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)


class Rows:
    """A vector of tables, each of which is made when it is asked for and not kept.

    Args:
        items: what they are made of.
        make: makes one.
    """

    def __init__(self, items: Collection[Item], make: Callable[[Item], Record]) -> None:
        def made() -> Iterator[Record]:
            return (make(item) for item in items)

        self._count, self._made = len(items), made

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Record]:
        return self._made()


def _key(value: FieldValue) -> object:
    if isinstance(value, Record):
        return value.key()
    if isinstance(value, list | Rows):
        return tuple(item.key() for item in value)
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.tobytes())
    return (type(value).__name__, repr(value))
