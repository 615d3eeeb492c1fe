"""Models that set every field of every table, built with the object API of ai-edge-litert.

Tables that the IR does not look into are filled from the schema; those that it does (tensors,
operators, buffers, signatures) are put together so that their indices make sense.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import TypeAlias

import flatbuffers
import numpy as np

from tests.support.objects import object_api
from tflopt.io import read_bytes
from tflopt.io.schema import IDENTIFIER, NUMPY, Slot, schema
from tflopt.ir import DType

Table: TypeAlias = SimpleNamespace
"""Stands for the untyped classes of the object API."""

carried = partial(read_bytes, checks_kernels=False)
"""Reads a model that no kernel could run: its operators have operands of any number and shape."""
FLOATS = (0.5, -0.0, -3.25, 1e-30, float("inf"), float("nan"), 1.0)
INTEGER_RANGES = {
    "int8": (-128, 127),
    "uint8": (0, 255),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
SIZED = [dtype for dtype in DType if dtype.bits is not None]
RETIRED = {("ResizeBilinearOptions", "new_width"), ("ResizeBilinearOptions", "new_height")}
"""Slots that old files set and the object API no longer knows; tested with a raw builder."""


@dataclass(frozen=True)
class Fill:
    """How fields are set.

    ``full`` gives every field a value unlike its default, ``empty`` makes every vector and
    string empty, ``absent`` leaves out whatever can be left out.
    """

    rng: np.random.Generator
    mode: str

    def table(self, name: str, skip: frozenset[str] = frozenset()) -> Table:
        """An object of the table with every field set."""
        target: Table = getattr(object_api(), f"{name}T")()
        attributes = {key.lower(): key for key in vars(target)}
        for slot in schema().tables[name]:
            if slot is None or slot.name in skip or (name, slot.name) in RETIRED:
                continue
            is_tag = slot.name.endswith("_type") and slot.name.removesuffix("_type") in {
                other.name
                for other in schema().tables[name]
                if other is not None and other.kind == "union"
            }
            if is_tag:
                continue
            attribute = attributes[slot.name.replace("_", "")]
            if slot.kind == "union":
                self.union(target, attribute, slot)
            else:
                setattr(target, attribute, self.value(slot))
        return target

    def union(self, target: Table, attribute: str, slot: Slot, tag: int | None = None) -> None:
        """One member of a union, at random unless ``tag`` is given."""
        if self.mode == "absent" and tag is None:
            return
        members = schema().unions[slot.type]
        tag = int(self.rng.choice(sorted(members))) if tag is None else tag
        setattr(target, f"{attribute}Type", tag)
        setattr(target, attribute, self.table(members[tag]))

    def value(self, slot: Slot) -> object:
        """A value for a field."""
        if slot.kind == "scalar":
            return slot.default if self.mode == "absent" else self.scalar(slot.type, slot.default)
        if self.mode == "absent":
            return None
        count = 0 if self.mode == "empty" else int(self.rng.integers(1, 4))
        if slot.kind == "string":
            return self.text(count)
        if slot.kind == "vector":
            return np.array([self.scalar(slot.type) for _ in range(count)], dtype=NUMPY[slot.type])
        if slot.kind == "tables":
            return [self.table(slot.type) for _ in range(count)]
        return self.table(slot.type)

    def scalar(self, kind: str, default: bool | int | float | None = None) -> bool | int | float:
        """A number of a type, unlike ``default``."""
        if kind == "bool":
            return not default if default is not None else bool(self.rng.integers(2))
        if kind.startswith("float"):
            number = float(self.rng.choice(FLOATS))
            return float(np.float32(number))
        low, high = INTEGER_RANGES[kind]
        pool = [low, high, 1, 2, 3, int(self.rng.integers(0, 100))]
        return next(int(n) for n in self.rng.permutation(np.array(pool, object)) if n != default)

    def text(self, count: int) -> bytes:
        """A string, with bytes that are not UTF-8 and an inner zero among them."""
        alphabet = (b"a", b"\xff\xfe", "\N{SNOWMAN}".encode(), b"\0", b"b\n")
        return b"".join(alphabet[int(i)] for i in self.rng.integers(0, len(alphabet), count))


class Everything:
    """One model with every table. ``seed`` decides all values."""

    def __init__(self, seed: int, mode: str = "full") -> None:
        self.fill = Fill(np.random.default_rng(seed), mode)
        self.mode = mode
        self.api = object_api()
        self.behind: list[tuple[Table, str, bytes]] = []

    def build(self) -> bytes:
        """The file."""
        model = self.fill.table(
            "Model",
            frozenset(
                {
                    "subgraphs",
                    "buffers",
                    "metadata",
                    "metadata_buffer",
                    "signature_defs",
                    "operator_codes",
                }
            ),
        )
        model.operatorCodes = self._opcodes()
        model.buffers = self._buffers()
        model.subgraphs = [self._graph(0), self._graph(1), self._bare()]
        self._model_extras(model)
        return self._pack(model)

    def _model_extras(self, model: Table) -> None:
        if self.mode == "absent":
            return
        names = [b"min_runtime_version", b"\xff", b"twice", b"twice"]
        entries = []
        for number, name in enumerate(names):
            entry = self.api.MetadataT()
            entry.name, entry.buffer = name, (1, 2, 2, 0)[number]
            entries.append(entry)
        entries.append(self.api.MetadataT())
        empty = self.mode == "empty"
        model.metadata = [] if empty else entries
        indices = [] if empty else [1, 2, 2]
        model.metadataBuffer = np.array(indices, np.int32)
        signatures = (
            [] if empty else [self._signature(0), self._signature(1), self.api.SignatureDefT()]
        )
        model.signatureDefs = signatures

    def _signature(self, graph: int) -> Table:
        signature: Table = self.api.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = self.fill.text(2), graph
        for ports in ("inputs", "outputs"):
            entries = []
            for index in (0, 3, 3):
                entry = self.api.TensorMapT()
                entry.name = None if index == 0 else self.fill.text(3)
                entry.tensorIndex = index
                entries.append(entry)
            setattr(signature, ports, entries if graph == 0 else [])
        return signature

    def _opcodes(self) -> list[Table]:
        entries = []
        for deprecated, builtin, version, custom in (
            (3, 3, 1, None),
            (3, 3, 5, None),
            (127, 150, 2, None),
            (22, 0, 1, None),
            (0, 22, 1, None),
            (5, 3, -1, None),
            (32, 32, 1, b"one"),
            (32, 32, 2, b"one"),
            (32, 0, 1, b"\xff\xfe"),
            (32, 32, 1, b""),
            (0, 9999, 1, None),
            (-5, 0, 1, None),
        ):
            entry = self.api.OperatorCodeT()
            entry.deprecatedBuiltinCode, entry.builtinCode = deprecated, builtin
            entry.version, entry.customCode = version, custom
            entries.append(entry)
        return entries

    def _buffers(self) -> list[Table]:
        """Absent, empty, metadata, one of 64 elements for each type, then one behind the file."""
        contents: list[bytes | None] = [None, b"", b"meta\0data"]
        sizes = [dtype.size_bytes(6) or 0 for dtype in SIZED]
        contents += [self.fill.rng.bytes(size) for size in sizes]
        buffers = []
        for content in contents:
            buffer = self.api.BufferT()
            buffer.data = None if content is None else np.frombuffer(content, np.uint8)
            buffers.append(buffer)
        if self.mode == "full":
            far = self.api.BufferT()
            self.behind.append((far, "offset", self.fill.rng.bytes(6)))
            far.size = 6
            buffers.append(far)
        return buffers

    def _graph(self, number: int) -> Table:
        graph: Table = self.api.SubGraphT()
        constants = [self._constant(i, dtype) for i, dtype in enumerate(SIZED)]
        odd = [self._plain_tensor(dtype) for dtype in DType]
        if self.mode == "full":
            last = self._plain_tensor(DType.INT8, (2, 3))
            last.buffer = 3 + len(SIZED)
            odd.append(last)
        graph.tensors = [*constants, *odd]
        first = len(constants)
        graph.inputs = np.array([first, first + 1, 0], np.int32)
        graph.operators = self._operators(graph.tensors, first)
        graph.outputs = np.array([len(graph.tensors) - 1, first, first], np.int32)
        if self.mode != "absent":
            graph.name = self.fill.text(3 * (self.mode == "full"))
            graph.debugMetadataIndex = 7 + number
        return graph

    def _bare(self) -> Table:
        """A graph whose vectors are all left out, or all empty."""
        graph: Table = self.api.SubGraphT()
        if self.mode == "empty":
            graph.tensors, graph.operators = [], []
            graph.inputs = graph.outputs = np.array([], np.int32)
        return graph

    def _constant(self, index: int, dtype: DType) -> Table:
        tensor = self._plain_tensor(dtype, (1, 2, 3))
        tensor.buffer = 3 + index
        tensor.isVariable = False
        return tensor

    def _plain_tensor(self, dtype: DType, shape: tuple[int, ...] | None = None) -> Table:
        skip = {"type", "buffer", "shape", "sparsity", "quantization"}
        tensor = self.fill.table("Tensor", frozenset(skip))
        if shape is not None:
            tensor.sparsity = None
        elif self.mode != "absent":
            tensor.sparsity = self.fill.table("SparsityParameters")
            shape = () if self.mode == "empty" else (1, int(dtype), 0)
        if self.mode != "absent":
            tensor.quantization = self.fill.table("QuantizationParameters")
        tensor.type, tensor.buffer = int(dtype), 0
        if shape is not None:
            tensor.shape = np.array(shape, np.int32)
        return tensor

    def _operators(self, tensors: list[Table], first: int) -> list[Table]:
        """One for each member of both unions of options, then some without."""
        slots = [slot for slot in schema().tables["Operator"] if slot is not None]
        unions = {slot.name: slot for slot in slots if slot.kind == "union"}
        jobs: list[tuple[str, int]] = [("", 0)] * 3
        for name, slot in unions.items():
            jobs += [(name, tag) for tag in sorted(schema().unions[slot.type])]
        operators = []
        for number, (name, tag) in enumerate(jobs):
            skip = {"opcode_index", "inputs", "outputs", "intermediates", *unions}
            skip |= {f"{union}_type" for union in unions}
            skip |= {"large_custom_options_offset", "large_custom_options_size"}
            operator = self.fill.table("Operator", frozenset(skip))
            operator.opcodeIndex = number % 12
            if name:
                attribute = {
                    "builtin_options": "builtinOptions",
                    "builtin_options2": "builtinOptions2",
                }
                self.fill.union(operator, attribute[name], unions[name], tag)
            if number % 5 == 0 and self.mode == "full":
                size = 1 + number % 7
                self.behind.append(
                    (operator, "largeCustomOptionsOffset", self.fill.rng.bytes(size))
                )
                operator.largeCustomOptionsSize = size
            self._link(operator, number, tensors, first)
            operators.append(operator)
        return operators

    def _link(self, operator: Table, number: int, tensors: list[Table], first: int) -> None:
        if self.mode == "absent":
            return
        if self.mode == "empty":
            inputs, outputs, inner = [], [], []
        else:
            made = self._plain_tensor(DType.INT8)
            tensors.append(made)
            inputs, inner = [-1, number % first, len(tensors) - 2, -1], [0, first]
            outputs = [len(tensors) - 1]
            made.isVariable, made.externalBuffer = False, 0
            if len(tensors) - 2 < 0 or number == 0:
                inputs[2] = first
        operator.inputs = np.array(inputs, np.int32)
        operator.outputs = np.array(outputs, np.int32)
        operator.intermediates = np.array(inner, np.int32)

    def _pack(self, model: Table) -> bytes:
        """Twice: the first time to learn where the FlatBuffer ends."""
        for owner, attribute, _ in self.behind:
            setattr(owner, attribute, 1 << 20)
        end = len(pack(model))
        tail = b""
        for owner, attribute, data in self.behind:
            setattr(owner, attribute, end + len(tail))
            tail += data
        return pack(model) + tail


class SizedBuilder(flatbuffers.Builder):  # type: ignore[misc]
    """Tables of unlike sizes never share a vtable, as they do before flatbuffers 25.12.19."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.by_size: dict[int, dict[object, int]] = {}

    def WriteVtable(self) -> int:
        self.vtables = self.by_size.setdefault(self.Offset() - self.objectEnd, {})
        return int(super().WriteVtable())


def pack(model: Table) -> bytes:
    """A ``ModelT`` as a file."""
    builder = SizedBuilder(1 << 16)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def archive() -> bytes:
    """A ZIP archive, as metadata tools append it to a model."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("labels.txt", "yes\nno\n")
    return stream.getvalue()
