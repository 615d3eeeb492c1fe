"""Extend a kernel by zeros in place of a PAD, where that is faster."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from tflopt.config import Goal
from tflopt.facts.operators import PADS
from tflopt.ir import DType, Op, OpCode, Padding
from tflopt.ir.options import Conv2DOptions, DepthwiseConv2DOptions
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, require
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.extend_kernel import Zeros, extensions
from tflopt.search.worth import FormRule


class FoldPadIntoTaps(FormRule):
    """Extend a kernel by zero taps with which SAME pads what PAD does, if that is better.

    It pays along time: of a sensor's samples, one channel wide, PAD copies each by itself, and a
    tap more of seven costs less. Exact: int8 weights are symmetric, so a zero adds nothing to the
    sum, whatever it meets. With ``--goal memory`` `extend-kernel` weighs all PADs together.
    """

    name: ClassVar[str] = "fold-pad-into-taps"
    number: ClassVar[int] = 98
    rank: ClassVar[int] = 164
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = PADS

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Let the convolution read what is padded."""
        readers = op.output.users
        zeros = extensions(op, mve=True) if len(readers) == 1 else None
        if zeros is None or self.worth.goal is Goal.MEMORY:
            return
        sketch = _extended(op, readers[0], zeros[0])
        choice = self.worth.compare([op, readers[0]], sketch)
        require(choice.is_worth_it, choice.why_not("a kernel with zero taps"), at=op)
        sketch.graft(rw, readers[0])
        rw.remove(op)


def _extended(pad: Op, reader: Op, taps: Zeros) -> Sketch:
    sketch, weights, options = Sketch(), reader.operand(1), reader.options
    assert isinstance(options, Conv2DOptions | DepthwiseConv2DOptions)
    data = np.pad(weights.array(), ((0, 0), *taps, (0, 0)))
    kernel = sketch.constant(data, DType.INT8, weights.quant)
    output = reader.output
    sketch.results[output] = sketch.op(
        reader.code,
        [sketch.read(pad.operand(0)), kernel, *sketch.read_present(reader.input(2))],
        output.shape,
        options=replace(options, padding=Padding.SAME),
        quant=output.quant,
        dtype=output.dtype,
        version=reader.opcode.version,
    )
    return sketch
