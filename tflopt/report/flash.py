"""Where every byte of a file goes, and how small the file could be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tflopt.config import Config, Runtime, Strip
from tflopt.facts.operators import Kind, facts_of
from tflopt.io.reading.decode import Decoder
from tflopt.io.writing.layout import least_bytes
from tflopt.io.writing.records import external_data, model_record
from tflopt.ir import DType, Model, Use, Value
from tflopt.ir.clone import clone
from tflopt.ir.record import Vector
from tflopt.report.flash_owners import (
    SHARED,
    Codes,
    OperatorFlash,
    Ownership,
    by_operator,
)
from tflopt.rewrite import Stage
from tflopt.rules.pipeline import RULES, Selection, run_pipeline

KINDS = (
    "padding",
    "weights",
    "biases",
    "shapes and axes",
    "other constants",
    "scales",
    "zero points",
    "minimum and maximum",
    "tensor names",
    "other texts",
    "metadata",
    "shapes of tensors",
    "operator inputs and outputs",
    "options",
    "tables and lists",
    "vtables",
    "header",
    "behind the model",
    "not reachable",
)
BLOCK = 1 << 16
"""Bytes that are counted at a time, as wider numbers."""
CODES = {kind: code for code, kind in enumerate(KINDS)}
BUFFER = re.compile(r"^Model\.buffers\[(\d+)\]\.data$")
SCALARS = {
    "scale": "scales",
    "zero_point": "zero points",
    "min": "minimum and maximum",
    "max": "minimum and maximum",
    "shape": "shapes of tensors",
    "shape_signature": "shapes of tensors",
    "inputs": "operator inputs and outputs",
    "outputs": "operator inputs and outputs",
    "intermediates": "operator inputs and outputs",
    "mutating_variable_inputs": "operator inputs and outputs",
}


@dataclass(frozen=True)
class Flash:
    """Bytes by kind; they add up to the file's size.

    ``least_bytes`` is a lower bound for what the runtimes read; ``least_kept_bytes`` adds the
    names, signatures and metadata that this file keeps. ``by_operator`` and ``shared_by_kind``
    add up to the file's size too.
    """

    by_kind: dict[str, int]
    least_bytes: int
    least_kept_bytes: int
    by_operator: tuple[OperatorFlash, ...] = ()
    shared_by_kind: dict[str, int] = field(default_factory=dict)

    @property
    def file_bytes(self) -> int:
        """The size of the file."""
        return sum(self.by_kind.values())


def flash_of(model: Model, data: bytes, runtime: Runtime = Runtime.BOTH) -> Flash:
    """Account for the bytes of the file that ``model`` was read from."""
    ownership = Ownership(model)
    owners = np.full(len(data), SHARED, np.int32)

    def own(position: int, count: int, where: str) -> None:
        owners[position : position + count] = ownership.owner(where)

    codes = _painted(model, data, own)
    operators, shared = by_operator(ownership, owners, codes, KINDS)
    return Flash(
        by_kind=_counts(codes),
        by_operator=operators,
        shared_by_kind=shared,
        least_bytes=least_bytes_of(model, runtime, Strip.ALL),
        least_kept_bytes=least_bytes_of(model, runtime, Strip.DEFAULT),
    )


def bytes_by_kind(model: Model, data: bytes) -> dict[str, int]:
    """Every byte of the file under exactly one kind; zeros that nothing reaches are padding."""
    return _counts(_painted(model, data))


def _counts(codes: Codes) -> dict[str, int]:
    parts = (codes[at : at + BLOCK] for at in range(0, len(codes), BLOCK))
    counts = sum(
        (np.bincount(part, minlength=len(KINDS)) for part in parts),
        np.zeros(len(KINDS), np.int64),
    )
    return {kind: int(counts[code]) for kind, code in CODES.items() if counts[code]}


def _painted(
    model: Model, data: bytes, own: Callable[[int, int, str], None] | None = None
) -> Codes:
    """The kind of every byte; ``own`` is told of each object: position, bytes and path."""
    raw = np.frombuffer(data, np.uint8)
    blank, unknown = (np.uint8(CODES[kind]) for kind in ("padding", "not reachable"))
    paint: Codes = np.where(raw == 0, blank, unknown)
    for kind, _, outside in external_data(model):
        start = _address(outside) - _address(raw)
        if 0 <= start < len(raw):
            what = "other constants" if kind == "buffer" else "options"
            paint[start : start + outside.size] = CODES[what]
    if model.trailing is not None:
        paint[len(raw) - len(model.trailing) :] = CODES["behind the model"]
    role = _roles(model)
    decoder = Decoder(data)

    def visit(position: int, count: int, kind: str, where: str) -> None:
        paint[position : position + count] = CODES[_kind(kind, where, role)]
        if own is not None:
            own(position, count, where)

    decoder.visit = visit
    decoder.root()
    return paint


def _address(array: Vector) -> int:
    pointer: int = array.__array_interface__["data"][0]
    return pointer


def _kind(kind: str, where: str, role: Callable[[int], str]) -> str:
    if kind in ("vtable", "header"):
        return "vtables" if kind == "vtable" else "header"
    buffer = BUFFER.match(where)
    if buffer:
        return role(int(buffer[1]))
    field = where.rsplit(".", 1)[-1]
    if kind == "string":
        return "tensor names" if ".tensors[" in where and field == "name" else "other texts"
    if ".metadata[" in where:
        return "metadata"
    if "options" in field and kind.startswith("table:"):
        return "options"
    if kind == "vector" and field in SCALARS:
        return SCALARS[field]
    if kind == "vector" and "options" in where:
        return "options"
    return "tables and lists"


def _roles(model: Model) -> Callable[[int], str]:
    roles: dict[int, str] = {}
    index = {buffer: number for number, buffer in enumerate(model.buffers)}
    for graph in model.graphs:
        for value in graph.values:
            if value.buffer is not None and value.has_data:
                roles.setdefault(index[value.buffer], value_role(value))
    for entry in model.metadata or ():
        roles.setdefault(index[entry.buffer], "metadata")
    for buffer in model.metadata_buffers or ():
        roles.setdefault(index[buffer], "metadata")
    return lambda number: roles.get(number, "other constants")


def value_role(value: Value) -> str:
    """What a constant is to its first reader."""
    for use in value.uses:
        return _use_role(use, value)
    return "other constants"


def _use_role(use: Use, value: Value) -> str:
    op = use.op
    if op is None:
        return "other constants"
    facts = facts_of(op)
    if facts.weights == use.position:
        return "weights"
    if facts.bias == use.position:
        return "biases"
    if facts.kind is Kind.RECURRENT:
        return "weights" if value.dtype in (DType.INT8, DType.FLOAT32) else "biases"
    if use.position in facts.controls:
        return "shapes and axes"
    return "other constants"


def least_bytes_of(model: Model, runtime: Runtime, strip: Strip) -> int:
    """A lower bound for a file with this model's operators and constants.

    The content is what the runtimes read (with ``Strip.ALL``), or that and the names that stay
    by default; the overhead is that of tables without a gap.
    """
    slim = clone(model)
    config = Config(runtime=runtime, strip=strip)
    tidy = {Stage.CLEAN, Stage.STRIP}
    names = {rule.name for rule in RULES if tidy & set(rule.stages)}
    run_pipeline(slim, Selection(only=names), config)
    external = sum(buffer.size_bytes for buffer in slim.buffers if buffer.external)
    trailing = 0 if slim.trailing is None else len(slim.trailing)
    return least_bytes(model_record(slim)) + external + trailing
