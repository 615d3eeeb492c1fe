"""Which values one operator lets share bytes, on every core and with every kernel set.

The distances are in :mod:`tflopt.plan.aliasing`; here they are found for an operator of a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from tflopt.facts.evaluate import sources_of
from tflopt.facts.joins import split_of
from tflopt.facts.operators import Kind, kind_of
from tflopt.facts.pads import pad_of
from tflopt.facts.resizes import bilinear, nearest
from tflopt.facts.tflm import IN_PLACE, InPlace, Overlap
from tflopt.facts.transposes import permutation_of
from tflopt.ir import DType, Op, Value
from tflopt.ir.options import (
    ConcatenationOptions,
    PackOptions,
    ResizeBilinearOptions,
    ResizeNearestNeighborOptions,
    UnpackOptions,
)
from tflopt.plan.aliasing import (
    BILINEAR_SOURCE,
    CONCATENATION_SOURCE,
    NEAREST_SOURCE,
    PACK_SOURCE,
    PAD_SOURCE,
    SLICE_SOURCE,
    SPLIT_SOURCE,
    STRIDED_SOURCE,
    TRANSPOSE_SOURCE,
    UNPACK_SOURCE,
    Array,
    bilinear_gap,
    join_gaps,
    nearest_gap,
    pack_gaps,
    pad_gap,
    reading_gap,
    slice_displacements,
    split_gaps,
    unpack_gaps,
    widening_gap,
)
from tflopt.plan.describe import runtime_bytes
from tflopt.plan.lifetimes import ARENA_ALIGNMENT

MOST_ELEMENTS = 1 << 20
"""Of a slice or an image that are looked at one by one; larger ones don't overlap."""

MOST_TRANSPOSED = 4
"""Axes that CMSIS-NN's TRANSPOSE takes (`transpose-rank-five`)."""


@dataclass(frozen=True, slots=True)
class ValueAlias:
    """Two values that may share bytes; the fields are those of `TensorAlias`.

    ``low`` is exact to the byte, and so no multiple of what the runtime aligns to.
    """

    first: Value
    second: Value
    low: int | None
    high: int | None
    shares_content: bool = False
    reason: str = ""


def is_planned(*values: Value) -> bool:
    """Whether the runtime's planner places all of them."""
    return all(not v.is_constant and not v.is_variable and runtime_bytes(v) for v in values)


def skips_copy(op: Op) -> bool:
    """Whether an operator does nothing where a plan puts its output where its input lies."""
    rule, source = IN_PLACE.get(op.code), op.input(0)
    return rule is not None and rule.skips and source is not None and is_planned(source, op.output)


def aliases_at(op: Op) -> Iterator[ValueAlias]:
    """The pairs that one operator lets share bytes, on every core.

    None of packed elements: CONCATENATION, for one, clears its output first (``concatenation.h``).
    """
    values = (value for value in (*op.inputs, *op.outputs) if value is not None)
    if any((value.dtype.bits or 8) < 8 and not value.is_constant for value in values):
        return
    if op.code in IN_PLACE and len(op.outputs) == 1:
        yield from _by_rule(op, IN_PLACE[op.code])
        return
    rule = _RULES.get(kind_of(op))
    if rule is not None and op.outputs:
        yield from rule(op)


def _by_rule(op: Op, rule: InPlace) -> Iterator[ValueAlias]:
    output = op.output
    for index in rule.operands:
        source = op.input(index)
        if source is None or source is output or not is_planned(source, output):
            continue
        low = _distance(source, output, rule)
        if low is None:
            continue
        is_view = rule.overlap is Overlap.VIEW
        reason = f"{op.opcode.label}: {rule.argument} ({rule.source})"
        yield ValueAlias(source, output, low, 0 if is_view else None, is_view, reason)


