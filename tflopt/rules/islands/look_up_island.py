"""Look up what float operators between DEQUANTIZE and QUANTIZE make of each int8 value."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.arith.affine import affine_of
from tflopt.arith.fixed_point import INT8_MIN
from tflopt.facts.clamps import reachable
from tflopt.facts.tables import EVERY_INT8
from tflopt.ir import Op, OpCode
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, Why, require
from tflopt.rules.forms.table_forms import as_lookup
from tflopt.rules.islands.island_forms import reference_of
from tflopt.rules.islands.island_rewrite import float_input, unknown
from tflopt.rules.islands.islands import find_island, is_known_by_ends
from tflopt.rules.islands.rounding import ops_between, remove_unread
from tflopt.search.worth import FormRule


class LookUpIsland(FormRule):
    """Run float operators over one int8 tensor, as SiLU's, as CAST, ADD, GATHER, if better.

    Exact: the table holds what they give for each value that can occur; of LOGISTIC, TANH, EXP and
    ELU both ends of what C libraries within 4 units in the last place can give are the same. It
    comes last: what an int8 operator gives as well is that one's.
    """

    name: ClassVar[str] = "look-up-island"
    number: ClassVar[int] = 89
    rank: ClassVar[int] = 170
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    alike_on_litert: ClassVar[bool] = False
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.QUANTIZE})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Compute the output of a QUANTIZE by a table."""
        root, target = float_input(op), affine_of(op.output)
        island = None if root is None else find_island(root)
        if root is None or island is None or target is None:
            return
        if len(island.tensors) != 1 or unknown(island) is not None or not root.shape:
            return
        (leaf,) = island.tensors
        why = Why.OTHER("what it makes of a C library's function isn't known by its ends")
        require(is_known_by_ends(island), why, at=op)
        reference = reference_of(island, [leaf], target)
        if reference is None:
            return
        one = np.array_equal(reference.low, reference.high)
        require(one, Why.ROUNDS("C libraries may give different results"), at=op)
        entries = np.full(EVERY_INT8.size, reference.low[0])
        entries[reachable(leaf.value) - INT8_MIN] = reference.low
        sketch = as_lookup(leaf.value, op.output, entries)
        choice = self.worth.compare(ops_between(leaf.value, op), sketch)
        require(choice.is_worth_it, choice.why_not("a table"), at=op)
        sketch.graft(rw, op)
        remove_unread(root, rw)
        rw.prove("enumeration", len(reachable(leaf.value)))
