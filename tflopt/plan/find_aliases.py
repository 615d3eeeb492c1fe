"""Applies the aliasing facts to an IR model: which tensors may share bytes in an offline plan.

Only the main graph: the operators of called subgraphs run at other times than the lifetime clock
says. Only tensors that the runtime plans take part, so constants and variables drop out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tflopt.facts.joins import split_of
from tflopt.facts.operators import DENSE, Kind, facts_of, kind_of
from tflopt.facts.tflm import IN_PLACE, InPlace, Overlap
from tflopt.facts.windows import Axis, window_of
from tflopt.ir import DType, Model, Op, Value
from tflopt.ir.options import (
    ConcatenationOptions,
)
from tflopt.plan.aliasing import (
    CONCATENATION_SOURCE,
    SPLIT_SOURCE,
    pad_gap,
    slice_displacements,
)
from tflopt.plan.describe import runtime_bytes, tensor_refs
from tflopt.plan.lifetimes import ARENA_ALIGNMENT, TensorAlias, TensorRef
from tflopt.plan.overlap import Kernel, Window, least_gap
from tflopt.plan.problem import align_up

Refs = Mapping[Value, TensorRef]
OverlapGap = Callable[[Op], int | None]
"""The least distance in bytes between an operator's first input and its output, None: apart."""


@dataclass(frozen=True)
class ValueAlias:
    """Two values that may share bytes; the fields are those of `TensorAlias`."""

    first: Value
    second: Value
    low: int | None
    high: int | None
    shares_content: bool = False
    reason: str = ""


def in_place_aliases(model: Model) -> list[TensorAlias]:
    """Pairs that may share bytes on every core: views, in-place operators, slices, pads."""
    refs = tensor_refs(model)
    return [alias for op in model.main.ops for alias in in_place_of(op, refs)]


def in_place_of(op: Op, refs: Refs) -> Iterator[TensorAlias]:
    """The same for one operator."""
    for alias in aliases_at(op):
        first, second = refs[alias.first], refs[alias.second]
        yield TensorAlias(first, second, alias.low, alias.high, alias.shares_content, alias.reason)


def overlap_aliases(model: Model, gap: OverlapGap) -> list[TensorAlias]:
    """Pairs of input and output that may overlap diagonally, for the core that ``gap`` knows."""
    refs = tensor_refs(model)
    found = (overlap_of(op, refs, gap) for op in model.main.ops)
    return [alias for alias in found if alias is not None]


def overlap_of(op: Op, refs: Refs, gap: OverlapGap) -> TensorAlias | None:
    """The same for one operator."""
    source = op.input(facts_of(op).data)
    if source is None or len(op.outputs) != 1 or not _planned(source, op.output):
        return None
    distance = gap(op)
    if distance is None:
        return None
    low = align_up(distance, ARENA_ALIGNMENT)
    reason = f"{op.opcode.label}: diagonal overlap"
    return TensorAlias(refs[source], refs[op.output], low, None, reason=reason)


def kernel_gap(op: Op, function: str, isa: str) -> int | None:
    """The least distance at which ``op`` may overlap, run by a CMSIS-NN function on an ISA.

    ``isa`` is ``scalar``, ``dsp`` or ``mve``. An `OverlapGap` for one target is
    ``lambda op: kernel_gap(op, function_of(op), isa)``.
    """
    window, weights = op_window(op), op.input(1)
    if window is None:
        return None
    groups = 1
    if kind_of(op) is Kind.CONVOLUTION and weights is not None and weights.shape[3]:
        groups = window.in_c // weights.shape[3]
    return least_gap(Kernel(function, isa, groups), window)


def op_window(op: Op) -> Window | None:
    """The geometry that `tflopt.plan.overlap` wants; None unless int8 and a single image."""
    data = op.input(0)
    if data is None or not op.outputs or data.dtype is not DType.INT8:
        return None
    if op.code in DENSE:
        return _dense_window(op, data)
    axes = window_of(op)
    if axes is None or data.shape[0] != 1:
        return None
    return Window(*axes, data.shape[3], op.output.shape[3])


