"""The graph: values, operators and the use-def chains between them.

Everything has identity equality. Only the methods of this module change who produces or reads
a value; rules call them through :class:`tflopt.rewrite.Rewriter`, which records what they do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TypeAlias, overload

import numpy as np
import numpy.typing as npt

from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import Options
from tflopt.ir.quantization import Quantization
from tflopt.ir.record import Record
from tflopt.ir.types import DType

Bytes: TypeAlias = npt.NDArray[np.uint8]
Array: TypeAlias = npt.NDArray[np.generic]
AnyOptions: TypeAlias = "Options | Record | None"
BUILTIN_CODES = frozenset(int(code) for code in OpCode)


@dataclass(eq=False, slots=True)
class Buffer:
    """Constant data of tensors or metadata; ``data`` is None where the file has no vector.

    ``external`` data lies behind the FlatBuffer, at an offset that the buffer names (files over
    2 GB do that); it is written back the same way.
    """

    data: Bytes | None = None
    external: bool = False

    @property
    def size_bytes(self) -> int:
        """Length of the data."""
        return 0 if self.data is None else int(self.data.size)


@dataclass(frozen=True)
class Use:
    """One reader of a value: input ``index`` of an operator, or output ``index`` of a graph."""

    user: Op | Graph
    index: int

    @property
    def op(self) -> Op | None:
        """The reading operator, None for a graph output."""
        return self.user if isinstance(self.user, Op) else None


@dataclass(frozen=True)
class Origin:
    """The tensor of the source model that holds the same elements in the same order."""

    subgraph: int
    tensor: int


@dataclass(slots=True)
class ValueExtra:
    """Fields of a tensor that rules rarely look at, kept as they were read."""

    shape_absent: bool = False
    shape_signature: tuple[int, ...] | None = None
    has_rank: bool = False
    sparsity: Record | None = None
    variant_tensors: list[Record] | None = None
    external_buffer: int = 0


class Value:
    """A tensor: produced by an operator, fed from outside, or constant."""

    __slots__ = (
        "_uses",
        "buffer",
        "dtype",
        "extra",
        "graph",
        "is_variable",
        "name",
        "origin",
        "producer",
        "quant",
        "shape",
    )

    def __init__(
        self,
        graph: Graph,
        dtype: DType,
        shape: Sequence[int],
        *,
        name: str | None = None,
        quant: Quantization | None = None,
        buffer: Buffer | None = None,
    ) -> None:
        self.graph = graph
        self.dtype = dtype
        self.shape: tuple[int, ...] = tuple(shape)
        self.name = name
        self.quant = quant
        self.buffer = buffer
        self.is_variable = False
        self.extra = ValueExtra()
        self.producer: Op | None = None
        self.origin: Origin | None = None
        self._uses: dict[Use, None] = {}

    def __repr__(self) -> str:
        return f"<Value {self.name or '?'} {self.dtype.short}{list(self.shape)}>"

    @property
    def uses(self) -> tuple[Use, ...]:
        """Every reader, in the order in which they came."""
        return tuple(self._uses)

    @property
    def users(self) -> tuple[Op, ...]:
        """The operators that read it, each once."""
        return tuple(dict.fromkeys(use.op for use in self._uses if use.op is not None))

    @property
    def has_data(self) -> bool:
        """Its elements are in the file. The content of a variable's buffer is not read."""
        return self.buffer is not None and self.buffer.size_bytes > 0 and not self.is_variable

    @property
    def is_constant(self) -> bool:
        """Never written at run time (its data may also lie outside the file)."""
        return self.has_data or self.extra.external_buffer != 0

    @property
    def is_graph_input(self) -> bool:
        """Fed by the caller."""
        return self in self.graph.inputs

    @property
    def is_graph_output(self) -> bool:
        """Read by the caller."""
        return any(use.op is None for use in self._uses)

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def size_bytes(self) -> int | None:
        """Bytes of the elements, None for types without a size."""
        return self.dtype.size_bytes(self.elements)

    def array(self) -> Array:
        """The constant data as a read-only array of ``shape``.

        Raises:
            ValueError: not constant, packed below a byte, or sparse.
        """
        dtype = self.dtype.numpy
        if not self.has_data or dtype is None or self.extra.sparsity is not None:
            raise ValueError(f"{self!r} has no plain constant data")
        assert self.buffer is not None
        assert self.buffer.data is not None
        return self.buffer.data.view(dtype).reshape(self.shape)

    def ints(self) -> tuple[int, ...] | None:
        """A constant integer vector or scalar (shape, axes, paddings) flattened, else None."""
        integral = self.dtype in (DType.INT32, DType.INT64, DType.INT16, DType.INT8)
        if not self.has_data or not integral or self.extra.sparsity is not None:
            return None
        return tuple(int(v) for v in self.array().reshape(-1))


