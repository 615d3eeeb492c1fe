"""Facts of the TFLite schema: slots, types, defaults. Generated data, see ``schema/README.md``."""

from __future__ import annotations

import json
import pkgutil
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

IDENTIFIER = b"TFL3"
WIDTHS = {
    "bool": 1,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "uint16": 2,
    "int32": 4,
    "uint32": 4,
    "int64": 8,
    "uint64": 8,
    "float32": 4,
    "float64": 8,
}
FORMATS = {
    "bool": "<?",
    "int8": "<b",
    "uint8": "<B",
    "int16": "<h",
    "uint16": "<H",
    "int32": "<i",
    "uint32": "<I",
    "int64": "<q",
    "uint64": "<Q",
    "float32": "<f",
    "float64": "<d",
}
NUMPY = {name: np.dtype(code if code != "<?" else "?") for name, code in FORMATS.items()}


@dataclass(frozen=True)
class Slot:
    """One field of a table: ``kind`` is scalar, string, vector, table, tables or union."""

    name: str
    kind: str
    type: str = ""
    default: bool | int | float = 0

    @property
    def width(self) -> int:
        """Bytes inline in the table."""
        return WIDTHS[self.type] if self.kind == "scalar" else 4


@dataclass(frozen=True)
class Schema:
    """All tables (slots by their number, None where unused) and unions (table by tag)."""

    source: str
    tables: dict[str, tuple[Slot | None, ...]]
    unions: dict[str, dict[int, str]]

    def tag(self, union: str, table: str) -> int:
        """The tag under which a union holds a table."""
        return next(tag for tag, name in self.unions[union].items() if name == table)


@lru_cache(maxsize=1)
def schema() -> Schema:
    """The schema that this version reads and writes."""
    text = pkgutil.get_data("tflopt.io", "tflite_schema.json")
    assert text is not None
    data = json.loads(text)
    tables = {
        name: tuple(None if slot is None else Slot(**slot) for slot in slots)
        for name, slots in data["tables"].items()
    }
    unions = {
        name: {int(tag): table for tag, table in tags.items()}
        for name, tags in data["unions"].items()
    }
    return Schema(data["source"], tables, unions)