def _distance(source: Value, output: Value, rule: InPlace) -> int | None:
    """How far the input must lie above the output, None where nothing is proven."""
    if rule.int8_only and {source.dtype, output.dtype} != {DType.INT8}:
        return None
    if source.elements != output.elements:
        return None
    widths = [runtime_bytes(value) // value.elements for value in (source, output)]
    if widths[0] != widths[1] and not rule.any_width:
        return None
    return widening_gap(output.elements, *widths)


def _over(first: Value, second: Value, gap: int | None, reason: str) -> Iterator[ValueAlias]:
    """``first`` lies at least ``gap`` bytes above ``second``."""
    if gap is not None and first is not second and is_planned(first, second):
        yield ValueAlias(first, second, gap, None, reason=reason)


def _join(op: Op) -> Iterator[ValueAlias]:
    options = op.options
    if isinstance(options, ConcatenationOptions):
        yield from _join_along(op, options.axis, _parts(op.inputs), join_gaps, CONCATENATION_SOURCE)


def _stack(op: Op) -> Iterator[ValueAlias]:
    options, parts = op.options, _parts(op.inputs)
    if isinstance(options, PackOptions) and _alike(parts):

        def gaps(sizes: Sequence[int], outer: int) -> list[int]:
            return pack_gaps(sizes[0], len(sizes), outer)

        yield from _join_along(op, options.axis, parts, gaps, PACK_SOURCE)


Gaps = Callable[[Sequence[int], int], list[int]]
"""From the bytes of the parts, and how often they take turns."""


def _parts(values: Sequence[Value | None]) -> list[Value]:
    """The values, none where one is absent."""
    present = [value for value in values if value is not None]
    return present if len(present) == len(values) else []


def _alike(parts: Sequence[Value]) -> bool:
    return len({runtime_bytes(part) for part in parts}) == 1


def _join_along(
    op: Op, axis: int, parts: Sequence[Value], gaps: Gaps, source: str
) -> Iterator[ValueAlias]:
    """Parts of a whole that is the output: in their place, or written over from far enough."""
    whole, reason = op.output, f"{op.opcode.label} ({source})"
    if not parts or not is_planned(whole) or not all(runtime_bytes(part) for part in parts):
        return
    sizes = [runtime_bytes(part) for part in parts]
    shape = whole.shape
    axis = axis + len(shape) if axis < 0 else axis
    if not 0 <= axis < len(shape) or sum(sizes) != runtime_bytes(whole):
        return
    places = slice_displacements(sizes, shape, axis, ARENA_ALIGNMENT)
    yield from _slices(whole, parts, places, reason)
    for part, place, gap in zip(parts, places, gaps(sizes, prod(shape[:axis])), strict=True):
        if place is None and parts.count(part) == 1:
            yield from _over(part, whole, gap, reason)


def _split(op: Op) -> Iterator[ValueAlias]:
    split = split_of(op)
    if split is not None:
        yield from _parts_of(op, split.data, split.axis, split_gaps, SPLIT_SOURCE)


def _unstack(op: Op) -> Iterator[ValueAlias]:
    options, data = op.options, op.input(0)
    if not isinstance(options, UnpackOptions) or data is None or not _alike(op.outputs):
        return

    def gaps(sizes: Sequence[int], outer: int) -> list[int]:
        return unpack_gaps(sizes[0], len(sizes), outer)

    yield from _parts_of(op, data, options.axis, gaps, UNPACK_SOURCE)


def _parts_of(op: Op, data: Value, axis: int, gaps: Gaps, source: str) -> Iterator[ValueAlias]:
    """Parts of a whole that is the input: in their place, or written over what was read."""
    reason, shape = f"{op.opcode.label} ({source})", data.shape
    if not is_planned(data) or not all(runtime_bytes(part) for part in op.outputs):
        return
    sizes = [runtime_bytes(part) for part in op.outputs]
    axis = axis + len(shape) if axis < 0 else axis
    if not 0 <= axis < len(shape) or sum(sizes) != runtime_bytes(data):
        return
    places = slice_displacements(sizes, shape, axis, ARENA_ALIGNMENT)
    yield from _slices(data, op.outputs, places, reason)
    for part, place, gap in zip(op.outputs, places, gaps(sizes, prod(shape[:axis])), strict=True):
        if place is None:
            yield from _over(data, part, gap, reason)


def _slices(
    whole: Value, parts: Sequence[Value], places: Sequence[int | None], reason: str
) -> Iterator[ValueAlias]:
    seen: set[Value] = set()
    for part, place in zip(parts, places, strict=True):
        if place is None or part in seen or part is whole or not is_planned(part):
            continue
        seen.add(part)
        yield ValueAlias(part, whole, place, place, True, reason)


def _pad(op: Op) -> Iterator[ValueAlias]:
    pad = pad_of(op)
    if pad is None or len(pad.amounts) != len(pad.source.shape):
        return
    before, after = zip(*pad.amounts, strict=True) if pad.amounts else ((), ())
    gap = pad_gap(pad.source.shape, before, after)
    if gap is not None and pad.source.elements:
        gap *= runtime_bytes(pad.source) // pad.source.elements
    yield from _over(pad.source, op.output, gap, f"{op.opcode.label} ({PAD_SOURCE})")


def _block(op: Op) -> Iterator[ValueAlias]:
    yield from _copied(op, 0, SLICE_SOURCE)


def _strided(op: Op) -> Iterator[ValueAlias]:
    """Runs along the last axis are copied whole: a run more keeps them apart from their source."""
    yield from _copied(op, op.output.shape[-1] if op.output.shape else 1, STRIDED_SOURCE)


def _copied(op: Op, apart: int, kernel: str) -> Iterator[ValueAlias]:
    source = op.input(0)
    if source is None or max(source.elements, op.output.elements) > MOST_ELEMENTS:
        return
    reads = sources_of(op)
    if reads is not None and reads.size:
        gap = (reading_gap(reads) + apart) * (runtime_bytes(source) // source.elements)
        yield from _over(source, op.output, gap, f"{op.opcode.label} ({kernel})")


def _resize(op: Op) -> Iterator[ValueAlias]:
    source, output, options = op.input(0), op.output, op.options
    if source is None or len(source.shape) != 4 or len(output.shape) != 4:
        return
    if source.shape[0] != 1 or source.shape[3] != output.shape[3]:
        return
    if not source.elements or not output.elements:
        return
    if max(prod(source.shape[1:3]), prod(output.shape[1:3])) > MOST_ELEMENTS:
        return
    label, channels = op.opcode.label, source.shape[3]
    if isinstance(options, ResizeNearestNeighborOptions):
        pixel_bytes = runtime_bytes(source) // prod(source.shape[:3])
        gaps = [
            nearest_gap(reads, pixel_bytes, ARENA_ALIGNMENT)
            for reads in _nearest(source, output, options)
        ]
        yield from _over(source, output, max(gaps), f"{label} ({NEAREST_SOURCE})")
    if isinstance(options, ResizeBilinearOptions) and source.dtype is DType.INT8:
        gap = bilinear_gap(_bilinear(source, output, options), channels)
        yield from _over(source, output, gap, f"{label} ({BILINEAR_SOURCE})")


def _nearest(source: Value, output: Value, options: ResizeNearestNeighborOptions) -> list[Array]:
    """The pixels that are read: by the newest TFLM, and by one that doesn't heed the centers."""
    pixels = []
    for centers in {False, options.half_pixel_centers}:
        rows, columns = (
            nearest(size, out, corners=options.align_corners, centers=centers)
            for size, out in _extents(source, output)
        )
        pixels.append(_pixels(rows, columns, source))
    return pixels


def _bilinear(source: Value, output: Value, options: ResizeBilinearOptions) -> Array:
    corners, centers = options.align_corners, options.half_pixel_centers
    rows, columns = (
        [low for _, low, _ in bilinear(size, out, corners=corners, centers=centers)]
        for size, out in _extents(source, output)
    )
    return _pixels(rows, columns, source)


def _extents(source: Value, output: Value) -> list[tuple[int, int]]:
    return list(zip(source.shape[1:3], output.shape[1:3], strict=True))


def _pixels(rows: Sequence[int], columns: Sequence[int], source: Value) -> Array:
    width = source.shape[2]
    pixels: Array = np.add.outer(np.array(rows, np.int64) * width, np.array(columns)).ravel()
    return pixels


def _transpose(op: Op) -> Iterator[ValueAlias]:
    """Without those that kernels get wrong: such as move nothing, or have more than four axes."""
    source, order = op.input(0), permutation_of(op)
    if source is None or order is None or not is_planned(source, op.output):
        return
    if order == tuple(range(len(order))) or len(order) > MOST_TRANSPOSED:
        return
    long = [axis for axis in order if source.shape[axis] > 1]
    if long == sorted(long) and source is not op.output:
        reason = f"{op.opcode.label}: {TRANSPOSE_SOURCE}"
        yield ValueAlias(source, op.output, 0, 0, True, reason)


_RULES: Mapping[Kind, Callable[[Op], Iterator[ValueAlias]]] = {
    Kind.JOIN: _join,
    Kind.STACK: _stack,
    Kind.SPLIT: _split,
    Kind.UNSTACK: _unstack,
    Kind.PAD: _pad,
    Kind.SLICE: _block,
    Kind.STRIDED_SLICE: _strided,
    Kind.RESIZE: _resize,
    Kind.TRANSPOSE: _transpose,
}
