"""Options of builtin operators between records and dataclasses, by field name."""

from __future__ import annotations

import dataclasses
import math
from functools import cache
from typing import TypeAlias, cast

import numpy as np

from tflopt.io.schema import NUMPY, schema
from tflopt.ir.options import MODELLED, Options
from tflopt.ir.record import FieldValue, Record
from tflopt.ir.types import Activation, Padding

CLASSES = {cls.__name__: cls for cls in MODELLED}
EnumType: TypeAlias = "type[Padding] | type[Activation]"
ENUMS: dict[str, EnumType] = {"Padding": Padding, "Activation": Activation}


@cache
def _enum_fields(name: str) -> dict[str, EnumType]:
    fields = dataclasses.fields(CLASSES[name])
    return {f.name: ENUMS[str(f.type)] for f in fields if str(f.type) in ENUMS}


def options_from_record(record: Record | None) -> Options | Record | None:
    """The dataclass of a modelled table; other tables, and values we don't know, stay records."""
    cls = CLASSES.get(record.table) if record is not None else None
    if record is None or cls is None:
        return record
    enums = _enum_fields(record.table)
    known: dict[str, object] = {}
    names = {field.name for field in dataclasses.fields(cls)}
    for name, value in record.fields.items():
        if name not in names or isinstance(value, Record | list):
            return record
        if name in enums:
            if value not in enums[name].__members__.values():
                return record
            known[name] = enums[name](cast("int", value))
        else:
            known[name] = _plain(value)
    return cls(**known)


def _plain(value: FieldValue) -> object:
    if isinstance(value, np.ndarray):
        return tuple(value.tolist())
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def is_negative_zero(value: object) -> bool:
    """-0.0 equals the default 0.0, and is another number all the same."""
    return isinstance(value, float) and value == 0 and math.copysign(1, value) < 0


def record_from_options(options: Options) -> Record:
    """The table of a dataclass; fields at their default are left out."""
    record = Record(type(options).__name__)
    for slot in schema().tables[record.table]:
        value = None if slot is None else getattr(options, slot.name)
        if slot is None or value is None:
            continue
        if slot.kind == "vector":
            record.fields[slot.name] = np.asarray(value, dtype=NUMPY[slot.type])
        elif slot.kind == "string":
            record.fields[slot.name] = value.encode("utf-8", "surrogateescape")
        elif value != slot.default or is_negative_zero(value):
            record.fields[slot.name] = int(value) if slot.type == "int8" else value
    return record
