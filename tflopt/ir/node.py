"""Values, operators and the use-def chains between them.

Everything has identity equality. Only the methods of this module change who produces or reads
a value; rules call them through :class:`tflopt.rewrite.Rewriter`, which records what they do.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from math import prod
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import Options
from tflopt.ir.origin import Origin
from tflopt.ir.quantization import Quantization
from tflopt.ir.record import Record
from tflopt.ir.types import DType

if TYPE_CHECKING:
    from tflopt.ir.model import Graph

Bytes: TypeAlias = npt.NDArray[np.uint8]
Array: TypeAlias = npt.NDArray[np.generic]
AnyOptions: TypeAlias = "Options | Record | None"
_USER = attrgetter("user")
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


class Use(NamedTuple):
    """One reader of a value: at a position of an operator's inputs, or of a graph's outputs."""

    user: Op | Graph
    position: int

    @property
    def op(self) -> Op | None:
        """The reading operator, None for a graph output."""
        return self.user if isinstance(self.user, Op) else None


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
    """A tensor: produced by an operator, fed from outside, constant, or a variable.

    A variable lasts from one invocation to the next, and has no producer even where an operator
    has it among its outputs: who reads it before that gets what the invocation before has left.
    """

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
    def use_count(self) -> int:
        """How many readers there are."""
        return len(self._uses)

    @property
    def users(self) -> tuple[Op, ...]:
        """The operators that read it, each once."""
        users: dict[Op | Graph, None] = dict.fromkeys(map(_USER, self._uses))
        users.pop(self.graph, None)
        return cast("tuple[Op, ...]", tuple(users))

    def is_read_only_by(self, ops: Container[Op | Graph]) -> bool:
        """Whether nobody but these operators reads it; no longer looked at than until one does."""
        return all(use.user in ops for use in self._uses)

    @property
    def has_data(self) -> bool:
        """Its elements are in the file. The content of a variable's buffer is not read."""
        return self.buffer is not None and self.buffer.size_bytes > 0 and not self.is_variable

    @property
    def is_constant(self) -> bool:
        """Never written at run time (its data may also lie outside the file)."""
        buffer = None if self.is_variable else self.buffer
        if buffer is not None and buffer.data is not None and buffer.data.size:
            return True
        return self.extra.external_buffer != 0

    @property
    def is_graph_input(self) -> bool:
        """Fed by the caller."""
        return self in self.graph.inputs

    @property
    def is_graph_output(self) -> bool:
        """Read by the caller."""
        return self in self.graph.outputs

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def size_bytes(self) -> int | None:
        """Bytes of the elements, None for types without a size."""
        return self.dtype.size_bytes(self.elements)

    @property
    def has_array(self) -> bool:
        """Whether there is constant data that :meth:`array` can give."""
        return self.has_data and self.dtype.numpy is not None and self.extra.sparsity is None

    def array(self) -> Array:
        """The constant data as a read-only array of ``shape``.

        Raises:
            ValueError: not constant, packed below a byte, or sparse.
        """
        dtype = self.dtype.numpy
        if dtype is None or not self.has_array:
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


_CODES = {int(code): code for code in OpCode}
_UNKNOWN = OpCode.UNKNOWN


@dataclass(eq=False, slots=True)
class OperatorCode:
    """An entry of the model's operator table.

    ``builtin`` is the effective code, max(deprecated_builtin_code, builtin_code); ``stored`` is
    that pair as the file has it, None to derive it.
    """

    builtin: int
    custom_code: str | None = None
    version: int = 1
    stored: tuple[int, int] | None = None

    @property
    def code(self) -> OpCode:
        """The builtin operator, UNKNOWN for codes that the schema here doesn't name."""
        return _CODES.get(self.builtin, _UNKNOWN)

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
    absent: frozenset[str] = frozenset()


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
        return _CODES.get(self.opcode.builtin, _UNKNOWN)

    @property
    def name(self) -> str:
        """What users call it: ``CONV_2D``, or the name of a custom operator."""
        return self.opcode.label

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

    def operand(self, index: int) -> Value:
        """Input ``index``, where it is known to be there.

        Raises:
            ValueError: it is left out.
        """
        value = self.input(index)
        if value is None:
            raise ValueError(f"{self!r} has no input {index}")
        return value

    def ints(self, index: int) -> tuple[int, ...] | None:
        """The constant integers of an input (shape, axes, amounts); None where there are none."""
        value = self.input(index)
        return None if value is None else value.ints()

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
        """Produce other values; the old ones are left without a producer, and so are variables.

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
            value.producer = None if value.is_variable else self