@dataclass(eq=False, slots=True)
class OperatorCode:
    """An entry of the model's operator table.

    ``builtin`` is the effective code, max(deprecated_builtin_code, builtin_code); ``deprecated``
    is the stored byte, None to derive it.
    """

    builtin: int
    custom_code: str | None = None
    version: int = 1
    deprecated: int | None = None

    @property
    def code(self) -> OpCode:
        """The builtin operator, UNKNOWN for codes that the schema here doesn't name."""
        return OpCode(self.builtin) if self.builtin in BUILTIN_CODES else OpCode.UNKNOWN

    @property
    def key(self) -> tuple[int, str | None, int]:
        """What makes two entries the same operator."""
        return (self.builtin, self.custom_code, self.version)

    @property
    def label(self) -> str:
        """The operator's name as users know it."""
        if self.custom_code is not None:
            return self.custom_code
        return self.code.name if self.code is not OpCode.UNKNOWN else f"BUILTIN_{self.builtin}"


@dataclass(slots=True)
class OpExtra:
    """Fields of an operator beside its builtin options, kept as they were read."""

    options_type: int = 0
    options2: Record | None = None
    options2_type: int = 0
    custom_options: Bytes | None = None
    custom_options_format: int = 0
    large_custom_options: Bytes | None = None
    mutating_variable_inputs: tuple[bool, ...] | None = None
    intermediates: tuple[Value, ...] | None = None
    debug_metadata_index: int = -1
    inputs_absent: bool = False
    outputs_absent: bool = False


class Op:
    """An operator. An optional input that is left out is None."""

    __slots__ = ("_inputs", "_outputs", "extra", "graph", "opcode", "options")

    def __init__(self, graph: Graph, opcode: OperatorCode, options: AnyOptions) -> None:
        self.graph = graph
        self.opcode = opcode
        self.options = options
        self.extra = OpExtra()
        self._inputs: list[Value | None] = []
        self._outputs: list[Value] = []

    def __repr__(self) -> str:
        outputs = ", ".join(value.name or "?" for value in self._outputs)
        return f"<{self.opcode.label} -> {outputs}>"

    @property
    def code(self) -> OpCode:
        """The builtin operator."""
        return self.opcode.code

    @property
    def inputs(self) -> tuple[Value | None, ...]:
        """The values it reads."""
        return tuple(self._inputs)

    @property
    def outputs(self) -> tuple[Value, ...]:
        """The values it produces."""
        return tuple(self._outputs)

    @property
    def output(self) -> Value:
        """The first output."""
        return self._outputs[0]

    def input(self, index: int) -> Value | None:
        """Input ``index``, None where it is left out or the operator has fewer."""
        return self._inputs[index] if index < len(self._inputs) else None

    def set_inputs(self, values: Iterable[Value | None]) -> None:
        """Read other values."""
        for index, value in enumerate(self._inputs):
            if value is not None:
                value._uses.pop(Use(self, index), None)
        self._inputs = list(values)
        for index, value in enumerate(self._inputs):
            if value is not None:
                value._uses[Use(self, index)] = None

    def set_input(self, index: int, value: Value | None) -> None:
        """Read another value at ``index``."""
        old = self._inputs[index]
        if old is not None:
            old._uses.pop(Use(self, index), None)
        self._inputs[index] = value
        if value is not None:
            value._uses[Use(self, index)] = None

    def set_outputs(self, values: Iterable[Value]) -> None:
        """Produce other values; the old ones are left without a producer.

        Raises:
            ValueError: another operator produces one of them.
        """
        values = list(values)
        for value in values:
            if value.producer not in (None, self):
                raise ValueError(f"{value!r} has a producer: {value.producer!r}")
        for value in self._outputs:
            value.producer = None
        self._outputs = values
        for value in values:
            value.producer = self


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


class Graph:
    """A subgraph: ports, values in the file's order, operators in execution order."""

    def __init__(self, model: Model, name: str | None = None) -> None:
        self.model = model
        self.name = name
        self.debug_metadata_index = -1
        self.inputs = Ports(self, are_outputs=False)
        self.outputs = Ports(self, are_outputs=True)
        self.values: dict[Value, None] = {}
        self.ops: list[Op] = []

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

    def insert(self, op: Op, before: Op | None = None) -> Op:
        """Enter an operator before another one, or at the end."""
        self.ops.insert(len(self.ops) if before is None else self.ops.index(before), op)
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
        self.ops.remove(op)


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


@dataclass(eq=False)
class Model:
    """A whole model. Buffer 0 is the empty one by convention and stays first."""

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
    path: str = ""
    source_bytes: int = 0

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
