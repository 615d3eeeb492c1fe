"""Run MIRROR_PAD as GATHER of whole rows."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.ir import DType, Op, OpCode, Value
from tflopt.ir.options import GatherOptions, MirrorPadOptions
from tflopt.rewrite import Rewriter, Why, require, required
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.rewrite_slice import GATHER_VERSION, GATHERED
from tflopt.search.worth import FormRule

MODES = ("reflect", "symmetric")
"""By the schema's number: without and with the edge itself."""
Amounts = list[tuple[int, int]]


class MirrorPadToGather(FormRule):
    """Run MIRROR_PAD as one GATHER of constant indices for each axis that it pads, if better.

    TFLM's MIRROR_PAD divides its way to every single element, about 150 instructions each; GATHER
    copies rows. The innermost axis comes first, while the tensor is small. Exact: the same
    elements are copied.
    """

    name: ClassVar[str] = "mirror-pad-to-gather"
    number: ClassVar[int] = 88
    rank: ClassVar[int] = 162
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.MIRROR_PAD})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        source, options = op.input(0), op.options
        if source is None or not isinstance(options, MirrorPadOptions):
            return
        amounts = required(_amounts(op), Why.COMPUTED("the amounts are computed"), at=op)
        taken = source.dtype in GATHERED and options.mode < len(MODES)
        require(taken, "GATHER takes int8 and float32 only", at=op)
        edge = options.mode == 0
        fits = all(
            max(pair) <= size - edge for size, pair in zip(source.shape, amounts, strict=True)
        )
        require(fits, "it pads more than there is", at=op)
        if not any(map(any, amounts)):
            return
        sketch = Sketch()
        sketch.results[op.output] = _gathered(sketch, source, amounts, MODES[options.mode])
        choice = self.worth.compare([op], sketch)
        require(choice.is_worth_it, choice.why_not("GATHER"), at=op)
        sketch.graft(rw, op)


def _amounts(op: Op) -> Amounts | None:
    numbers = op.ints(1)
    return None if numbers is None else list(zip(numbers[::2], numbers[1::2], strict=True))


def _gathered(sketch: Sketch, source: Value, amounts: Amounts, mode: str) -> Value:
    gathered = sketch.read(source)
    for axis in reversed(range(len(source.shape))):
        if not any(amounts[axis]):
            continue
        places = np.arange(source.shape[axis])
        picks = np.pad(places, amounts[axis], "reflect" if mode == "reflect" else "symmetric")
        shape = (*gathered.shape[:axis], picks.size, *gathered.shape[axis + 1 :])
        gathered = sketch.op(
            OpCode.GATHER,
            [gathered, sketch.constant(picks, DType.INT32)],
            shape,
            options=GatherOptions(axis),
            version=GATHER_VERSION,
        )
    return gathered
