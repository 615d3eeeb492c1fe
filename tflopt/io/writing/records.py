"""IR -> records: the inverse of the reader, field for field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from tflopt.io.described import described, stored_buffers
from tflopt.io.options import record_from_options
from tflopt.io.schema import schema
from tflopt.ir import (
    Buffer,
    Graph,
    Metadata,
    Model,
    Op,
    OperatorCode,
    Options,
    Quantization,
    Record,
    Signature,
    Value,
)
from tflopt.ir.record import FieldValue, Rows, Vector

LARGEST_DEPRECATED = 127
"""``deprecated_builtin_code`` is a signed byte; larger codes store this placeholder there."""
PLACEHOLDER_OFFSET = 1
"""Stands for the real place of external data until the layout knows it."""


def model_record(model: Model) -> Record:
    """The ``Model`` table; external data is marked, its offsets are filled in by the layout."""
    return _Writer(model).model()


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _ints(values: Iterable[int]) -> Vector:
    return np.asarray(list(values), dtype=np.int32)


class _Fill:
    """Sets fields of a record, leaving out what is absent or at the schema's default."""

    def __init__(self, table: str) -> None:
        self.record = Record(table)
        self._defaults = {
            slot.name: slot.default
            for slot in schema().tables[table]
            if slot is not None and slot.kind == "scalar"
        }

    def scalar(self, name: str, value: bool | int) -> None:
        if value != self._defaults[name]:
            self.record.fields[name] = value

    def text(self, name: str, value: str | None) -> None:
        if value is not None:
            self.record.fields[name] = _raw(value)

    def set(self, name: str, value: FieldValue | None) -> None:
        if value is not None:
            self.record.fields[name] = value

    def list(self, name: str, value: Vector | list[Record] | Rows, absent: Iterable[str]) -> None:
        """A vector that an IR list stands for; absent stays absent while it is empty."""
        if len(value) or name not in absent:
            self.record.fields[name] = value


