"""Graphs and the model that holds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from tflopt.ir.node import Buffer, Bytes, Op, OperatorCode, Use, Value
from tflopt.ir.opcodes import OpCode
from tflopt.ir.record import Record
from tflopt.texts import counted, printable


class Ports(Sequence[Value]):
    """Inputs or outputs of a graph; a tracked list that can't disagree with its values."""

    def __init__(self, graph: Graph, *, are_outputs: bool) -> None:
        self._graph = graph
        self._are_outputs = are_outputs
        self._values: list[Value] = []
        self._members: dict[Value, int] = {}

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, index: int) -> Value: ...
    @overload
    def __getitem__(self, index: slice) -> list[Value]: ...
    def __getitem__(self, index: int | slice) -> Value | list[Value]:
        return self._values[index]

    def __iter__(self) -> Iterator[Value]:
        return iter(self._values)

    def __contains__(self, value: object) -> bool:
        return isinstance(value, Value) and value in self._members

    def append(self, value: Value) -> None:
        """Add a port."""
        self._values.append(value)
        self._enter(value, len(self._values) - 1)

    def __setitem__(self, index: int, value: Value) -> None:
        old = self._values[index]
        if self._are_outputs:
            old._uses.pop(Use(self._graph, index), None)
        self._members[old] -= 1
        if not self._members[old]:
            del self._members[old]
        self._values[index] = value
        self._enter(value, index)

    def _enter(self, value: Value, index: int) -> None:
        self._members[value] = self._members.get(value, 0) + 1
        if self._are_outputs:
            value._uses[Use(self._graph, index)] = None


FAR = 1 << 10
"""Places from where an operator stood last, from which on all are numbered again."""


class Graph:
    """A subgraph: ports, values in the file's order, operators in execution order.

    ``absent`` names the vectors that the file leaves out rather than stores empty. ``derived`` is
    for what an analysis keeps of a graph, with all that it depends on; copies have nothing of it.
    """

    def __init__(self, model: Model, name: str | None = None) -> None:
        self.model = model
        self.name = name
        self.debug_metadata_index = -1
        self.absent: frozenset[str] = frozenset()
        self.inputs = Ports(self, are_outputs=False)
        self.outputs = Ports(self, are_outputs=True)
        self.values: dict[Value, None] = {}
        self.ops: list[Op] = []
        self.derived: dict[type, object] = {}
        self._numbers: dict[Op, int] = {}

    def __repr__(self) -> str:
        return f"<Graph {printable(self.name or '?')}: {counted(len(self.ops), 'operator')}>"

    @property
    def index(self) -> int:
        """Its position in the model."""
        return self.model.graphs.index(self)

    def add_value(self, value: Value) -> Value:
        """Enter a value."""
        self.values[value] = None
        return value

    def remove_value(self, value: Value) -> None:
        """Drop a value that nobody produces or reads.

        Raises:
            ValueError: it is still produced, read or a port; names the reader.
        """
        if value.uses or value.producer is not None or value in self.inputs:
            raise ValueError(f"{value!r} is still in use: {value.producer or value.uses}")
        del self.values[value]

    def holds(self, op: Op) -> bool:
        """Whether it is one of the operators."""
        return op in self._numbered()

    def place(self, op: Op) -> int:
        """Where an operator stands in ``ops``.

        In the time that it takes to find it from where it stood last: thousands of operators may
        come and go one after another.

        Raises:
            ValueError: it isn't one of them.
        """
        numbers, reach = self._numbered(), 4
        near = numbers.get(op, 0)
        while True:
            low, high = max(0, near - reach), near + reach
            try:
                number = self.ops.index(op, low, high)
            except ValueError:
                if low == 0 and high >= len(self.ops):
                    raise
                reach *= 8
                continue
            if reach > FAR:
                self._numbers = {}
            else:
                numbers[op] = number
            return number

    def _numbered(self) -> dict[Op, int]:
        """About where each operator stands; ``ops`` itself is what counts."""
        if len(self._numbers) != len(self.ops):
            self._numbers = {op: number for number, op in enumerate(self.ops)}
        return self._numbers

    def insert(self, op: Op, before: Op | None = None) -> Op:
        """Enter an operator before another one, or at the end."""
        number = len(self.ops) if before is None else self.place(before)
        if self._numbers and len(self._numbers) == len(self.ops):
            self._numbers[op] = number
        self.ops.insert(number, op)
        return op

    def remove(self, op: Op) -> None:
        """Drop an operator.

        Raises:
            ValueError: an output is still read; names the readers.
        """
        for value in op.outputs:
            if value.uses:
                readers = ", ".join(repr(use.user) for use in value.uses)
                raise ValueError(f"{op!r} is still read by {readers}")
        op.set_inputs(())
        op.set_outputs(())
        del self.ops[self.place(op)]
        self._numbers.pop(op, None)

    def clear(self) -> None:
        """Drop all that it holds."""
        for index, value in enumerate(self.outputs):
            value._uses.pop(Use(self, index), None)
        self.inputs, self.outputs = Ports(self, are_outputs=False), Ports(self, are_outputs=True)
        for op in self.ops:
            op.set_inputs(())
            op.set_outputs(())
        self.ops, self._numbers = [], {}
        self.values = {}


@dataclass(eq=False, slots=True)
class Metadata:
    """A named blob of the model."""

    name: str | None
    buffer: Buffer


@dataclass(eq=False, slots=True)
class Signature:
    """A named interface of a subgraph; each entry maps a name to a tensor."""

    graph: Graph
    key: str | None
    inputs: list[tuple[str | None, Value]] | None
    outputs: list[tuple[str | None, Value]] | None
    old_key: str | None = None


@dataclass(eq=False, repr=False)
class Model:
    """A whole model. Buffer 0 is the empty one by convention and stays first.

    ``trailing`` is an archive appended behind the FlatBuffer (associated files of metadata).
    ``settled``: tensors have other shapes than the file says, which leaves dimensions open.
    ``remembered`` is for what analyses keep by content; all clones share it.
    """

    graphs: list[Graph] = field(default_factory=list)
    opcodes: list[OperatorCode] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    metadata: list[Metadata] | None = None
    metadata_buffers: list[Buffer] | None = None
    signatures: list[Signature] | None = None
    version: int = 3
    description: str | None = None
    external_buffer_groups: list[Record] | None = None
    external_buffers: list[Record] | None = None
    absent: frozenset[str] = frozenset()
    trailing: Bytes | None = None
    path: str = ""
    source_bytes: int = 0
    settled: bool = False
    remembered: dict[type, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        name = self.path.replace("\\", "/").rpartition("/")[2] or "?"
        operators = sum(len(graph.ops) for graph in self.graphs)
        tensors = sum(len(graph.values) for graph in self.graphs)
        holds = f"{counted(operators, 'operator')}, {counted(tensors, 'tensor')}"
        return f"<Model {printable(name)}: {holds}>"

    @property
    def main(self) -> Graph:
        """The graph that an interpreter runs."""
        return self.graphs[0]

    def ops(self) -> Iterator[Op]:
        """All operators of all graphs."""
        for graph in self.graphs:
            yield from graph.ops

    def opcode(self, code: OpCode, version: int = 1) -> OperatorCode:
        """The entry for a builtin operator, entered if it is new."""
        for entry in self.opcodes:
            if entry.key == (int(code), None, version):
                return entry
        self.opcodes.append(OperatorCode(int(code), version=version))
        return self.opcodes[-1]
