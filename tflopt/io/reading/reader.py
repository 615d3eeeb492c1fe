"""``.tflite`` bytes -> IR. Weights stay views of the file; nothing is interpreted twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import numpy as np

from tflopt.errors import ModelError, UnsupportedError
from tflopt.facts.open_shapes import open_inputs, settle
from tflopt.facts.sound import shortened, unsound
from tflopt.io.described import take_description
from tflopt.io.options import options_from_record
from tflopt.io.reading.c_source import model_in_c_source
from tflopt.io.reading.decode import Decoder
from tflopt.io.reading.fields import Fields
from tflopt.io.reading.foreign import what_it_is
from tflopt.io.schema import IDENTIFIER
from tflopt.ir import (
    Buffer,
    DType,
    Graph,
    Metadata,
    Model,
    Op,
    OperatorCode,
    OpExtra,
    Origin,
    Quantization,
    Signature,
    Value,
    ValueExtra,
)
from tflopt.ir.node import Bytes
from tflopt.ir.quantization import Floats, Longs
from tflopt.ir.verify import flaws
from tflopt.texts import counted

MAX_FILE_BYTES = 1 << 32
"""Largest file that is read; a documented limit."""
MAX_RANK = 64
"""Most dimensions of a tensor; a documented limit (kernels take 8 at most)."""
ZIP_MAGIC = b"PK\x03\x04"
T = TypeVar("T")


def read(source: str | Path | bytes | bytearray) -> Model:
    """Read a model: a ``.tflite`` file, the bytes of one, or C source with one as an array.

    Raises:
        TypeError: ``source`` is neither a path nor bytes.
        ModelError: the file can't be read, or is no valid model; names the place.
        UnsupportedError: the model has something that could not be carried over.
    """
    if isinstance(source, bytes | bytearray):
        return read_bytes(bytes(source))
    try:
        path = Path(source)
    except TypeError:
        kind = type(source).__name__
        raise TypeError(f"read takes the path of a .tflite file or its bytes, not {kind}") from None
    return read_bytes(file_bytes(path), str(path))


def stream_bytes(stream: BinaryIO) -> bytes:
    """The model that a stream has, which may also be an array in C source.

    Raises:
        ModelError: it is too large, or C source with several models.
    """
    data = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ModelError(f"larger than {MAX_FILE_BYTES >> 30} GiB", path="standard input")
    return model_in_c_source(data) or data


def file_bytes(path: Path) -> bytes:
    """The model in a file, which may also be an array in C source.

    Raises:
        ModelError: it is too large, not a regular file (a device or a pipe has no end), can't be
            read, or is C source with several models.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise ModelError("not a regular file", path=str(path))
        if path.is_file() and path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(f"larger than {MAX_FILE_BYTES >> 30} GiB", path=str(path))
        data = path.read_bytes()
        return model_in_c_source(data) or data
    except ModelError as error:
        error.path = str(path)
        raise
    except OSError as error:
        raise ModelError(error.strerror or str(error), path=str(path)) from error


def read_bytes(data: bytes, path: str = "", *, checks_kernels: bool = True) -> Model:
    """Read a model from memory.

    Args:
        data: the file.
        path: what messages call it.
        checks_kernels: also refuse what would crash a kernel (:mod:`tflopt.facts.sound`); False
            for a file that is carried as it is and never run.

    Raises:
        ModelError, UnsupportedError: as :func:`read`.
    """
    try:
        if data[4:8] != IDENTIFIER and (kind := what_it_is(data, path)) is not None:
            raise ModelError(f"is {kind}")
        model = _Reader(data).model()
        for flaw in flaws(model):
            raise ModelError(shortened(flaw.reason), flaw.where)
        if checks_kernels:
            settle(model)
        for flaw in unsound(model) if checks_kernels else ():
            raise ModelError("; ".join([flaw.reason, *_what_to_fix(model)]), flaw.where)
    except (ModelError, UnsupportedError) as error:
        error.path = path
        raise
    model.path = path
    model.source_bytes = len(data)
    return model


