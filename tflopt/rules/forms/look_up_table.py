"""Look up what an int8 operator makes of each of its 256 values."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.tables import EVERY_INT8, OF_ONE, table
from tflopt.ir import Op, OpCode
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, Why, require
from tflopt.rules.forms.table_forms import as_lookup
from tflopt.search.worth import FormRule
from tflopt.target.cost import predict_instructions


class LookUpTable(FormRule):
    """Run LOGISTIC, TANH and other int8 operators of one tensor as CAST, ADD, GATHER, if better.

    GATHER takes the same few instructions whatever the input is. Exact: the table holds the
    operator's output for all 256 values. TFLM's LOGISTIC and TANH take a tenth of the
    instructions where the input saturates, so the table must pay even if half of the values that
    the scale and the zero point leave to compute are never met.
    """

    name: ClassVar[str] = "look-up-table"
    number: ClassVar[int] = 87
    rank: ClassVar[int] = 155
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    alike_on_litert: ClassVar[bool] = False
    anchors: ClassVar[frozenset[OpCode]] = OF_ONE

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        source, results = op.input(0), table(op)
        if source is None or results is None or len(op.inputs) != 1:
            return
        if not source.shape or not bool((results[0] == results[1]).all()):
            return
        sketch = as_lookup(source, op.output, results[0])
        choice = self.worth.compare([op], sketch)
        require(choice.is_worth_it, choice.why_not("a table"), at=op)
        prediction = predict_instructions(op, self.worth.device)
        cautious = (prediction.least + prediction.instructions) // 2
        taken = self.worth.instructions(sketch.graph.ops)
        sure = taken is not None and taken < cautious
        require(sure, Why.NO_GAIN("a table pays only if few of its inputs saturate"), at=op)
        sketch.graft(rw, op)
        rw.prove("enumeration", EVERY_INT8.size)