def _dense_window(op: Op, data: Value) -> Window | None:
    weights = op.input(1)
    if weights is None or len(weights.shape) != 2 or not weights.shape[1]:
        return None
    outputs, inputs = weights.shape
    rows = data.elements // inputs
    return Window(Axis(rows, out=rows), Axis(1, out=1), inputs, outputs)


def _planned(*values: Value) -> bool:
    return all(not v.is_constant and not v.is_variable and runtime_bytes(v) for v in values)


def aliases_at(op: Op) -> Iterator[ValueAlias]:
    """The pairs that one operator lets share bytes, on every core."""
    if op.code in IN_PLACE and len(op.outputs) == 1:
        yield from _by_rule(op, IN_PLACE[op.code])
        return
    match kind_of(op):
        case Kind.JOIN:
            yield from _concatenation(op)
        case Kind.SPLIT:
            yield from _split(op)
        case Kind.PAD:
            yield from _pad(op)


def _by_rule(op: Op, rule: InPlace) -> Iterator[ValueAlias]:
    output = op.output
    for index in rule.operands:
        source = op.input(index)
        if source is None or source is output or not _planned(source, output):
            continue
        if not _fits(source, output, rule):
            continue
        is_view = rule.overlap is Overlap.VIEW
        reason = f"{op.opcode.label}: {rule.argument} ({rule.source})"
        high = 0 if is_view else None
        yield ValueAlias(source, output, 0, high, is_view, reason)


def _fits(source: Value, output: Value, rule: InPlace) -> bool:
    if rule.int8_only and {source.dtype, output.dtype} != {DType.INT8}:
        return False
    if DType.INT4 in (source.dtype, output.dtype) or source.elements != output.elements:
        return False
    same = runtime_bytes(source) == runtime_bytes(output)
    return same or (rule.may_narrow and runtime_bytes(source) > runtime_bytes(output))


def _concatenation(op: Op) -> Iterator[ValueAlias]:
    options, inputs = op.options, [value for value in op.inputs if value is not None]
    if not isinstance(options, ConcatenationOptions) or len(inputs) != len(op.inputs):
        return
    if not op.outputs or not _planned(op.output):
        return
    sizes = [runtime_bytes(value) for value in inputs]
    places = slice_displacements(sizes, op.output.shape, options.axis, ARENA_ALIGNMENT)
    yield from _slices(op.output, inputs, places, f"CONCATENATION ({CONCATENATION_SOURCE})")


def _split(op: Op) -> Iterator[ValueAlias]:
    split = split_of(op)
    if split is None or not _planned(split.data):
        return
    sizes = [runtime_bytes(value) for value in split.parts]
    places = slice_displacements(sizes, split.data.shape, split.axis, ARENA_ALIGNMENT)
    yield from _slices(split.data, split.parts, places, f"SPLIT ({SPLIT_SOURCE})")


def _slices(
    whole: Value,
    parts: Sequence[Value],
    places: Sequence[int | None],
    reason: str,
) -> Iterator[ValueAlias]:
    seen: set[Value] = set()
    for part, place in zip(parts, places, strict=True):
        if place is None or part in seen or part is whole or not _planned(part):
            continue
        seen.add(part)
        yield ValueAlias(part, whole, place, place, True, reason)


def _pad(op: Op) -> Iterator[ValueAlias]:
    source, amounts = op.input(0), op.input(1)
    flat = amounts.ints() if amounts is not None else None
    if source is None or flat is None or not op.outputs or not _planned(source, op.output):
        return
    if source.dtype is not DType.INT8 or len(flat) != 2 * len(source.shape):
        return
    gap = pad_gap(source.shape, flat[0::2], flat[1::2])
    if gap is not None:
        low = align_up(gap, ARENA_ALIGNMENT)
        reason = "PAD: the input is read before padding and rows reach it (arm_pad_s8.c:68)"
        yield ValueAlias(source, op.output, low, None, reason=reason)
