"""Let DEQUANTIZE come after operators that pick among elements, which then work on bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tflopt.arith import floating
from tflopt.arith.affine import affine_of
from tflopt.arith.tables import EVERY_INT8
from tflopt.ir import Activation, DType, Op, OpCode, Value, same_quantization
from tflopt.ir.options import (
    ConcatenationOptions,
    DequantizeOptions,
    MaximumMinimumOptions,
    Options,
    Pool2DOptions,
    ReducerOptions,
)
from tflopt.passes.clamps import is_private
from tflopt.passes.islands import dequantized
from tflopt.passes.rounding import remove_unread
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, Rule, require

REDUCTIONS = frozenset({OpCode.REDUCE_MAX, OpCode.REDUCE_MIN})
SELECTIONS = REDUCTIONS | {
    OpCode.CONCATENATION,
    OpCode.MAXIMUM,
    OpCode.MINIMUM,
    OpCode.MAX_POOL_2D,
}
KNOWN = (ConcatenationOptions, MaximumMinimumOptions, Pool2DOptions, ReducerOptions)
VERSION = 2
"""Of each of these operators on int8."""


@dataclass(frozen=True)
class SelectBeforeDequantize(Rule):
    """Run float MAX_POOL_2D, REDUCE_MAX, MAXIMUM, CONCATENATION on int8, in front of DEQUANTIZE.

    Exact: their output consists of elements of their inputs, and DEQUANTIZE, by one scale and
    zero point, keeps the order of all 256 values, which are compared.
    """

    name: ClassVar[str] = "select-before-dequantize"
    anchors: ClassVar[frozenset[OpCode]] = SELECTIONS
    exactness: ClassVar[Exactness] = BY_ENUMERATION

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Select among integers, and dequantize what is selected."""
        reals = op.inputs[:1] if op.code in REDUCTIONS else op.inputs
        sources = [source for source in map(dequantized, reals) if source is not None]
        if not sources or len(sources) != len(reals) or not _is_plain(op):
            return
        first = sources[0]
        same = all(same_quantization(source.quant, first.quant) for source in sources)
        require(same, "its inputs have different quantizations", at=op)
        alone = all(real is not None and _is_read_by(real, op) for real in reals)
        require(alone, "others read the dequantized tensor as well", at=op)
        require(_is_increasing(first), "several of its values become the same float", at=op)
        quant, options = first.quant, op.options
        selected = rw.value(op.output, dtype=DType.INT8, quant=quant)
        assert isinstance(options, Options | None)
        inputs = [*sources, *op.inputs[len(reals) :]]
        rw.insert(op, op.code, inputs, [selected], options, VERSION)
        rw.set_inputs(op, [selected])
        rw.set_code(op, OpCode.DEQUANTIZE, DequantizeOptions(), VERSION)
        for real in dict.fromkeys(reals):
            remove_unread(real, rw)
        rw.prove("enumeration", len(EVERY_INT8))


def _is_read_by(real: Value, op: Op) -> bool:
    """Whether ``op`` alone reads it, more than once perhaps."""
    return is_private(real) or (real.users == (op,) and not real.is_graph_output)


def _is_plain(op: Op) -> bool:
    """Whether the operator selects, without an activation, from and to floats."""
    options = op.options
    if op.output.dtype is not DType.FLOAT32 or not isinstance(options, KNOWN):
        return False
    if isinstance(options, ConcatenationOptions | Pool2DOptions):
        return options.fused_activation_function is Activation.NONE
    return True


def _is_increasing(source: Value) -> bool:
    params = affine_of(source)
    assert params is not None
    floats = floating.dequantize(EVERY_INT8, params)
    return bool(np.isfinite(floats).all() and np.all(np.diff(floats) > 0))
