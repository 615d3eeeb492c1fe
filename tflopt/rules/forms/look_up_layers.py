"""Look up what layers make of a single int8 number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tflopt.arith.accumulator import dense, dense_multiplier, requantize_accumulator
from tflopt.arith.affine import Precision, affine_of
from tflopt.arith.fixed_point import INT8_MIN, Ints, ints, overflows
from tflopt.facts.operators import VIEWS
from tflopt.facts.tables import EVERY_INT8, table
from tflopt.ir import Op, OpCode, Value
from tflopt.rewrite import BY_ENUMERATION, Exactness, Rewriter, Why, require, require_no_variable
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.dense_forms import Dense
from tflopt.rules.forms.fully_connected_to_conv import dense_of
from tflopt.rules.forms.table_forms import as_row_lookup
from tflopt.search.worth import Choice, FormRule

MOST_ELEMENTS = 256
"""Of what an operator gives: 64 KiB of table."""
MOST_OPS = 32


@dataclass(frozen=True)
class _Stretch:
    """Operators from the one that reads the number on.

    Args:
        results: what the last one gives for each int8 value, for each :class:`Precision`, shaped
            (2, 256, elements).
    """

    ops: tuple[Op, ...]
    results: Ints

    @property
    def output(self) -> Value:
        return self.ops[-1].output

    @property
    def is_known(self) -> bool:
        """Whether both precisions give the same, in a shape that GATHER can give."""
        fits = self.output.elements == 1 or self.output.shape[:1] == (1,)
        return fits and bool((self.results[0] == self.results[1]).all())


class LookUpLayers(FormRule):
    """Run FULLY_CONNECTED of one int8 number, and what follows, as CAST, ADD, GATHER, if better.

    A network whose input is one number has 256 answers. Exact: the table holds what the layers
    give for each of them, the same with multipliers in single and in double precision.
    """

    name: ClassVar[str] = "look-up-layers"
    number: ClassVar[int] = 96
    rank: ClassVar[int] = 90
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    alike_on_litert: ClassVar[bool] = False
    alike_on_default_path: ClassVar[bool] = False
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.FULLY_CONNECTED})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operators up to where that is best."""
        source = op.input(0)
        if source is None or source.elements != 1 or source.has_data or dense_of(op) is None:
            return
        require_no_variable(source, at=op)
        if op.output.elements > MOST_ELEMENTS:
            return
        known = [candidate for candidate in _stretches(op) if candidate.is_known]
        same = Why.ROUNDS("what it gives isn't the same in single and in double precision")
        require(bool(known), same, at=op)
        stretch, sketch, choice = self._longest(source, known)
        require(choice.is_worth_it, choice.why_not("a table"), at=op)
        sketch.graft(rw, stretch.ops[-1])
        for inner in reversed(stretch.ops[:-1]):
            rw.remove(inner)
        rw.prove("enumeration", EVERY_INT8.size)

    def _longest(self, source: Value, known: Sequence[_Stretch]) -> tuple[_Stretch, Sketch, Choice]:
        """The longest that is worth it, or the shortest."""
        for stretch in reversed(known):
            sketch = as_row_lookup(source, stretch.output, stretch.results[0])
            choice = self.worth.compare(stretch.ops, sketch)
            if choice.is_worth_it:
                break
        return stretch, sketch, choice


def _stretches(op: Op) -> Iterator[_Stretch]:
    """From ``op`` to each operator up to which all that is computed comes of its input."""
    ops: tuple[Op, ...] = ()
    every = np.broadcast_to(EVERY_INT8[:, np.newaxis], (len(Precision), EVERY_INT8.size, 1))
    results = _results_of(op, every)
    while results is not None and len(ops) < MOST_OPS:
        ops = (*ops, op)
        yield _Stretch(ops, results)
        readers = op.output.users
        alone = len(readers) == 1 and not op.output.is_graph_output
        if not alone or readers[0].input(0) is not op.output:
            return
        op = readers[0]
        results = _results_of(op, results)


def _results_of(op: Op, before: Ints) -> Ints | None:
    """What an operator makes of what the one before gives; None where it isn't known."""
    if op.output.elements > MOST_ELEMENTS:
        return None
    if op.code in VIEWS:
        return before
    layer = dense_of(op)
    if layer is not None:
        pairs = zip(Precision, before, strict=True)
        all_rows = [_dense_rows(layer, values, precision) for precision, values in pairs]
        rows = [row for row in all_rows if row is not None]
        return np.stack(rows) if len(rows) == len(all_rows) else None
    maps = table(op)
    if maps is None or op.output.elements != before.shape[2]:
        return None
    return np.stack([row[values - INT8_MIN] for row, values in zip(maps, before, strict=True)])


def _dense_rows(layer: Dense, rows: Ints, precision: Precision) -> Ints | None:
    source, target = affine_of(layer.data), affine_of(layer.op.output)
    points, scales = layer.quant.zero_point, layer.quant.scales
    if source is None or target is None or layer.rows != 1 or points is None or points.any():
        return None
    total = dense(rows - source.zero_point, ints(layer.weights))
    if layer.bias is not None:
        total = total + layer.bias.array().astype(np.int64)
    per_channel = layer.quant.is_per_channel
    multiplier, shift = dense_multiplier(
        source, scales, target, Precision.DOUBLE if per_channel else precision
    )
    if overflows(total, shift):
        return None
    return requantize_accumulator(total, multiplier, shift, target, layer.fused)
