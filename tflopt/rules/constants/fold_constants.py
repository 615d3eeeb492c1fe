"""Compute ahead of time what depends on constants only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tflopt.facts.evaluate import COVERED, MOST_BYTES, evaluate
from tflopt.facts.operators import VIEWS
from tflopt.facts.tflm import KERNELS
from tflopt.ir import DType, Op, OpCode, Value
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Rule, Why, require, required

GROWTH_BYTES = 256
"""About what an operator with its tensors and options takes in the file and in the arena."""
WITHOUT_NUMPY = frozenset({DType.BFLOAT16, DType.FLOAT8_E4M3FN, DType.FLOAT8_E5M2})
"""Held in NumPy's integers of their size."""


@dataclass(frozen=True)
class FoldConstants(Rule):
    """Compute operators whose inputs are all constant, and store what they give.

    Exact: movements of data and integer arithmetic without overflow have one result; QUANTIZE and
    DEQUANTIZE round as TFLM's kernels do (``quantize.h``, ``dequantize.h``). Arithmetic on other
    quantized tensors and on floats is left to the runtime.

    Args:
        growth_bytes: decline where the constants would take more bytes than this in addition,
            unless TFLM has no kernel for the operator.
    """

    name: ClassVar[str] = "fold-constants"
    number: ClassVar[int] = 24
    rank: ClassVar[int] = 240
    anchors: ClassVar[frozenset[OpCode]] = COVERED
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    growth_bytes: int = GROWTH_BYTES

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Let the readers read constants."""
        inputs = [value for value in op.inputs if value is not None]
        if not inputs or len(inputs) != len(op.inputs) or not all(map(_is_plain, inputs)):
            return
        results = evaluate(op, [value.array() for value in inputs])
        results = required(results, "its arithmetic is left to the runtime", at=op)
        kept = [not value.is_graph_output for value in op.outputs]
        require(all(kept), Why.INTERFACE("an output of the model can't be a constant"), at=op)
        shared = op.code in VIEWS  # equal data is stored once
        growth = sum(array.nbytes for array in results) - _freed_bytes(op, inputs)
        small = shared or growth <= self.growth_bytes or _lacks_kernel(op)
        require(small, Why.OTHER("the file would grow by {growth} bytes", growth=growth), at=op)
        bounded = growth <= GROWTH_BYTES or _stored_bytes(rw) + growth <= MOST_BYTES
        large = Why.OTHER(
            "the model's constants would take more than {most} bytes", most=MOST_BYTES
        )
        require(bounded, large, at=op)
        for value, array in zip(op.outputs, results, strict=True):
            if value.uses:
                constant = rw.constant(array, value, quant=value.quant, name=value.name)
                rw.replace_uses(value, constant)
        rw.remove(op)


def _stored_bytes(rw: Rewriter) -> int:
    """Bytes of the buffers that rules made: those of the file are views of it."""
    return sum(buffer.size_bytes for buffer in rw.model.buffers) - rw.model.source_bytes


def _is_plain(value: Value) -> bool:
    known = value.has_data and value.extra.sparsity is None
    return known and value.dtype.numpy is not None and value.dtype not in WITHOUT_NUMPY


def _freed_bytes(op: Op, inputs: list[Value]) -> int:
    """The bytes of inputs that nobody else reads."""
    own = [value for value in inputs if value.users == (op,) and not value.is_graph_output]
    return sum(value.size_bytes or 0 for value in set(own))


def _lacks_kernel(op: Op) -> bool:
    """Without folding TFLM can't run the model."""
    value = op.input(0)
    half = value is not None and value.dtype is DType.FLOAT16
    return op.code not in KERNELS or (op.code is OpCode.DEQUANTIZE and half)
