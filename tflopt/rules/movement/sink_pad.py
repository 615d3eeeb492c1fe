"""Move PAD below operators that work element by element."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.operators import Trait, facts_of, having
from tflopt.facts.pads import pad_above, zero_of
from tflopt.ir import DType, Op, OpCode, Options, Value, same_quantization
from tflopt.rewrite import (
    BY_ENUMERATION,
    Exactness,
    Rewriter,
    Rule,
    Why,
    require,
    require_no_variable,
)
from tflopt.rules.movement.write import PAD_VERSION, pad_options


class SinkPad(Rule):
    """Move PAD below RELU, QUANTIZE and other operators that map 0 to 0.

    It then meets the convolution or the PAD that it can be folded into, and the operator works on
    fewer elements. Exact: the PAD behind pads with the output's zero point, which is what these
    kernels make of the input's: they requantize the difference to the zero point, and 0 times a
    multiplier is 0. RELU6 only clamps (``activations.cc``), so there both must be quantized alike.
    """

    name: ClassVar[str] = "sink-pad"
    number: ClassVar[int] = 19
    rank: ClassVar[int] = 190
    anchors: ClassVar[frozenset[OpCode]] = having(Trait.MAPS_ZERO)
    exactness: ClassVar[Exactness] = BY_ENUMERATION

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Exchange the two."""
        above = pad_above(op)
        if above is None or not isinstance(op.options, Options | None):
            return
        pad, source, padded = above.op, above.source, above.output
        require(
            len(padded.uses) == 1, Why.SHARED("another operator reads the padded tensor"), at=pad
        )
        require_no_variable(source, at=pad)
        zero = above.pads_zero or _pads_float_zero(pad)
        require(zero, "it pads with another value than 0", at=pad)
        require(_gives_zero(op, padded), "the operator behind doesn't map 0 to 0", at=pad)
        wider = (op.output.dtype.bits or 0) > (padded.dtype.bits or 0)
        require(not wider, "the elements behind are wider", at=pad)
        small = rw.value(op.output, shape=source.shape)
        behind = rw.value(op.output, same_elements=True)
        inputs = [source, *op.inputs[1:]]
        rw.insert(op, op.code, inputs, [small], op.options, op.opcode.version)
        inputs, options = [small, pad.input(1)], pad_options(OpCode.PAD)
        rw.insert(op, OpCode.PAD, inputs, [behind], options, PAD_VERSION)
        rw.bypass(op, behind)
        rw.remove(pad)


def _pads_float_zero(pad: Op) -> bool:
    """PAD pads floats with 0.0."""
    return pad.code is OpCode.PAD and pad.output.dtype is DType.FLOAT32


def _gives_zero(op: Op, padded: Value) -> bool:
    if zero_of(op.output) is None:
        return False
    if padded.dtype is DType.FLOAT32:
        return Trait.KEEPS_TYPE not in facts_of(op).traits
    return op.code is not OpCode.RELU6 or same_quantization(padded.quant, op.output.quant)
