"""Run elementwise operators that broadcast in kernels that CMSIS-NN has."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.tables import EVERY_INT8
from tflopt.ir import DType, Op, OpCode, Options
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, require
from tflopt.rules.forms.one_tap_forms import as_depthwise
from tflopt.rules.forms.spread_forms import spread_forms
from tflopt.search.worth import FormRule


class AvoidBroadcast(FormRule):
    """Run ADD, SUB and MUL that broadcast as a 1x1 depthwise, or on equal shapes, if better.

    CMSIS-NN's ADD and MUL take equal shapes only, and TFLM's own loop is slow. With a constant
    for each channel, one tap of a depthwise convolution gives the same output: compared for all
    256 inputs and every different constant. Or the operand is spread over the output's shape, a
    constant in the file, what is computed (the factors of squeeze-and-excite) by
    RESIZE_NEAREST_NEIGHBOR, which copies whole pixels; both kernels do the same arithmetic.
    """

    name: ClassVar[str] = "avoid-broadcast"
    number: ClassVar[int] = 85
    rank: ClassVar[int] = 145
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    alike_on_litert: ClassVar[bool] = False
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.ADD, OpCode.SUB, OpCode.MUL})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator by the best form."""
        shape, known = op.output.shape, isinstance(op.options, Options)
        if len(op.inputs) != 2 or op.output.dtype is not DType.INT8 or not known:
            return
        narrow = [i for i, value in enumerate(op.inputs) if value and value.shape != shape]
        if len(narrow) != 1:
            return
        taps = as_depthwise(op)
        sketches = [] if taps is None else [taps]
        if op.code is not OpCode.SUB:
            sketches += spread_forms(op, narrow[0])
        if not sketches:
            return
        sketch, choice = self.worth.best([op], sketches)
        require(choice.is_worth_it, choice.why_not("a form without broadcast"), at=op)
        sketch.graft(rw, op)
        if sketch is taps:
            rw.prove("enumeration", EVERY_INT8.size)
        else:
            rw.prove("arithmetic")
