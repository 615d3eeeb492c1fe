"""An independent copy of a model that shares only its constant data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from operator import attrgetter
from typing import TypeVar

from tflopt.ir.model import Graph, Metadata, Model, Signature
from tflopt.ir.node import Buffer, Op, OperatorCode, OpExtra, Value, ValueExtra

Record = TypeVar("Record", Buffer, OperatorCode, OpExtra, ValueExtra)


def clone(model: Model) -> Model:
    """A copy whose edits don't touch ``model``; buffers are new, their data is shared."""
    return _Cloner(model).copy


def adopt(model: Model, other: Model) -> None:
    """Let ``model`` be what ``other`` is, which nobody may use any more."""
    for field in fields(Model):
        setattr(model, field.name, getattr(other, field.name))
    for graph in model.graphs:
        graph.model = model


def _copier(kind: type[Record]) -> Callable[[Record], Record]:
    """As ``dataclasses.replace`` without changes, which takes several times as long."""
    content = attrgetter(*(field.name for field in fields(kind)))
    return lambda record: kind(*content(record))


_BUFFER, _ENTRY = _copier(Buffer), _copier(OperatorCode)
_OF_VALUE, _OF_OP = _copier(ValueExtra), _copier(OpExtra)


class _Cloner:
    def __init__(self, model: Model) -> None:
        self.buffers = {buffer: _BUFFER(buffer) for buffer in model.buffers}
        self.opcodes = {entry: _ENTRY(entry) for entry in model.opcodes}
        self.values: dict[Value, Value] = {}
        self.graphs: dict[Graph, Graph] = {}
        self.copy = replace(
            model,
            graphs=[],
            opcodes=list(self.opcodes.values()),
            buffers=list(self.buffers.values()),
        )
        for graph in model.graphs:
            self._graph(graph)
        if model.metadata is not None:
            self.copy.metadata = [
                Metadata(entry.name, self._buffer(entry.buffer)) for entry in model.metadata
            ]
        if model.metadata_buffers is not None:
            self.copy.metadata_buffers = [self._buffer(b) for b in model.metadata_buffers]
        if model.signatures is not None:
            self.copy.signatures = [self._signature(entry) for entry in model.signatures]

    def _buffer(self, buffer: Buffer) -> Buffer:
        return self.buffers[buffer]

    def _opcode(self, entry: OperatorCode) -> OperatorCode:
        return self.opcodes[entry]

    def _graph(self, graph: Graph) -> None:
        copy = Graph(self.copy, graph.name)
        copy.debug_metadata_index, copy.absent = graph.debug_metadata_index, graph.absent
        self.graphs[graph] = copy
        self.copy.graphs.append(copy)
        for value in graph.values:
            self.values[value] = copy.add_value(self._value(value, copy))
        for value in graph.inputs:
            copy.inputs.append(self.values[value])
        for value in graph.outputs:
            copy.outputs.append(self.values[value])
        for op in graph.ops:
            self._op(op, copy)

    def _value(self, value: Value, graph: Graph) -> Value:
        copy = Value(graph, value.dtype, value.shape, name=value.name, quant=value.quant)
        copy.buffer = None if value.buffer is None else self._buffer(value.buffer)
        copy.is_variable, copy.origin = value.is_variable, value.origin
        copy.extra = _OF_VALUE(value.extra)
        return copy

    def _op(self, op: Op, graph: Graph) -> None:
        copy = Op(graph, self._opcode(op.opcode), op.options)
        copy.extra = _OF_OP(op.extra)
        if op.extra.intermediates is not None:
            copy.extra.intermediates = tuple(self.values[v] for v in op.extra.intermediates)
        copy.set_inputs(None if value is None else self.values[value] for value in op.inputs)
        copy.set_outputs(self.values[value] for value in op.outputs)
        graph.insert(copy)

    def _signature(self, entry: Signature) -> Signature:
        copy = replace(entry, graph=self.graphs[entry.graph])
        for name in ("inputs", "outputs"):
            ports = getattr(entry, name)
            if ports is not None:
                setattr(copy, name, [(key, self.values[value]) for key, value in ports])
        return copy
