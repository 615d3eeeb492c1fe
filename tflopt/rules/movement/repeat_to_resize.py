"""Turn TILE and other ways to repeat elements into RESIZE_NEAREST_NEIGHBOR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tflopt.facts.operators import VIEWS
from tflopt.facts.repeats import Pattern, Repeat, repeat_of, resize_pattern, resize_shapes
from tflopt.ir import DType, Op, OpCode, Value, same_quantization
from tflopt.ir.options import (
    ConcatenationOptions,
    ResizeNearestNeighborOptions,
)
from tflopt.rewrite import (
    BY_ENUMERATION,
    Exactness,
    Rewriter,
    Rule,
    Why,
    require,
    require_no_variable,
    required,
)
from tflopt.rewrite.makers import insert_reshape

RESIZABLE = {DType.INT8: 3, DType.FLOAT32: 3, DType.INT16: 4}
"""Versions of the operator with half pixels, by the element types of TFLM's kernel."""
JOINABLE = frozenset({DType.INT32, DType.INT64, DType.BOOL})
MOST_INPUTS = 10
"""``kMaxInputNum`` of TFLM's CONCATENATION."""


@dataclass(frozen=True)
class _Form:
    """Where RESIZE_NEAREST_NEIGHBOR reads and what it gives; ``skipped`` views go."""

    source: Value
    reads: tuple[int, ...]
    gives: tuple[int, ...]
    skipped: Op | None
    result: Value

    @property
    def added(self) -> int:
        """RESHAPEs that are needed around it."""
        return (self.reads != self.source.shape) + (self.gives != self.result.shape)


class RepeatToResize(Rule):
    """Turn TILE, SPLIT with repeated CONCATENATION and the like into RESIZE_NEAREST_NEIGHBOR.

    TFLM has no TILE, and joins ten tensors at most. RESHAPEs around the repetition go with it.
    Exact: by whole factors the kernel copies each element to its place; the rule runs the
    kernel's float32 arithmetic on every coordinate. Element types that it doesn't take are
    repeated by CONCATENATION.
    """

    name: ClassVar[str] = "repeat-to-resize"
    number: ClassVar[int] = 26
    rank: ClassVar[int] = 260
    anchors: ClassVar[frozenset[OpCode]] = frozenset(
        {OpCode.TILE, OpCode.BROADCAST_TO, OpCode.CONCATENATION}
    )
    exactness: ClassVar[Exactness] = BY_ENUMERATION

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Choose the form that needs the fewest RESHAPEs."""
        repeat = repeat_of(op)
        if repeat is None or all(times == 1 for times, _ in repeat.pattern):
            if op.code is OpCode.TILE:
                require(
                    repeat is not None,
                    Why.COMPUTED("the multiples are computed at run time"),
                    at=op,
                )
            return
        runs = op.code is not OpCode.TILE and len(op.inputs) <= MOST_INPUTS
        if op.output.dtype not in RESIZABLE:
            if op.code is OpCode.TILE:
                _join(op, repeat, rw)
            return
        forms = [form for form in _forms(op, repeat) if form is not None]
        best = min(forms, key=lambda form: form.added, default=None)
        if best is None and runs:
            return
        best = required(best, "it repeats along more than two axes", at=op)
        gains = best.added == 0 and (bool(repeat.helpers) or best.skipped is not None)
        gains = gains or (best.added == 0 and best.source is not repeat.source)
        if runs and not gains:
            return
        require_no_variable(best.source, at=op)
        _resize(op, repeat, best, rw)


def _forms(op: Op, repeat: Repeat) -> list[_Form | None]:
    source, output = repeat.source, op.output
    readers = output.users
    view = readers[0] if len(output.uses) == 1 and readers else None
    skipped = view if view is not None and view.code in VIEWS else None
    if skipped is not None and not same_quantization(skipped.output.quant, output.quant):
        skipped = None
    sources = [source]
    above = source.producer
    behind = above.input(0) if above is not None and above.code in VIEWS else None
    if behind is not None and same_quantization(behind.quant, source.quant):
        sources = [behind, source]
    ends: list[tuple[Op | None, Value]] = []
    if skipped is not None:
        ends.append((skipped, skipped.output))
    ends.append((None, output))
    direct = [
        _direct(start, repeat.pattern, end, result) for start in sources for end, result in ends
    ]
    around = resize_shapes(repeat.pattern)
    if around is None:
        return direct
    free = [_Form(start, *around, end, result) for start in sources for end, result in ends]
    return [*direct, *free]


def _direct(source: Value, pattern: Pattern, skipped: Op | None, result: Value) -> _Form | None:
    if resize_pattern(source.shape, result.shape) != pattern:
        return None
    return _Form(source, source.shape, result.shape, skipped, result)


def _resize(op: Op, repeat: Repeat, form: _Form, rw: Rewriter) -> None:
    output, source = form.result, form.source
    if form.reads != source.shape:
        source = rw.value(repeat.source, shape=form.reads)
        insert_reshape(rw, op, form.source, source)
    size = rw.constant(np.asarray(form.gives[1:3], dtype=np.int32), op.output)
    large = rw.value(output, shape=form.gives, same_elements=True)
    scaled = ResizeNearestNeighborOptions(half_pixel_centers=True)
    version = RESIZABLE[op.output.dtype]
    rw.insert(op, OpCode.RESIZE_NEAREST_NEIGHBOR, [source, size], [large], scaled, version)
    if form.gives != output.shape:
        small, large = large, rw.value(output, same_elements=True)
        insert_reshape(rw, op, small, large)
    rw.replace_uses(output, large)
    for gone in (form.skipped, op, *repeat.helpers):
        if gone is not None:
            rw.remove(gone)


def _join(op: Op, repeat: Repeat, rw: Rewriter) -> None:
    """TILE of integers along one axis."""
    multiples = op.ints(1) or ()
    axes = [axis for axis, times in enumerate(multiples) if times != 1]
    single = len(axes) == 1 and multiples[axes[0]] <= MOST_INPUTS
    taken = op.output.dtype in JOINABLE and single
    require(taken, "TFLM has no operator that repeats these elements so often", at=op)
    rw.set_inputs(op, [repeat.source] * multiples[axes[0]])
    rw.set_code(op, OpCode.CONCATENATION, ConcatenationOptions(axis=axes[0]))
