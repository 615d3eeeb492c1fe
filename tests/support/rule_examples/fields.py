"""Examples: what of the file no kernel reads, shared buffers, and memory plans.

The text of a graph shows none of it, so these are shown as fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tests.support.graphs import QUANT
from tests.support.kit import Kit
from tests.support.rule_examples.example import TFLM, example
from tflopt.config import Runtime, Tiling
from tflopt.ir import Buffer, DType, Metadata, Model, OpCode, Quantization, Value
from tflopt.ir.options import (
    AssignVariableOptions,
    CallOnceOptions,
    ReadVariableOptions,
    VarHandleOptions,
)
from tflopt.plan.describe import read_plan
from tflopt.rules.flash.strip_unread_quantization import StripUnreadQuantization
from tflopt.rules.tiling.tile_layers import TileLayers
from tflopt.target.device import Device
from tflopt.target.memory import memory_of

PLAN = "OfflineMemoryAllocation"


def fields(model: Model) -> str:
    """What a file says beyond the graph, a line for each thing."""
    return "\n".join([*_texts(model), *_tensors(model)])


def _texts(model: Model) -> Iterator[str]:
    if model.description:
        yield f"description {model.description!r}"
    for number, graph in enumerate(model.graphs):
        if graph.name:
            yield f"subgraph {number} {graph.name!r}"
    for entry in model.metadata or ():
        yield f"metadata {entry.name!r}"


def _tensors(model: Model) -> Iterator[str]:
    numbers = {id(buffer): number for number, buffer in enumerate(model.buffers)}
    for number, value in enumerate(model.main.values):
        words = [f"tensor {number}", *([repr(value.name)] if value.name else [])]
        if value.quant is not None and value.quant.scale is not None:
            points = [] if value.quant.zero_point is None else value.quant.zero_point.tolist()
            words.append(f"scale {[float(f'{s:.3g}') for s in value.quant.scale]}")
            words.append(f"zero_point {points}")
        if value.quant is not None and value.quant.min is not None:
            words.append(f"min {value.quant.min.tolist()}")
        if value.extra.shape_signature is not None:
            words.append(f"shape_signature {list(value.extra.shape_signature)}")
        if value.is_constant:
            words.append(f"buffer {numbers[id(value.buffer)]}")
        yield " ".join(words)


def memory(model: Model) -> str:
    """The head of the arena, and the offsets that a plan gives."""
    head = memory_of(model, Device()).arena.head_bytes
    plan = read_plan(model)
    offsets = [] if plan is None else [offset for offset in plan if offset >= 0]
    return f"head {head} bytes\noffsets {offsets or 'left to the runtime'}"


@example(show=fields)
def strip_names(n: Kit) -> Value:
    x = n.relu(n.feed(1, 8))
    x.name = "model/block_1/activation/Relu;model/block_1/add"
    return n.softmax(x)


@example(show=fields)
def strip_texts(n: Kit) -> Value:
    n.model.description = "MLIR Converted."
    n.graph.name = "main"
    return n.relu(n.feed(1, 8))


@example(show=fields)
def strip_metadata(n: Kit) -> Value:
    _metadata(n, "min_runtime_version", "CONVERSION_METADATA")
    return n.relu(n.feed(1, 8))


@example(show=fields)
def strip_ranges(n: Kit) -> Value:
    x = n.feed(1, 8)
    assert x.quant is not None
    x.quant = replace(x.quant, min=np.array([-6.5], np.float32), max=np.array([6.2], np.float32))
    return n.relu(x)


@example(
    StripUnreadQuantization(Runtime.TFLM),
    show=fields,
    note="With `--runtime both` the biases of int8 layers keep theirs.",
)
def strip_unread_quantization(n: Kit) -> Value:
    return n.conv2d(n.feed(1, 4, 4, 3), 2, (1, 1))


@example(show=fields)
def share_bias_scales(n: Kit) -> Value:
    return n.conv2d(n.feed(1, 4, 4, 3), 2, (1, 1))


@example(runners=TFLM, show=fields, note="Only with `--runtime tflm`: LiteRT refuses the file.")
def share_zero_points(n: Kit) -> Value:
    return n.conv2d(n.feed(1, 4, 4, 3), 4, (1, 1))


@example(runners=TFLM, note="Only with `--runtime tflm`: LiteRT doesn't run the file.")
def drop_initialization(n: Kit) -> Value:
    n.ops(OpCode.CALL_ONCE, [], [], CallOnceOptions(1))
    state = _handle(n)
    old = n.op(OpCode.READ_VARIABLE, [state], (1, 2, 3), options=ReadVariableOptions())
    old.dtype, old.quant = DType.INT8, Quantization.per_tensor(*QUANT)
    both = n.concat(old, n.feed(1, 1, 3), axis=1)
    _assign(n, state, n.slice(both, (0, 1, 0), old.shape))
    start = Kit(model=n.model)
    zeros = np.full(old.shape, QUANT[1])
    _assign(start, _handle(start), start.constant(zeros, DType.INT8, quant=QUANT))
    return both


@example(
    runners=TFLM, note="Only with `--runtime tflm`: LiteRT's default path doesn't survive the file."
)
def write_states_in_place(n: Kit) -> Value:
    state = _handle(n)
    old = n.op(OpCode.READ_VARIABLE, [state], (1, 2, 3), options=ReadVariableOptions())
    old.dtype, old.quant = DType.INT8, Quantization.per_tensor(*QUANT)
    both = n.concat(old, n.feed(1, 1, 3), axis=1)
    _assign(n, state, n.slice(both, (0, 1, 0), old.shape))
    return both


def _handle(n: Kit) -> Value:
    options = VarHandleOptions("", "state")
    return n.op(OpCode.VAR_HANDLE, [], (), options=options, dtype=DType.RESOURCE)


def _assign(n: Kit, state: Value, value: Value) -> None:
    n.ops(OpCode.ASSIGN_VARIABLE, [state, value], [], AssignVariableOptions())


@example(show=fields)
def strip_fields(n: Kit) -> Value:
    x = n.feed(1, 8)
    x.extra.shape_signature = x.shape
    return n.relu(x)


@example(show=fields)
def merge_buffers(n: Kit) -> Value:
    x = n.feed(1, 2)
    one, two = (n.constant([[1, 2]], DType.INT8, quant=(0.05, 3)) for _ in range(2))
    return n.add(n.add(x, one), two)


@example(show=fields)
def drop_stale_plan(n: Kit) -> Value:
    y = n.add(x := n.feed(1, 8), x)
    offsets = np.array([1, 0, 2, -1, -1], "<i4")
    _metadata(n, PLAN, content=offsets.tobytes())
    return y


@example(show=memory)
def plan_memory(n: Kit) -> Value:
    """RELU may work in place, which the runtime never does by itself."""
    x = n.conv2d(n.feed(1, 8, 8, 3), 16, stride=(1, 1))
    return n.conv2d(n.unary(OpCode.RELU, x), 4, stride=(2, 2))


@example(TileLayers(tiling=Tiling(3.0)), note="With `--tile auto`.")
def tile_layers(n: Kit) -> Value:
    """The layer that widens the channels and the one that reads them, row by row."""
    x = n.conv2d(n.feed(1, 16, 32, 8), 64, (1, 1))
    return n.conv2d(x, 4, (3, 3), stride=(2, 2))


def _metadata(n: Kit, *names: str, content: bytes = b"1.5.0") -> None:
    n.model.metadata = []
    for name in names:
        buffer = Buffer(np.frombuffer(content, np.uint8))
        n.model.buffers.append(buffer)
        n.model.metadata.append(Metadata(name, buffer))
