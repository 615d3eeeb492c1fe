"""What a report says of a model: sizes, operators, work."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass

from tflopt.facts.work import macs, moved_bytes
from tflopt.ir import Model, Op, Options
from tflopt.ir.text import kind


@dataclass(frozen=True)
class OpFacts:
    """One operator, as ``inspect`` shows it."""

    subgraph: int
    index: int
    code: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: dict[str, object]
    macs: int
    moved_bytes: int
    weight_bytes: int
    output_bytes: int


@dataclass(frozen=True)
class ModelFacts:
    """Totals of a model. ``constant_bytes`` counts each buffer once."""

    file_bytes: int
    subgraphs: int
    tensors: int
    operators: int
    by_code: dict[str, int]
    macs: int
    moved_bytes: int
    constant_bytes: int


def op_facts(op: Op, subgraph: int, index: int) -> OpFacts:
    """The facts of one operator."""
    options = asdict(op.options) if isinstance(op.options, Options) else {}
    return OpFacts(
        subgraph=subgraph,
        index=index,
        code=op.opcode.label,
        name=(op.outputs[0].name or "") if op.outputs else "",
        inputs=tuple("-" if value is None else kind(value) for value in op.inputs),
        outputs=tuple(kind(value) for value in op.outputs),
        options=options,
        macs=macs(op),
        moved_bytes=moved_bytes(op),
        weight_bytes=sum(v.size_bytes or 0 for v in op.inputs if v is not None and v.has_data),
        output_bytes=sum(value.size_bytes or 0 for value in op.outputs),
    )


def all_op_facts(model: Model) -> list[OpFacts]:
    """The facts of every operator in execution order."""
    return [
        op_facts(op, number, index)
        for number, graph in enumerate(model.graphs)
        for index, op in enumerate(graph.ops)
    ]


def model_facts(model: Model, file_bytes: int) -> ModelFacts:
    """The totals of a model that takes ``file_bytes`` in flash."""
    ops = list(model.ops())
    return ModelFacts(
        file_bytes=file_bytes,
        subgraphs=len(model.graphs),
        tensors=sum(len(graph.values) for graph in model.graphs),
        operators=len(ops),
        by_code=dict(sorted(Counter(op.opcode.label for op in ops).items())),
        macs=sum(macs(op) for op in ops),
        moved_bytes=sum(moved_bytes(op) for op in ops),
        constant_bytes=sum(buffer.size_bytes for buffer in model.buffers),
    )
