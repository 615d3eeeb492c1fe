"""One model of many regions side by side, each with its own inputs and its own output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tflopt.ir import Buffer, Graph, Model, Op, OperatorCode, Value
from tflopt.verify.directed.regions import Region

ORIGINAL, OPTIMIZED = 0, 1


def submodel(regions: Sequence[Region], copies: Sequence[int], side: int) -> Model:
    """The regions of one side, each as often as ``copies`` says.

    Inputs are, copy by copy, the region's leaves (of the original) or cuts (of the optimized
    model); there is one output for each copy.
    """
    writer = _Writer()
    for region, count in zip(regions, copies, strict=True):
        leaves = region.leaves if side == ORIGINAL else [cut.optimized for cut in region.cuts]
        result = region.result.original if side == ORIGINAL else region.result.optimized
        for _ in range(count):
            writer.add(leaves, region.ops[side], result)
    return writer.model


@dataclass
class _Writer:
    model: Model = field(default_factory=lambda: Model(buffers=[Buffer()]))
    buffers: dict[int, Buffer] = field(default_factory=dict)
    constants: dict[Value, Value] = field(default_factory=dict)
    opcodes: dict[OperatorCode, OperatorCode] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.graph = Graph(self.model)
        self.model.graphs.append(self.graph)

    def add(self, leaves: Sequence[Value], ops: Sequence[Op], result: Value) -> None:
        """Another copy of a region."""
        made = {leaf: self._value(leaf) for leaf in leaves}
        for value in made.values():
            self.graph.inputs.append(value)
        for op in ops:
            copy = Op(self.graph, self._opcode(op.opcode), op.options)
            copy.extra = replace(op.extra, intermediates=None)
            copy.set_inputs(None if v is None else self._read(v, made) for v in op.inputs)
            made.update((v, self._value(v)) for v in op.outputs)
            copy.set_outputs(made[v] for v in op.outputs)
            self.graph.insert(copy)
        self.graph.outputs.append(made[result])

    def _read(self, value: Value, made: dict[Value, Value]) -> Value:
        if value in made or not value.is_constant:
            return made[value]
        if value not in self.constants:
            self.constants[value] = self._value(value, self._buffer(value))
        return self.constants[value]

    def _value(self, value: Value, buffer: Buffer | None = None) -> Value:
        copy = Value(self.graph, value.dtype, value.shape, quant=value.quant)
        copy.buffer = buffer or self.model.buffers[0]
        copy.extra = replace(value.extra, shape_signature=None, has_rank=False)
        return self.graph.add_value(copy)

    def _buffer(self, value: Value) -> Buffer:
        assert value.buffer is not None
        if id(value.buffer) not in self.buffers:
            self.buffers[id(value.buffer)] = replace(value.buffer)
            self.model.buffers.append(self.buffers[id(value.buffer)])
        return self.buffers[id(value.buffer)]

    def _opcode(self, entry: OperatorCode) -> OperatorCode:
        if entry not in self.opcodes:
            self.opcodes[entry] = replace(entry)
            self.model.opcodes.append(self.opcodes[entry])
        return self.opcodes[entry]
