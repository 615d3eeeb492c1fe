"""Let DEQUANTIZE come after operators that pick among elements, which then work on bytes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.arith import floating
from tflopt.arith.affine import affine_of
from tflopt.facts.clamps import is_private
from tflopt.facts.tables import EVERY_INT8
from tflopt.ir import DType, Op, OpCode, Options, Value, same_quantization
from tflopt.ir.options import DequantizeOptions
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, Rule, Why, require
from tflopt.rules.islands.islands import dequantized
from tflopt.rules.islands.rounding import remove_unread
from tflopt.rules.islands.selections import COPIES, JOINS, PARTS, SORTING, picked

VERSION = 2
"""Of each of these operators on int8."""


class SelectBeforeDequantize(Rule):
    """Run float MAX_POOL_2D, MAXIMUM, CONCATENATION, SPLIT, GATHER on int8, before DEQUANTIZE.

    Exact: their output consists of elements of their inputs, and DEQUANTIZE, by one scale and
    zero point, keeps the order of all 256 values, which are compared.
    """

    name: ClassVar[str] = "select-before-dequantize"
    number: ClassVar[int] = 11
    rank: ClassVar[int] = 110
    anchors: ClassVar[frozenset[OpCode]] = SORTING | JOINS | COPIES | frozenset(PARTS)
    exactness: ClassVar[Exactness] = BY_ENUMERATION

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Select among integers, and dequantize what is selected."""
        places = picked(op) or ()
        reals = [op.inputs[place] for place in places]
        sources = [source for source in map(dequantized, reals) if source is not None]
        if not sources or len(sources) != len(reals) or not _gives_floats(op):
            return
        first = sources[0]
        same = all(same_quantization(source.quant, first.quant) for source in sources)
        require(same, "its inputs have different quantizations", at=op)
        alone = all(real is not None and _is_read_by(real, op) for real in reals)
        require(alone, Why.SHARED("others read the dequantized tensor as well"), at=op)
        require(_is_increasing(first), "several of its values become the same float", at=op)
        before = sum(source.elements for source in sources)
        larger = sum(output.elements for output in op.outputs) > before
        require(not larger, "it has more elements behind than in front", at=op)
        inputs = list(op.inputs)
        for place, source in zip(places, sources, strict=True):
            inputs[place] = source
        _exchange(op, inputs, first, rw)
        for real in dict.fromkeys(reals):
            remove_unread(real, rw)
        rw.prove("enumeration", len(EVERY_INT8))


def _exchange(op: Op, inputs: list[Value | None], like: Value, rw: Rewriter) -> None:
    """Put the operator on integers in front, and a DEQUANTIZE in place of each of its results."""
    options, outputs = op.options, op.outputs
    assert isinstance(options, Options | None)
    selected = [rw.value(output, dtype=DType.INT8, quant=like.quant) for output in outputs]
    rw.insert(op, op.code, inputs, selected, options, VERSION)
    if len(outputs) == 1:
        rw.set_inputs(op, selected)
        rw.set_code(op, OpCode.DEQUANTIZE, DequantizeOptions(), VERSION)
        return
    for output, value in zip(outputs, selected, strict=True):
        if output.uses:
            real = rw.value(output, same_elements=True)
            rw.insert(op, OpCode.DEQUANTIZE, [value], [real], DequantizeOptions(), VERSION)
            rw.replace_uses(output, real)
    rw.remove(op)


def _is_read_by(real: Value, op: Op) -> bool:
    """Whether ``op`` alone reads it, more than once perhaps."""
    return is_private(real) or (real.users == (op,) and not real.is_graph_output)


def _gives_floats(op: Op) -> bool:
    return all(output.dtype is DType.FLOAT32 for output in op.outputs)


def _is_increasing(source: Value) -> bool:
    params = affine_of(source)
    assert params is not None
    floats = floating.dequantize(EVERY_INT8, params)
    return bool(np.isfinite(floats).all() and np.all(np.diff(floats) > 0))
