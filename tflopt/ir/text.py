"""A printable form of the IR, for tests and for people."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from enum import Enum

from tflopt.ir.model import Graph, Model
from tflopt.ir.node import Op, Value
from tflopt.ir.options import Options
from tflopt.ir.quantization import Quantization

MANY = 8


def dump(model: Model) -> str:
    """The whole model; values are numbered in the order of their first appearance."""
    return "\n".join(dump_graph(graph) for graph in model.graphs)


def dump_graph(graph: Graph) -> str:
    """One graph::

    graph(%0: i8[1,4]{0.5,-3}) -> %1
      %1: i8[1,2]{0.25,0} = FULLY_CONNECTED(%0, const i8[2,4]{0.1,0}) keep_num_dims=True
    """
    names = _Names()
    inputs = ", ".join(f"{names.of(value)}: {kind(value)}" for value in graph.inputs)
    lines = [f"  {_op(op, names)}" for op in graph.ops]
    outputs = ", ".join(names.of(value) for value in graph.outputs)
    return "\n".join([f"graph({inputs}) -> {outputs}", *lines])


def kind(value: Value) -> str:
    """Type, shape and quantization: ``i8[1,4]{0.5,-3}``."""
    shape = ",".join(str(extent) for extent in value.shape)
    return f"{value.dtype.short}[{shape}]{_quant(value.quant)}"


class _Names:
    def __init__(self) -> None:
        self._numbers: dict[Value, int] = {}

    def has(self, value: Value) -> bool:
        return value in self._numbers

    def of(self, value: Value) -> str:
        return f"%{self._numbers.setdefault(value, len(self._numbers))}"


def _quant(quant: Quantization | None) -> str:
    if quant is None or not quant.is_set or quant.scale is None or quant.zero_point is None:
        return ""
    if quant.is_per_channel:
        return f"{{per-channel {quant.quantized_dimension}}}"
    return f"{{{float(quant.scale[0]):.6g},{int(quant.zero_point[0])}}}"


def _op(op: Op, names: _Names) -> str:
    inputs = ", ".join(_operand(value, names) for value in op.inputs)
    outputs = ", ".join(_result(value, names) for value in op.outputs)
    options = _options(op.options)
    return f"{outputs} = {op.opcode.label}({inputs})" + (f" {options}" if options else "")


def _result(value: Value, names: _Names) -> str:
    if not value.is_variable:
        return f"{names.of(value)}: {kind(value)}"
    return names.of(value) if names.has(value) else f"{names.of(value)}: var {kind(value)}"


def _operand(value: Value | None, names: _Names) -> str:
    if value is None:
        return "none"
    if not value.is_constant:
        is_new = value.is_variable and not names.has(value)
        return f"{names.of(value)}: var {kind(value)}" if is_new else names.of(value)
    ints = value.ints() if value.elements <= MANY else None
    if ints is not None and value.quant is None:
        return f"{list(ints)}"
    return f"const {kind(value)}"


def _options(options: object) -> str:
    if not isinstance(options, Options):
        return ""
    shown = [
        f"{field.name}={_plain(getattr(options, field.name))}"
        for field in dataclasses.fields(options)
        if getattr(options, field.name) != field.default
    ]
    return " ".join(shown)


def _plain(item: object) -> object:
    if isinstance(item, Enum):
        return item.name
    return list(item) if isinstance(item, Iterable) and not isinstance(item, str) else item
