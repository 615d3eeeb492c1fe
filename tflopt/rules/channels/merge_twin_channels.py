"""Read one of several equal channels with the sum of their weights."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.facts.convolution import convolution
from tflopt.facts.operators import DENSE
from tflopt.ir import DType, Graph, Model, Op
from tflopt.ir.clone import clone
from tflopt.ir.node import Array
from tflopt.ranges import ranges_of
from tflopt.rewrite import BY_ARITHMETIC, Exactness, ModelRule, Rewriter, Stage
from tflopt.rules.channels.remove import plan_of
from tflopt.rules.channels.twins import Twins, twins_of

LARGEST = 127
"""Of a weight: converters use no -128."""


class MergeTwinChannels(ModelRule):
    """Let layers read one of several channels that are always equal, with their weights summed up.

    ``remove-channels`` then takes the others out. Only where that lets a channel go, and the sums
    are weights of int8. Exact: equal weights, bias and scale give equal channels, and so do equal
    channels that are handled alike; ``a x + b x`` is ``(a + b) x``.
    """

    name: ClassVar[str] = "merge-twin-channels"
    number: ClassVar[int] = 46
    stages: ClassVar[tuple[Stage, ...]] = (Stage.SIMPLIFY,)
    rank: ClassVar[int] = 433
    exactness: ClassVar[Exactness] = BY_ARITHMETIC

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Graph by graph."""
        for index, graph in enumerate(model.graphs):
            if not _merged(graph):
                continue
            trial = clone(model)
            _write(trial.graphs[index], Rewriter(trial))
            if _removable(trial.graphs[index]) > _removable(graph):
                _write(graph, rw)


def _removable(graph: Graph) -> int:
    plan = plan_of(graph, ranges_of(graph))
    return 0 if plan is None else sum(int((~kept).sum()) for kept in plan.kept.values())


def _write(graph: Graph, rw: Rewriter) -> None:
    for op, data in _merged(graph).items():
        weights = op.operand(1)
        rw.set_input(op, 1, rw.constant(data, weights, quant=weights.quant, name=weights.name))
        if not weights.uses:
            rw.remove_value(weights)


def _merged(graph: Graph) -> dict[Op, Array]:
    """Layers that read twins, with their weights after the merge."""
    twins, merged = twins_of(graph), {}
    for op in graph.ops:
        data = _merge(op, twins)
        if data is not None:
            merged[op] = data
    return merged


def _merge(op: Op, twins: Twins) -> Array | None:
    data, weights = op.input(0), op.input(1)
    if data not in twins.pairs or weights is None or data.is_constant or not _sums_up(op):
        return None
    if not data.shape or data.shape[-1] != weights.shape[-1]:
        return None
    labels = twins.labels[data]
    taps, changed = weights.array().astype(np.int16), False
    first: dict[int, int] = {}
    spread = op.code in DENSE
    for channel, label in enumerate(labels.tolist()):
        if not taps[..., channel].any():
            if spread:  # a channel may have a zero at one place, and be read at all others
                first.setdefault(label, channel)
            continue
        one = first.setdefault(label, channel)
        total = taps[..., one] + taps[..., channel]
        if one == channel or np.abs(total).max() > LARGEST:
            continue
        taps[..., one], taps[..., channel], changed = total, 0, True
    return taps.astype(np.int8) if changed else None


def _sums_up(op: Op) -> bool:
    """A CONV_2D of one group or a FULLY_CONNECTED, of int8 with zero points of zero."""
    conv = convolution(op)
    if conv is not None:
        return conv.is_dense and conv.is_int8
    weights = op.input(1)
    if op.code not in DENSE or weights is None or len(weights.shape) != 2:
        return False
    quant, plain = weights.quant, weights.has_array
    if not plain or weights.dtype is not DType.INT8 or quant is None or quant.zero_point is None:
        return False
    return not quant.zero_point.any()
