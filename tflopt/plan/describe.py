"""From the IR to the planner's plain data and back: the only modules here that know the IR are
this one and `tflopt.plan.reference_kernels`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from tflopt.errors import UnsupportedError
from tflopt.facts.offline_plan import PLAN_NAME
from tflopt.ir import Buffer, DType, Graph, Metadata, Model, Op, OpCode, Value
from tflopt.ir.options import CallOnceOptions, IfOptions, WhileOptions
from tflopt.plan.encode import decode, encode
from tflopt.plan.lifetimes import GraphDesc, ModelDesc, OpDesc, TensorDesc, TensorRef

ScratchSizes = Callable[[Op], Sequence[int]]
"""Bytes of each scratch request of an operator, in the order in which its kernel asks."""

# TFLM gives a packed element a whole byte (memory_helpers.cc), and a resource handle four.
_OWN_SIZES = {DType.INT4: 1, DType.RESOURCE: 4}


def describe(model: Model, scratch: ScratchSizes) -> ModelDesc:
    """What TFLM's allocator sees of ``model``.

    Raises `UnsupportedError` for a type whose size TFLM doesn't know.
    """
    return ModelDesc([_describe_graph(graph, scratch) for graph in model.graphs])


def tensor_refs(model: Model) -> dict[Value, TensorRef]:
    """Each value's place in the description and in an offline plan."""
    return {
        value: TensorRef(number, index)
        for number, graph in enumerate(model.graphs)
        for index, value in enumerate(graph.values)
    }


def runtime_bytes(value: Value) -> int:
    """The bytes that TFLM reserves for a value, before rounding."""
    dtype = value.dtype.numpy
    own = _OWN_SIZES.get(value.dtype)
    if own is None and dtype is None:
        raise UnsupportedError(f"TFLM has no size for {value.dtype.name}", value.name or "")
    element = own if own is not None else (0 if dtype is None else dtype.itemsize)
    return max(0, prod(value.shape)) * element


def read_plan(model: Model) -> list[int] | None:
    """The offsets of the offline plan in force, None without one; the last entry counts.

    Raises `tflopt.errors.ModelError` where AllocateTensors would fail.
    """
    raw = plan_bytes(model)
    if raw is None:
        return None
    return decode(raw, sum(len(graph.values) for graph in model.graphs), model.path)


def write_plan(model: Model, offsets: Sequence[int] | None) -> None:
    """Replace whatever offline plan ``model`` has; None removes it."""
    write_plan_bytes(model, None if offsets is None else encode(offsets, len(model.graphs)))


def plan_bytes(model: Model) -> bytes | None:
    """The offline plan in force as the file has it, None without one."""
    entries = [m for m in model.metadata or () if m.name == PLAN_NAME]
    if not entries:
        return None
    data = entries[-1].buffer.data
    return b"" if data is None else data.tobytes()


def write_plan_bytes(model: Model, raw: bytes | None) -> None:
    """As :func:`write_plan`, from bytes that are not looked at."""
    kept = [m for m in model.metadata or () if m.name != PLAN_NAME]
    dropped = [m.buffer for m in model.metadata or () if m.name == PLAN_NAME]
    shared = {id(m.buffer) for m in kept} | {
        id(value.buffer) for graph in model.graphs for value in graph.values
    }
    shared |= {id(buffer) for buffer in model.metadata_buffers or ()}
    model.buffers = [
        buffer
        for index, buffer in enumerate(model.buffers)
        if index == 0 or id(buffer) in shared or all(buffer is not d for d in dropped)
    ]
    if raw is not None:
        buffer = Buffer(np.frombuffer(raw, dtype=np.uint8))
        model.buffers.append(buffer)
        kept.append(Metadata(PLAN_NAME, buffer))
    if kept or model.metadata is not None:
        model.metadata = kept


def _describe_graph(graph: Graph, scratch: ScratchSizes) -> GraphDesc:
    index = {value: i for i, value in enumerate(graph.values)}
    ops = []
    for number, op in enumerate(graph.ops):
        ops.append(
            OpDesc(
                [-1 if value is None else index[value] for value in op.inputs],
                [index[value] for value in op.outputs],
                tuple(scratch(op)),
                _called(op),
                f"{op.opcode.label} #{number}",
            )
        )
    return GraphDesc(
        [describe_tensor(value) for value in graph.values],
        [index[value] for value in graph.inputs],
        [index[value] for value in graph.outputs],
        ops,
    )


def describe_tensor(value: Value) -> TensorDesc:
    """What TFLM's allocator sees of a tensor."""
    has_data = value.buffer is not None and value.buffer.size_bytes > 0
    # VAR_HANDLE points its output at its own data during Prepare (var_handle.cc).
    has_data |= value.producer is not None and value.producer.code is OpCode.VAR_HANDLE
    quantized = value.quant is not None and value.quant.is_set
    return TensorDesc(
        runtime_bytes(value),
        value.name or "",
        has_data,
        value.is_variable,
        value.quant.count if value.quant is not None and quantized else 0,
    )


def _called(op: Op) -> tuple[int, ...]:
    """Subgraphs in the order in which the lifetime clock enters them.

    TFLM recognises the three operators by ``builtin_code`` alone (not by the deprecated field),
    and enters a second subgraph only if its index isn't -1.
    """
    stored = op.opcode.stored
    if stored is not None and stored[1] != op.opcode.builtin:
        return ()
    options = op.options
    if op.code is OpCode.IF and isinstance(options, IfOptions):
        callees = [options.then_subgraph_index, options.else_subgraph_index]
    elif op.code is OpCode.WHILE and isinstance(options, WhileOptions):
        callees = [options.cond_subgraph_index, options.body_subgraph_index]
    elif op.code is OpCode.CALL_ONCE and isinstance(options, CallOnceOptions):
        callees = [options.init_subgraph_index]
    else:
        callees = []
    return tuple(index for index in callees if index != -1)
