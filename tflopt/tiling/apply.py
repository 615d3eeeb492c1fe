"""Puts bands into a model, through the rewriter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tflopt.ir import DType, Graph, Model, Value
from tflopt.rewrite import Rewriter
from tflopt.tiling.draw import write_segment
from tflopt.tiling.segment import Segment

Key = tuple[tuple[int, ...], bytes]


def tile(model: Model, segments: Sequence[Segment], rw: Rewriter) -> None:
    """Run the segments of the main graph in bands; no two of them share an operator.

    Exact: every layer computes the same elements from the same ones; rows are only cut, joined
    and padded with what the layer itself would pad with.

    Raises:
        NotTileableError: a segment can't be computed so; nothing was edited then.
    """
    graph = model.main
    order = sorted(segments, key=lambda segment: segment.first)
    runs = [(graph.ops[segment.first : segment.last + 1], segment) for segment in order]
    sketches = [(ops, write_segment(ops, segment)) for ops, segment in runs]
    # From the end on: what a later segment reads is replaced once an earlier one is written.
    for ops, sketch in reversed(sketches):
        inner = {v: None for op in ops for v in (*op.inputs, *op.outputs) if v is not None}
        sketch.graft(rw, ops[-1])
        for op in reversed(ops[:-1]):
            rw.remove(op)
        _drop(inner, rw)
    share_constants(graph, rw)


def _drop(values: Iterable[Value], rw: Rewriter) -> None:
    for value in values:
        unused = not value.uses and value.producer is None
        if unused and value in value.graph.values and value not in value.graph.inputs:
            rw.remove_value(value)


def constant_key(value: Value) -> Key | None:
    """What makes two helper constants the same: int32 without quantization, else None."""
    buffer = value.buffer
    if value.dtype is not DType.INT32 or not value.has_data or value.quant is not None:
        return None
    assert buffer is not None
    assert buffer.data is not None
    return value.shape, buffer.data.tobytes()


def share_constants(graph: Graph, rw: Rewriter) -> None:
    """One tensor for equal helper constants: TFLM keeps 12 bytes for each."""
    first: dict[Key, Value] = {}
    for value in list(graph.values):
        key = constant_key(value)
        if key is None or value in graph.inputs or value.is_graph_output:
            continue
        known = first.setdefault(key, value)
        if known is not value:
            rw.replace_uses(value, known)
            rw.remove_value(value)
