"""Models in a few lines, for tests and for the generator of random graphs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tflopt.ir.model import Graph, Model
from tflopt.ir.node import Buffer, Op, OperatorCode, Value
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import Options
from tflopt.ir.quantization import Quantization
from tflopt.ir.types import DType, dtype_of


class Builder:
    """Adds tensors and operators to a new one-graph model.

    ::

        b = Builder()
        x = b.input((1, 4), quant=(0.5, -3))
        b.output(b.op(OpCode.RESHAPE, [x, b.constant([2, 2])], (2, 2), options=ReshapeOptions()))
        model = b.model
    """

    def __init__(self, model: Model | None = None) -> None:
        self.model = model or Model(buffers=[Buffer()])
        self.graph = Graph(self.model)
        self.model.graphs.append(self.graph)

    def input(
        self,
        shape: Sequence[int],
        dtype: DType = DType.INT8,
        quant: tuple[float, int] | Quantization | None = (0.05, 0),
        name: str | None = None,
    ) -> Value:
        """A graph input."""
        value = self.value(shape, dtype, quant, name or f"input{len(self.graph.inputs)}")
        self.graph.inputs.append(value)
        return value

    def output(self, *values: Value) -> None:
        """Make values graph outputs."""
        for value in values:
            self.graph.outputs.append(value)

    def value(
        self,
        shape: Sequence[int],
        dtype: DType = DType.INT8,
        quant: tuple[float, int] | Quantization | None = None,
        name: str | None = None,
    ) -> Value:
        """A value that nobody produces yet; quantization only where the type can carry it."""
        if isinstance(quant, tuple):
            quant = Quantization.per_tensor(*quant)
        if dtype not in (DType.INT8, DType.INT16, DType.UINT8, DType.INT32, DType.INT4):
            quant = None
        name = name or f"t{len(self.graph.values)}"
        buffer = self.model.buffers[0]
        return self.graph.add_value(
            Value(self.graph, dtype, shape, name=name, quant=quant, buffer=buffer)
        )

    def constant(
        self,
        data: npt.ArrayLike,
        dtype: DType = DType.INT32,
        quant: tuple[float, int] | Quantization | None = None,
        name: str | None = None,
    ) -> Value:
        """A constant; int32 without quantization by default (shapes, axes, paddings)."""
        array = np.asarray(data, dtype=dtype.numpy)
        value = self.value(array.shape, dtype_of(array), quant, name)
        raw = np.frombuffer(np.ascontiguousarray(array).tobytes(), dtype=np.uint8)
        value.buffer = Buffer(raw)
        self.model.buffers.append(value.buffer)
        return value

    def op(
        self,
        code: OpCode,
        inputs: Sequence[Value | None],
        shape: Sequence[int],
        *,
        options: Options | None = None,
        quant: tuple[float, int] | Quantization | None = None,
        dtype: DType | None = None,
        version: int = 1,
    ) -> Value:
        """One operator with one output; type and quantization follow the first input."""
        return self.ops(code, inputs, [shape], options, quant, dtype, version)[0]

    def ops(
        self,
        code: OpCode,
        inputs: Sequence[Value | None],
        shapes: Sequence[Sequence[int]],
        options: Options | None = None,
        quant: tuple[float, int] | Quantization | None = None,
        dtype: DType | None = None,
        version: int = 1,
    ) -> list[Value]:
        """One operator with one output for each shape."""
        entry = self.model.opcode(code, version)
        return self.custom(entry, inputs, shapes, options, quant, dtype)

    def custom(
        self,
        entry: OperatorCode,
        inputs: Sequence[Value | None],
        shapes: Sequence[Sequence[int]],
        options: Options | None = None,
        quant: tuple[float, int] | Quantization | None = None,
        dtype: DType | None = None,
    ) -> list[Value]:
        """An operator by its table entry, which may be a custom one."""
        if entry not in self.model.opcodes:
            self.model.opcodes.append(entry)
        first = next((value for value in inputs if value is not None), None)
        quant = quant if quant is not None else (first.quant if first is not None else None)
        dtype = dtype if dtype is not None else (first.dtype if first is not None else DType.INT8)
        op = Op(self.graph, entry, options)
        op.set_inputs(inputs)
        op.set_outputs([self.value(shape, dtype, quant) for shape in shapes])
        self.graph.insert(op)
        return list(op.outputs)