def _what_to_fix(model: Model) -> list[str]:
    """Where shapes don't fit each other because the model leaves dimensions open."""
    return [f"{told}: convert with a fixed shape" for told in open_inputs(model)]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.decoder = Decoder(data)
        self.root = Fields(self.decoder.root(), "")
        self.end = self.decoder.end
        self.quantizations: dict[tuple[object, ...], Quantization] = {}
        """By all that the file says of them: tensors mostly share a few."""

    def model(self) -> Model:
        root = self.root
        model = Model(version=root.number("version"), description=root.text("description"))
        model.absent = root.absent("operator_codes", "subgraphs", "buffers")
        model.opcodes = [self._opcode(fields) for fields in root.entries("operator_codes")]
        model.buffers = [self._buffer(fields) for fields in root.entries("buffers")]
        for fields in root.entries("subgraphs"):
            self._graph(model, fields)
        if not model.graphs:
            raise ModelError("the model has no subgraph")
        model.metadata = self._optional("metadata", lambda f: self._metadata(model, f))
        model.metadata_buffers = self._metadata_buffers(model)
        model.signatures = self._optional("signature_defs", lambda f: self._signature(model, f))
        model.external_buffer_groups = root.children("external_buffer_groups")
        model.external_buffers = root.children("external_buffers")
        model.trailing = self._trailing()
        take_description(model)
        return model

    def _optional(self, name: str, build: Callable[[Fields], T]) -> list[T] | None:
        if self.root.children(name) is None:
            return None
        return [build(fields) for fields in self.root.entries(name)]

    @staticmethod
    def _opcode(fields: Fields) -> OperatorCode:
        stored = fields.number("deprecated_builtin_code"), fields.number("builtin_code")
        return OperatorCode(
            builtin=max(stored),
            custom_code=fields.text("custom_code"),
            version=fields.number("version", 1),
            stored=stored,
        )

    def _outside(self, offset: int, size: int, where: str) -> Bytes:
        if offset + size > len(self.data):
            raise ModelError(f"data at {offset:,} + {size:,} lies outside of the file", where)
        self.decoder.charge(size, where)
        self.end = max(self.end, offset + size)
        return np.frombuffer(self.data, np.uint8, size, offset)

    def _buffer(self, fields: Fields) -> Buffer:
        data = cast("Bytes | None", fields.vector("data"))
        offset, size = fields.number("offset"), fields.number("size")
        if offset == 0 and size == 0:
            return Buffer(data)
        if data is not None or offset <= 1:
            raise ModelError(
                f"has both data and the offset {offset:,} of {size:,} bytes", fields.where
            )
        return Buffer(self._outside(offset, size, fields.where), external=True)

    def _graph(self, model: Model, fields: Fields) -> None:
        graph = Graph(model, fields.text("name"))
        number = len(model.graphs)
        model.graphs.append(graph)
        fields.where += "."
        graph.debug_metadata_index = fields.number("debug_metadata_index", -1)
        graph.absent = fields.absent("tensors", "inputs", "outputs", "operators")
        tensors = []
        for index, tensor in enumerate(fields.entries("tensors")):
            value = graph.add_value(self._value(graph, tensor))
            value.origin = Origin(number, index)
            tensors.append(value)
        for name, ports in (("inputs", graph.inputs), ("outputs", graph.outputs)):
            for index in fields.ints(name):
                ports.append(self._tensor(tensors, index, f"{fields.where}{name}"))
        for op in fields.entries("operators"):
            self._op(graph, tensors, op)

    @staticmethod
    def _tensor(tensors: list[Value], index: int, where: str) -> Value:
        if not 0 <= index < len(tensors):
            raise ModelError(
                f"tensor index {index}, and the graph has {counted(len(tensors), 'tensor')}", where
            )
        return tensors[index]

    def _value(self, graph: Graph, fields: Fields) -> Value:
        code = fields.number("type")
        if code not in DType.__members__.values():
            raise UnsupportedError(f"unknown tensor type {code}", fields.where)
        shape = fields.ints("shape")
        if len(shape) > MAX_RANK:
            raise UnsupportedError(
                f"{counted(len(shape), 'dimension')}, at most {MAX_RANK}", fields.where
            )
        value = Value(graph, DType(code), shape, name=fields.text("name"))
        value.buffer = self._indexed_buffer(graph.model, fields.number("buffer"), fields.where)
        value.is_variable = fields.flag("is_variable")
        value.quant = self._quantization(fields)
        signature = fields.vector("shape_signature")
        variants = fields.children("variant_tensors")
        value.extra = ValueExtra(
            shape_absent="shape" not in fields.record.fields,
            shape_signature=None if signature is None else fields.ints("shape_signature"),
            has_rank=fields.flag("has_rank"),
            sparsity=fields.child("sparsity"),
            variant_tensors=variants,
            external_buffer=fields.number("external_buffer"),
        )
        return value

    @staticmethod
    def _indexed_buffer(model: Model, index: int, where: str) -> Buffer | None:
        if index == 0 and not model.buffers:
            return None
        if index >= len(model.buffers):
            raise ModelError(
                f"buffer index {index}, and the model has {counted(len(model.buffers), 'buffer')}",
                where,
            )
        return model.buffers[index]

    def _quantization(self, tensor: Fields) -> Quantization | None:
        record = tensor.child("quantization")
        if record is None:
            return None
        fields = Fields(record, f"{tensor.where}.quantization")
        quantization = Quantization(
            scale=cast("Floats | None", fields.vector("scale")),
            zero_point=cast("Longs | None", fields.vector("zero_point")),
            quantized_dimension=fields.number("quantized_dimension"),
            min=cast("Floats | None", fields.vector("min")),
            max=cast("Floats | None", fields.vector("max")),
            details=fields.child("details"),
            details_type=fields.number("details_type"),
        )
        return self.quantizations.setdefault(quantization.content, quantization)

    def _op(self, graph: Graph, tensors: list[Value], fields: Fields) -> None:
        codes = graph.model.opcodes
        index = fields.number("opcode_index")
        if index >= len(codes):
            raise ModelError(f"opcode index {index}, but there are {len(codes)}", fields.where)
        op = Op(graph, codes[index], options_from_record(fields.child("builtin_options")))
        op.extra = self._extra(tensors, fields)
        where = f"{fields.where} ({op.opcode.label}) input"
        op.set_inputs(
            None if i == -1 else self._tensor(tensors, i, where) for i in fields.ints("inputs")
        )
        where = f"{fields.where} ({op.opcode.label}) output"
        outputs = [self._tensor(tensors, i, where) for i in fields.ints("outputs")]
        for value in outputs:
            if value.producer is not None:
                raise ModelError(f"tensor {value.name!r} is produced twice", where)
        if len(set(outputs)) != len(outputs):
            raise ModelError("produces the same tensor twice", where)
        op.set_outputs(outputs)
        graph.insert(op)

    def _extra(self, tensors: list[Value], fields: Fields) -> OpExtra:
        extra = OpExtra(
            options_type=fields.number("builtin_options_type"),
            options2=fields.child("builtin_options2"),
            options2_type=fields.number("builtin_options2_type"),
            custom_options=cast("Bytes | None", fields.vector("custom_options")),
            custom_options_format=fields.number("custom_options_format"),
            debug_metadata_index=fields.number("debug_metadata_index", -1),
            absent=fields.absent("inputs", "outputs"),
        )
        if fields.vector("mutating_variable_inputs") is not None:
            extra.mutating_variable_inputs = tuple(
                bool(flag) for flag in fields.ints("mutating_variable_inputs")
            )
        if fields.vector("intermediates") is not None:
            extra.intermediates = tuple(
                self._tensor(tensors, index, f"{fields.where} intermediates")
                for index in fields.ints("intermediates")
            )
        offset, size = (fields.number(f"large_custom_options_{x}") for x in ("offset", "size"))
        if offset > 1:
            extra.large_custom_options = self._outside(offset, size, fields.where)
        elif offset or size:
            raise ModelError("large_custom_options without data", fields.where)
        return extra

    def _metadata(self, model: Model, fields: Fields) -> Metadata:
        buffer = self._indexed_buffer(model, fields.number("buffer"), fields.where)
        if buffer is None:
            raise ModelError("metadata without buffers", fields.where)
        return Metadata(fields.text("name"), buffer)

    def _metadata_buffers(self, model: Model) -> list[Buffer] | None:
        if self.root.vector("metadata_buffer") is None:
            return None
        buffers = []
        for index in self.root.ints("metadata_buffer"):
            if not 0 <= index < len(model.buffers):
                raise ModelError(f"buffer index {index} is out of range", "metadata_buffer")
            buffers.append(model.buffers[index])
        return buffers

    def _signature(self, model: Model, fields: Fields) -> Signature:
        index = fields.number("subgraph_index")
        if index >= len(model.graphs):
            raise ModelError(f"subgraph index {index} is out of range", fields.where)
        graph = model.graphs[index]
        return Signature(
            graph,
            fields.text("signature_key"),
            self._signature_ports(graph, fields, "inputs"),
            self._signature_ports(graph, fields, "outputs"),
            old_key=fields.text("key"),
        )

    def _signature_ports(
        self, graph: Graph, fields: Fields, name: str
    ) -> list[tuple[str | None, Value]] | None:
        if fields.children(name) is None:
            return None
        tensors = list(graph.values)
        return [
            (entry.text("name"), self._tensor(tensors, entry.number("tensor_index"), fields.where))
            for entry in fields.entries(name)
        ]

    def _trailing(self) -> Bytes | None:
        rest = self.data[self.end :]
        start = rest.find(ZIP_MAGIC)
        if start < 0 or any(rest[:start]):
            return None
        return np.frombuffer(self.data, np.uint8, offset=self.end + start)
