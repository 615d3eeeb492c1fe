"""Applies the aliasing facts to an IR model: which tensors may share bytes in an offline plan.

Only the main graph: the operators of called subgraphs run at other times than the lifetime clock
says. Only tensors that the runtime plans take part, so constants and variables drop out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tflopt.facts.operators import DENSE, Kind, facts_of, kind_of
from tflopt.facts.windows import Axis, window_of
from tflopt.ir import DType, Model, Op, Value
from tflopt.plan.describe import tensor_refs
from tflopt.plan.in_place import ValueAlias, aliases_at, is_planned
from tflopt.plan.lifetimes import ARENA_ALIGNMENT, TensorAlias, TensorRef
from tflopt.plan.overlap import Kernel, Window, least_gap
from tflopt.plan.problem import align_up

Refs = Mapping[Value, TensorRef]
OverlapGap = Callable[[Op], int | None]
"""The least distance in bytes between an operator's first input and its output, None: apart."""


def in_place_aliases(model: Model) -> list[TensorAlias]:
    """Pairs that may share bytes on every core: views, in-place operators, slices, pads."""
    refs = tensor_refs(model)
    return [tensor_alias(alias, refs) for op in model.main.ops for alias in aliases_at(op)]


def tensor_alias(alias: ValueAlias, refs: Refs) -> TensorAlias:
    """The pair as a plan has it, with the distance as the runtime aligns it."""
    first, second = refs[alias.first], refs[alias.second]
    low = None if alias.low is None else align_up(alias.low, ARENA_ALIGNMENT)
    return TensorAlias(first, second, low, alias.high, alias.shares_content, alias.reason)


def overlap_aliases(model: Model, gap: OverlapGap) -> list[TensorAlias]:
    """Pairs of input and output that may overlap diagonally, for the core that ``gap`` knows."""
    refs = tensor_refs(model)
    overlaps = (_overlap_at(op, gap) for op in model.main.ops)
    return [tensor_alias(alias, refs) for alias in overlaps if alias is not None]


def shared_at(op: Op, gap: OverlapGap | None, *, in_place: bool = True) -> list[ValueAlias]:
    """Both kinds of one operator, a pair that works in place only as such."""
    aliases = list(aliases_at(op)) if in_place else []
    diagonal = None if gap is None else _overlap_at(op, gap)
    if diagonal is not None and not any(
        alias.first is diagonal.first and alias.second is diagonal.second for alias in aliases
    ):
        aliases.append(diagonal)
    return aliases


def _overlap_at(op: Op, gap: OverlapGap) -> ValueAlias | None:
    source = op.input(facts_of(op).data)
    if source is None or len(op.outputs) != 1 or not is_planned(source, op.output):
        return None
    distance = gap(op)
    if distance is None:
        return None
    low = align_up(distance, ARENA_ALIGNMENT)
    reason = f"{op.opcode.label}: diagonal overlap"
    return ValueAlias(source, op.output, low, None, reason=reason)


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
