"""Broken and hostile model files, each with what the message must say."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import flatbuffers
import numpy as np

from tests.support.everything import Table, pack
from tests.support.objects import object_api
from tflopt.io import write_bytes
from tflopt.io.schema import IDENTIFIER
from tflopt.ir import DType
from tflopt.ir.builder import Builder
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import AddOptions, ReshapeOptions

Edit = Callable[[Table], object]


@dataclass(frozen=True)
class Broken:
    """A file, and a pattern of the reason."""

    name: str
    data: bytes
    reason: str


@cache
def small_model() -> bytes:
    """Two operators, a constant, a signature: something to break."""
    b = Builder()
    x = b.input((1, 4), quant=(0.5, -3))
    weights = b.constant(np.ones((1, 4)), DType.INT8, quant=(0.5, 0), name="weights")
    y = b.op(OpCode.ADD, [x, weights], (1, 4), options=AddOptions())
    shape = b.constant([2, 2])
    b.output(b.op(OpCode.RESHAPE, [y, shape], (2, 2), options=ReshapeOptions((2, 2))))
    return write_bytes(b.model)


def edited(edit: Edit) -> bytes:
    """The small model after an edit of its objects."""
    model = object_api().ModelT.InitFromPackedBuf(small_model(), 0)
    edit(model)
    return pack(model)


def _set(attribute: str, value: object, *path: str | int) -> Edit:
    def edit(model: Table) -> None:
        target: object = model
        for step in path:
            target = target[step] if isinstance(step, int) else getattr(target, step)  # type: ignore[index]
        setattr(target, attribute, value)

    return edit


def _ints(*values: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    return np.array(values, np.int32)


def _signature(index: int, graph: int = 0) -> Edit:
    def edit(model: Table) -> None:
        entry, signature = object_api().TensorMapT(), object_api().SignatureDefT()
        entry.tensorIndex, signature.subgraphIndex = index, graph
        signature.inputs = [entry]
        model.signatureDefs = [signature]

    return edit


def _swap(model: Table) -> None:
    model.subgraphs[0].operators.reverse()


def _cycle(model: Table) -> None:
    first, second = model.subgraphs[0].operators
    first.inputs = _ints(second.outputs[0], 1)


def _twice(model: Table) -> None:
    first, second = model.subgraphs[0].operators
    second.outputs = first.outputs


def _metadata(model: Table) -> None:
    model.metadata = [object_api().MetadataT()]
    model.metadata[0].buffer = 77


GRAPH: tuple[str | int, ...] = ("subgraphs", 0)
TENSOR: tuple[str | int, ...] = (*GRAPH, "tensors")
OPERATOR: tuple[str | int, ...] = (*GRAPH, "operators", 0)
EDITS: dict[str, tuple[Edit, str]] = {
    "operator input": (_set("inputs", _ints(0, 99), *OPERATOR), "tensor index 99"),
    "operator input -2": (_set("inputs", _ints(0, -2), *OPERATOR), "tensor index -2"),
    "operator output": (_set("outputs", _ints(99), *OPERATOR), "tensor index 99"),
    "operator output -1": (_set("outputs", _ints(-1), *OPERATOR), "tensor index -1"),
    "intermediate": (_set("intermediates", _ints(99), *OPERATOR), "tensor index 99"),
    "graph input": (_set("inputs", _ints(99), *GRAPH), "tensor index 99"),
    "graph input -1": (_set("inputs", _ints(-1), *GRAPH), "tensor index -1"),
    "graph output": (_set("outputs", _ints(99), *GRAPH), "tensor index 99"),
    "signature tensor": (_signature(99), "tensor index 99"),
    "signature graph": (_signature(0, 5), "subgraph index 5"),
    "tensor buffer": (_set("buffer", 77, *TENSOR, 0), "buffer index 77"),
    "metadata buffer": (_metadata, "buffer index 77"),
    "metadata_buffer": (_set("metadataBuffer", _ints(77)), "buffer index 77"),
    "metadata_buffer -1": (_set("metadataBuffer", _ints(-1)), "buffer index -1"),
    "opcode": (_set("opcodeIndex", 9, *OPERATOR), "opcode index 9"),
    "negative dimension": (_set("shape", _ints(1, -4), *TENSOR, 0), "negative dimension"),
    "too few elements": (_set("shape", _ints(1, 2), *TENSOR, 1), "needs 2 bytes.* has 4"),
    "too many elements": (_set("shape", _ints(1, 5), *TENSOR, 1), "needs 5 bytes.* has 4"),
    "huge shape": (_set("shape", _ints(*[2**31 - 1] * 9), *TENSOR, 1), "needs .* bytes"),
    "huge rank": (_set("shape", _ints(*[2**31 - 1] * 9000), *TENSOR, 1), "9,000 dimensions"),
    "wrong type": (_set("type", int(DType.INT16), *TENSOR, 1), "needs 8 bytes.* has 4"),
    "unknown type": (_set("type", 99, *TENSOR, 0), "unknown tensor type 99"),
    "negative type": (_set("type", -1, *TENSOR, 0), "unknown tensor type -1"),
    "unknown options": (_set("builtinOptionsType", 250, *OPERATOR), "BuiltinOptions 250"),
    "options without tag": (_set("builtinOptionsType", 0, *OPERATOR), "BuiltinOptions 0"),
    "order": (_swap, "before it is produced"),
    "cycle": (_cycle, "before it is produced"),
    "produced twice": (_twice, "produced twice"),
    "produced twice by one": (
        _set("outputs", _ints(3, 3), *GRAPH, "operators", 1),
        "the same tensor twice",
    ),
    "produced constant": (_set("outputs", _ints(1), *OPERATOR), "constant, yet ADD produces"),
    "no subgraph": (_set("subgraphs", None), "no subgraph"),
    "far buffer": (_set("offset", 1 << 40, "buffers", 0), "both data and|outside of the file"),
    "far options": (_set("largeCustomOptionsOffset", 1 << 40, *OPERATOR), "outside of the file"),
}


def _table(builder: flatbuffers.Builder, slots: dict[int, int]) -> int:
    builder.StartObject(max(slots, default=-1) + 1)
    for slot, target in slots.items():
        builder.PrependUOffsetTRelativeSlot(slot, target, 0)
    return int(builder.EndObject())


def _vector(builder: flatbuffers.Builder, tables: list[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())


def _finish(builder: flatbuffers.Builder, model: dict[int, int]) -> bytes:
    builder.Finish(_table(builder, model), IDENTIFIER)
    return bytes(builder.Output())


def many_references(count: int, leaf: str) -> bytes:
    """``count`` graphs that are one graph, with ``count`` tensors that are one tensor."""
    builder = flatbuffers.Builder(1 << 16)
    slots = {}
    if leaf == "shape":
        slots = {0: builder.CreateNumpyVector(np.zeros(64, np.int32))}
    elif leaf == "name":
        slots = {3: builder.CreateString("x" * 100_000)}
    tensor = _table(builder, slots)
    graph = _table(builder, {0: _vector(builder, [tensor] * count)})
    graphs = [graph] if leaf == "name" else [graph] * count
    return _finish(builder, {2: _vector(builder, graphs)})


def shared_data(count: int) -> bytes:
    """``count`` buffers with one vector of 1 MB: harmless to read, huge to write."""
    builder = flatbuffers.Builder(1 << 16)
    data = builder.CreateNumpyVector(np.zeros(1 << 20, np.uint8))
    buffer = _table(builder, {0: data})
    graphs = _vector(builder, [_table(builder, {})])
    return _finish(builder, {2: graphs, 4: _vector(builder, [buffer] * count)})


def long_vtable(count: int) -> bytes:
    """``count`` tables that share a vtable of the largest size with all slots absent."""
    data = bytearray(struct.pack("<I", 24) + IDENTIFIER)
    data += struct.pack("<HHHHH", 10, 8, 0, 0, 4) + bytes(6)  # the model's vtable, at 8
    data += struct.pack("<iI", 24 - 8, 4)  # the model's table, at 24, then its subgraphs
    tables = len(data) + 4 + 4 * count
    data += struct.pack("<I", count)
    data += b"".join(struct.pack("<I", tables - (len(data) + 4 * i) + 4 * i) for i in range(count))
    vtable = tables + 4 * count
    data += b"".join(struct.pack("<i", tables + 4 * i - vtable) for i in range(count))
    return bytes(data + struct.pack("<HH", 65534, 4) + bytes(65530))


def raw_cases() -> dict[str, tuple[bytes, str]]:
    """Files that no library writes."""
    good = small_model()
    noise = np.random.default_rng(3).bytes(5000)
    root = struct.unpack_from("<I", good, 0)[0]
    loop = bytearray(good)
    struct.pack_into("<i", loop, root, 0)  # the table is its own vtable
    back = bytearray(good)
    struct.pack_into("<i", back, root, -(1 << 30))
    builder = flatbuffers.Builder(64)
    unknown = _finish(builder, {40: builder.CreateString("new")})
    count = bytearray(_finish(b2 := flatbuffers.Builder(64), {3: b2.CreateString("d")}))
    at = bytes(count).index(b"\x01\0\0\0d")
    struct.pack_into("<I", count, at, 0xFFFFFFFF)
    return {
        "empty": (b"", "the file is empty"),
        "4 bytes": (good[:4], "too few"),
        "identifier": (good[:4] + b"TFL9" + good[8:], "not a .tflite file"),
        "noise": (noise, "not a .tflite file"),
        "noise behind a good header": (good[:8] + noise, "outside|vtable|slot|field|zero"),
        "root outside": (struct.pack("<I", 1 << 31) + good[4:], "outside of the file"),
        "root at zero": (bytes(4) + good[4:], "zero"),
        "table is its own vtable": (bytes(loop), "vtable|outside|slot"),
        "vtable outside": (bytes(back), "outside of the file"),
        "unknown field": (unknown, "slot 40 that the schema .* does not know"),
        "huge vector": (bytes(count), "outside of the file"),
        "many tables": (many_references(3000, "none"), "more tables|more than a file"),
        "many shapes": (many_references(1500, "shape"), "more (tables|shapes)|more than a file"),
        "many names": (many_references(3000, "name"), "more often"),
        "many buffers": (shared_data(3000), "more often"),
    }


@cache
def broken_models() -> list[Broken]:
    """All of them."""
    edits = [Broken(name, edited(edit), reason) for name, (edit, reason) in EDITS.items()]
    raw = [Broken(name, data, reason) for name, (data, reason) in raw_cases().items()]
    return [*raw, *edits]
