"""How the rules of this room write PAD and SLICE, and what they all ask before they move one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tflopt.facts.slices import DTYPES, RANKS, Region, whole
from tflopt.ir import Op, OpCode, Value, same_quantization
from tflopt.ir.options import PadOptions, PadV2Options, SliceOptions, StridedSliceOptions
from tflopt.rewrite import Rewriter, Why, require, require_no_variable

PAD_VERSION = 2
"""The first version of PAD that takes int8."""
SLICE_VERSION = 2
"""The first version of SLICE that takes int8."""


def insert_pad(
    rw: Rewriter, before: Op, source: Value, amounts: Sequence[tuple[int, int]], like: Op | None
) -> Value:
    """``source`` padded with what the PAD or PADV2 ``like`` pads with, None for a plain PAD."""
    shape = [n + a + b for n, (a, b) in zip(source.shape, amounts, strict=True)]
    output = rw.value(source, shape=shape)
    inputs = [source, rw.constant(np.asarray(amounts, dtype=np.int32), source)]
    code, version = OpCode.PAD, PAD_VERSION
    if like is not None:
        code, version = like.code, like.opcode.version
        inputs += [value for value in like.inputs[2:] if value is not None]
    rw.insert(before, code, inputs, [output], pad_options(code), version)
    return output


def pad_options(code: OpCode) -> PadOptions | PadV2Options:
    """The options table of the operator."""
    return PadV2Options() if code is OpCode.PADV2 else PadOptions()


def insert_slice(rw: Rewriter, before: Op, source: Value, region: Region, like: Op | None) -> Value:
    """The block of ``source``, ``source`` itself if it is all.

    By an operator of the kind of ``like``, by a SLICE without.
    """
    if region == whole(source.shape):
        return source
    output = rw.value(source, shape=region.size)
    begin = rw.constant(np.asarray(region.begin, dtype=np.int32), source)
    version = SLICE_VERSION if like is None else like.opcode.version
    if like is None or like.code is OpCode.SLICE:
        size = rw.constant(np.asarray(region.size, dtype=np.int32), source)
        rw.insert(before, OpCode.SLICE, [source, begin, size], [output], SliceOptions(), version)
        return output
    last = [b + n for b, n in zip(region.begin, region.size, strict=True)]
    end = rw.constant(np.asarray(last, dtype=np.int32), source)
    steps = rw.constant(np.ones(len(last), dtype=np.int32), source)
    inputs = [source, begin, end, steps]
    options = StridedSliceOptions()
    rw.insert(before, OpCode.STRIDED_SLICE, inputs, [output], options, version)
    return output


def check_movable(op: Op, source: Value) -> None:
    """Require what every rule needs that lets ``op`` cut ``source`` instead of its own input."""
    middle = op.operand(0)
    require(len(middle.uses) == 1, Why.SHARED("another operator reads what it cuts"), at=op)
    same = same_quantization(middle.quant, op.output.quant)
    require(same, Why.QUANTIZATION("it changes the quantization of what it hands on"), at=op)
    require_no_variable(source, at=op)
    taken = source.dtype in DTYPES and len(source.shape) <= RANKS[op.code]
    require(taken, "TFLM's kernel doesn't take what is in front", at=op)
    signature = middle.extra.shape_signature
    require(
        signature is None or -1 not in signature, Why.OPEN_SHAPE("a dimension is open (-1)"), at=op
    )