class _Writer:
    def __init__(self, source: Model) -> None:
        self.source = source
        self.described = described(source)
        self.stored = stored_buffers(source)
        self.buffers = {buffer: index for index, buffer in enumerate(self.stored)}
        self.opcodes = {entry: index for index, entry in enumerate(source.opcodes)}
        self.tensors = [{v: i for i, v in enumerate(graph.values)} for graph in source.graphs]

    def model(self) -> Record:
        model, fill = self.source, _Fill("Model")
        fill.scalar("version", model.version)
        fill.list("operator_codes", [self._opcode(e) for e in model.opcodes], model.absent)
        graphs = [self._graph(number, graph) for number, graph in enumerate(model.graphs)]
        fill.list("subgraphs", graphs, model.absent)
        fill.text("description", model.description)
        entries = model.metadata
        if self.described is not None and self.described.buffer.data is not None:
            fill.set("description", self.described.buffer.data.tobytes())
            entries = [entry for entry in entries or () if entry is not self.described] or None
        fill.list("buffers", Rows(self.stored, self._buffer), model.absent)
        if model.metadata_buffers is not None:
            fill.set("metadata_buffer", _ints(self.buffers[b] for b in model.metadata_buffers))
        if entries is not None:
            fill.set("metadata", [self._metadata(entry) for entry in entries])
        if model.signatures is not None:
            fill.set("signature_defs", [self._signature(entry) for entry in model.signatures])
        fill.set("external_buffer_groups", model.external_buffer_groups)
        fill.set("external_buffers", model.external_buffers)
        return fill.record

    @staticmethod
    def _opcode(entry: OperatorCode) -> Record:
        fill = _Fill("OperatorCode")
        stored = entry.stored or (min(entry.builtin, LARGEST_DEPRECATED), entry.builtin)
        deprecated, builtin = stored
        fill.scalar("deprecated_builtin_code", deprecated)
        fill.text("custom_code", entry.custom_code)
        fill.scalar("version", entry.version)
        fill.scalar("builtin_code", builtin)
        return fill.record

    @staticmethod
    def _buffer(buffer: Buffer) -> Record:
        fill = _Fill("Buffer")
        if buffer.external:
            fill.record.fields["offset"] = PLACEHOLDER_OFFSET
            fill.record.fields["size"] = buffer.size_bytes
        else:
            fill.set("data", buffer.data)
        return fill.record

    def _graph(self, number: int, graph: Graph) -> Record:
        fill, index = _Fill("SubGraph"), self.tensors[number]
        fill.list("tensors", Rows(graph.values, self._tensor), graph.absent)
        fill.list("inputs", _ints(index[value] for value in graph.inputs), graph.absent)
        fill.list("outputs", _ints(index[value] for value in graph.outputs), graph.absent)
        fill.list("operators", Rows(graph.ops, partial(self._op, index=index)), graph.absent)
        fill.text("name", graph.name)
        fill.scalar("debug_metadata_index", graph.debug_metadata_index)
        return fill.record

    def _tensor(self, value: Value) -> Record:
        fill, extra = _Fill("Tensor"), value.extra
        if value.shape or not extra.shape_absent:
            fill.set("shape", _ints(value.shape))
        fill.scalar("type", int(value.dtype))
        fill.scalar("buffer", 0 if value.buffer is None else self.buffers[value.buffer])
        fill.text("name", value.name)
        fill.set("quantization", None if value.quant is None else _quantization(value.quant))
        fill.scalar("is_variable", value.is_variable)
        fill.set("sparsity", extra.sparsity)
        if extra.shape_signature is not None:
            fill.set("shape_signature", _ints(extra.shape_signature))
        fill.scalar("has_rank", extra.has_rank)
        fill.set("variant_tensors", extra.variant_tensors)
        fill.scalar("external_buffer", extra.external_buffer)
        return fill.record

    def _op(self, op: Op, index: dict[Value, int]) -> Record:
        fill, extra = _Fill("Operator"), op.extra
        fill.scalar("opcode_index", self.opcodes[op.opcode])
        inputs = _ints(-1 if value is None else index[value] for value in op.inputs)
        fill.list("inputs", inputs, extra.absent)
        fill.list("outputs", _ints(index[value] for value in op.outputs), extra.absent)
        options = record_from_options(op.options) if isinstance(op.options, Options) else op.options
        tag = extra.options_type
        if options is not None:
            tag = schema().tag("BuiltinOptions", options.table)
        fill.scalar("builtin_options_type", tag)
        fill.set("builtin_options", options)
        fill.set("custom_options", extra.custom_options)
        fill.scalar("custom_options_format", extra.custom_options_format)
        if extra.mutating_variable_inputs is not None:
            flags = np.asarray(extra.mutating_variable_inputs, dtype=np.bool_)
            fill.set("mutating_variable_inputs", flags)
        if extra.intermediates is not None:
            fill.set("intermediates", _ints(index[value] for value in extra.intermediates))
        if extra.large_custom_options is not None:
            fill.record.fields["large_custom_options_offset"] = PLACEHOLDER_OFFSET
            fill.record.fields["large_custom_options_size"] = len(extra.large_custom_options)
        fill.scalar("builtin_options2_type", extra.options2_type)
        fill.set("builtin_options2", extra.options2)
        fill.scalar("debug_metadata_index", extra.debug_metadata_index)
        return fill.record

    def _metadata(self, entry: Metadata) -> Record:
        fill = _Fill("Metadata")
        fill.text("name", entry.name)
        fill.scalar("buffer", self.buffers[entry.buffer])
        return fill.record

    def _signature(self, entry: Signature) -> Record:
        fill = _Fill("SignatureDef")
        number = self.source.graphs.index(entry.graph)
        for name, ports in (("inputs", entry.inputs), ("outputs", entry.outputs)):
            if ports is not None:
                fill.set(name, self._ports(ports, self.tensors[number]))
        fill.text("signature_key", entry.key)
        fill.text("key", entry.old_key)
        fill.scalar("subgraph_index", number)
        return fill.record

    @staticmethod
    def _ports(ports: Sequence[tuple[str | None, Value]], index: dict[Value, int]) -> list[Record]:
        records = []
        for name, value in ports:
            fill = _Fill("TensorMap")
            fill.text("name", name)
            fill.scalar("tensor_index", index[value])
            records.append(fill.record)
        return records


def _quantization(quant: Quantization) -> Record:
    fill = _Fill("QuantizationParameters")
    fill.set("min", quant.min)
    fill.set("max", quant.max)
    fill.set("scale", quant.scale)
    fill.set("zero_point", quant.zero_point)
    fill.scalar("details_type", quant.details_type)
    fill.set("details", quant.details)
    fill.scalar("quantized_dimension", quant.quantized_dimension)
    return fill.record


def external_data(model: Model) -> list[tuple[str, int, Vector]]:
    """What lies behind the FlatBuffer, in file order: (kind, ordinal of its kind, data)."""
    vectors: list[tuple[str, int, Vector]] = [
        ("buffer", index, buffer.data)
        for index, buffer in enumerate(stored_buffers(model))
        if buffer.external and buffer.data is not None
    ]
    for ordinal, op in enumerate(model.ops()):
        if op.extra.large_custom_options is not None:
            vectors.append(("op", ordinal, op.extra.large_custom_options))
    return vectors
