"""A layer as plain, hashable data: what its cost depends on, apart from any model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod

import numpy as np

from tflopt.facts.operators import WEIGHTED, Kind, Trait, facts_of, of_kind
from tflopt.facts.turns import trip_count
from tflopt.ir import Buffer, DType, Graph, Model, Op, OpCode, OperatorCode, Quantization, Value
from tflopt.ir.node import AnyOptions

READ_INTS_LIMIT = 64
UNREAD = WEIGHTED | of_kind(Kind.MATMUL, Kind.RECURRENT)
"""Their integer constants are biases and shapes, on whose elements no cost depends."""
_INTS = frozenset({DType.INT32, DType.INT64})
_SYMBOLIC = np.zeros(1, dtype=np.uint8)


@dataclass(frozen=True)
class TensorSpec:
    """One input or output.

    Attributes:
        constant: in the file, so never written at run time.
        per_channel: more than one scale.
        ints: the elements of a short integer constant (axes, paddings, a permutation).
        variable: state that is kept between inferences.
        scale: of a per-tensor quantization, where the work depends on it (SOFTMAX, LOGISTIC, TANH,
            and ADD, MUL and SUB of int8, where negative numbers cost more), else None.
        zero_point: the same.
    """

    shape: tuple[int, ...]
    dtype: DType = DType.INT8
    constant: bool = False
    per_channel: bool = False
    ints: tuple[int, ...] | None = None
    variable: bool = False
    scale: float | None = None
    zero_point: int | None = None

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type[TensorSpec], tuple[object, ...]]:
        """Without the hash, which differs between processes."""
        return TensorSpec, self._content

    @property
    def _content(self) -> tuple[object, ...]:
        quantization = self.scale, self.zero_point
        flags = self.constant, self.per_channel, self.ints, self.variable
        return self.shape, self.dtype, *flags, *quantization

    @cached_property
    def _hash(self) -> int:
        return hash(self._content)

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Bytes of the elements, 0 for types without a size."""
        return self.dtype.size_bytes(self.elements) or 0


@dataclass(frozen=True)
class LayerSpec:
    """One operator: compare the cost of ``spec`` with that of ``dataclasses.replace(spec, ...)``.

    Inputs, outputs and options stand as TFLite has them: CONV_2D reads (data, weights, bias).

    Attributes:
        trips: how often the body of a WHILE runs, None for other operators and where that is open.
    """

    code: OpCode
    inputs: tuple[TensorSpec | None, ...]
    outputs: tuple[TensorSpec, ...]
    options: AnyOptions = None
    custom_code: str | None = None
    trips: int | None = None

    def input(self, index: int) -> TensorSpec | None:
        """Input ``index``, None where it is left out or the operator has fewer."""
        return self.inputs[index] if index < len(self.inputs) else None

    @property
    def output(self) -> TensorSpec:
        """The first output."""
        return self.outputs[0]

    @property
    def moved_bytes(self) -> int:
        """Bytes of every input and output together."""
        tensors = (*self.inputs, *self.outputs)
        return sum(tensor.size_bytes for tensor in tensors if tensor is not None)


def describe(op: Op) -> LayerSpec:
    """The layer that an operator of a model is."""
    return LayerSpec(
        code=op.code,
        inputs=tuple(None if value is None else _input(op, value) for value in op.inputs),
        outputs=tuple(_tensor(value) for value in op.outputs),
        options=op.options,
        custom_code=op.opcode.custom_code,
        trips=trip_count(op),
    )


def detached(spec: LayerSpec) -> Op:
    """An operator outside any model that has this description, for the dispatch to look at."""
    graph = Graph(Model(buffers=[Buffer()]))
    op = Op(graph, OperatorCode(int(spec.code), spec.custom_code), spec.options)
    op.set_inputs(_values(graph, spec.inputs))
    op.set_outputs(_value(graph, tensor) for tensor in spec.outputs)
    return op


def _input(op: Op, value: Value) -> TensorSpec:
    quant, scale, zero_point = value.quant, None, None
    of_signs = facts_of(op).kind is Kind.BINARY and value.dtype is DType.INT8
    of_codes = of_signs or Trait.SATURATES in facts_of(op).traits
    if of_codes and quant is not None and quant.is_set and quant.count == 1:
        scale, zero_point = quant.scalar()
    reads = of_signs or (op.code not in UNREAD and value.dtype in _INTS)
    short = reads and value.has_data and value.elements <= READ_INTS_LIMIT
    return _tensor(value, value.ints() if short else None, scale, zero_point)


def _tensor(
    value: Value,
    ints: tuple[int, ...] | None = None,
    scale: float | None = None,
    zero_point: int | None = None,
) -> TensorSpec:
    quant = value.quant
    per_channel = quant is not None and quant.is_per_channel
    flags = value.is_constant, per_channel, ints, value.is_variable
    return _known(value.shape, value.dtype, *flags, scale, zero_point)


_known = lru_cache(maxsize=1 << 14)(TensorSpec)
"""Tensors alike are one object, which is found faster than it is made, and compared by identity."""


def _values(graph: Graph, tensors: Iterable[TensorSpec | None]) -> Iterable[Value | None]:
    return (None if tensor is None else _value(graph, tensor) for tensor in tensors)


def _value(graph: Graph, tensor: TensorSpec) -> Value:
    quant = Quantization.per_channel([1.0, 1.0], 0) if tensor.per_channel else None
    value = Value(graph, tensor.dtype, tensor.shape, quant=quant)
    value.is_variable = tensor.variable
    if tensor.ints is not None:
        data = np.asarray(tensor.ints, dtype=tensor.dtype.numpy)
        value.buffer = Buffer(np.frombuffer(data.tobytes(), dtype=np.uint8))
    elif tensor.constant:
        value.buffer = Buffer(_SYMBOLIC)
    return value
