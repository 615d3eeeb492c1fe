"""Look up what int8 operators give that TFLM lacks: GELU and EXP."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.facts.library_tables import FROM_A_LIBRARY, library_table
from tflopt.facts.tables import EVERY_INT8
from tflopt.ir import Op, OpCode
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, Rule, Why, require
from tflopt.rules.forms.table_forms import as_lookup


class LookUpMissing(Rule):
    """Turn GELU and EXP of int8, which TFLM lacks, into CAST, ADD, GATHER from a table.

    LiteRT looks them up too, in a table that its C library fills in. Exact: for each of the 256
    values both ends of what a C library within 4 units in the last place can give round to the
    same number; where one doesn't, the operator stays.
    """

    name: ClassVar[str] = "look-up-missing"
    number: ClassVar[int] = 92
    rank: ClassVar[int] = 295
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    anchors: ClassVar[frozenset[OpCode]] = FROM_A_LIBRARY

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        source, ends = op.input(0), library_table(op)
        if source is None or ends is None:
            return
        require(len(source.shape) > 0, "it is of a scalar", at=op)
        open_values = int(np.count_nonzero(ends[0] != ends[1]))
        told = f"{open_values} of 256 values lie so near to a half that the C library decides"
        require(not open_values, Why.ROUNDS(told), at=op)
        sketch = as_lookup(source, op.output, ends[0])
        sketch.graft(rw, op)
        rw.prove("enumeration", EVERY_INT8.size)
