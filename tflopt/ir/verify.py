"""Consistency of the IR: what the reader demands of a file, and every pass of itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tflopt.errors import VerifyError
from tflopt.ir.calls import called
from tflopt.ir.model import Graph, Model
from tflopt.ir.node import Op, Use, Value


@dataclass(frozen=True)
class Flaw:
    """One inconsistency: where it is, and what is wrong."""

    where: str
    reason: str


def place(op: Op) -> str:
    """``subgraph 0 operator 3 (CONV_2D)``."""
    position = op.graph.ops.index(op) if op in op.graph.ops else "?"
    return f"subgraph {op.graph.index} operator {position} ({op.opcode.label})"


def flaws(model: Model) -> Iterator[Flaw]:
    """Every inconsistency of the model, most basic first."""
    for number, graph in enumerate(model.graphs):
        yield from _value_flaws(graph, number)
        yield from _order_flaws(graph, number)
        yield from _link_flaws(graph, number)
    yield from _table_flaws(model)
    for op in model.ops():
        for index in called(op):
            if not 0 <= index < len(model.graphs):
                yield Flaw(place(op), f"calls subgraph {index:,} of {len(model.graphs):,}")


def verify(model: Model, pass_name: str) -> None:
    """Check after a pass.

    Raises:
        VerifyError: names the pass and the first inconsistency.
    """
    for flaw in flaws(model):
        raise VerifyError(reason=flaw.reason, pass_name=pass_name, op=flaw.where)


def _value_flaws(graph: Graph, number: int) -> Iterator[Flaw]:
    for index, value in enumerate(graph.values):
        where = f"subgraph {number} tensor {index} ({value.name or 'unnamed'})"
        if any(extent < 0 for extent in value.shape):
            yield Flaw(where, f"negative dimension in shape {list(value.shape)}")
            continue
        yield from _data_flaws(value, where)
        if value.producer is not None and value.is_constant:
            yield Flaw(where, f"constant, yet {value.producer.opcode.label} produces it")


def _data_flaws(value: Value, where: str) -> Iterator[Flaw]:
    if value.buffer is None or not value.has_data or value.extra.sparsity is not None:
        return
    expected = value.size_bytes
    if expected is not None and expected != value.buffer.size_bytes:
        yield Flaw(
            where,
            f"{value.dtype.name}{list(value.shape)} needs {expected:,} bytes, "
            f"its buffer has {value.buffer.size_bytes:,}",
        )


def _table_flaws(model: Model) -> Iterator[Flaw]:
    """What refers to a table of the model refers to an entry of it."""
    codes, buffers = {id(entry) for entry in model.opcodes}, set(model.buffers)
    for number, graph in enumerate(model.graphs):
        for value in graph.values:
            if value.buffer is not None and value.buffer not in buffers:
                yield Flaw(f"subgraph {number}", f"the buffer of {value!r} is not in the model")
        for op in graph.ops:
            if id(op.opcode) not in codes:
                yield Flaw(f"subgraph {number}", f"the operator code of {op!r} is not in the model")
            if any(value not in graph.values for value in op.extra.intermediates or ()):
                yield Flaw(f"subgraph {number}", f"an intermediate of {op!r} is not in the graph")
    named = [*(entry.buffer for entry in model.metadata or ()), *(model.metadata_buffers or ())]
    if any(buffer not in buffers for buffer in named):
        yield Flaw("metadata", "refers to a buffer that is not in the model")
    for entry in model.signatures or ():
        ports = [*(entry.inputs or ()), *(entry.outputs or ())]
        if entry.graph not in model.graphs:
            yield Flaw(f"signature {entry.key!r}", "its subgraph is not in the model")
        elif any(value not in entry.graph.values for _, value in ports):
            yield Flaw(f"signature {entry.key!r}", "refers to a tensor that is not in its subgraph")


def _order_flaws(graph: Graph, number: int) -> Iterator[Flaw]:
    produced: set[Value] = set()
    for position, op in enumerate(graph.ops):
        where = f"subgraph {number} operator {position} ({op.opcode.label})"
        for value in op.inputs:
            if value is not None and value.producer is not None and value not in produced:
                yield Flaw(where, f"reads tensor {value.name!r} before it is produced")
        for value in op.outputs:
            if value in produced:
                yield Flaw(where, f"tensor {value.name!r} is produced twice")
            produced.add(value)


def _link_flaws(graph: Graph, number: int) -> Iterator[Flaw]:
    reads: set[Use] = {Use(graph, index) for index in range(len(graph.outputs))}
    known = dict.fromkeys((*graph.inputs, *graph.outputs))
    for op in graph.ops:
        reads.update(Use(op, index) for index, value in enumerate(op.inputs) if value is not None)
        known.update(dict.fromkeys(v for v in (*op.inputs, *op.outputs) if v is not None))
        for value in op.outputs:
            if value.producer is not (None if value.is_variable else op):
                yield Flaw(f"subgraph {number}", f"{value!r} does not know its producer {op!r}")
    strangers = [value for value in known if value not in graph.values]
    if strangers:
        yield Flaw(f"subgraph {number}", f"{strangers[0]!r} is used but not in the graph")
    recorded = {use for value in graph.values for use in value.uses}
    if recorded != reads:
        odd = next(iter(recorded ^ reads))
        yield Flaw(f"subgraph {number}", f"the use {odd!r} is recorded or real, not both")
