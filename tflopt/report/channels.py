"""Which channels of a model carry nothing, layer by layer, and about what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tflopt.facts.operators import WEIGHTED
from tflopt.ir import Graph, Model, Op, Value
from tflopt.ranges import Ranges, ranges_of
from tflopt.rules.channels.links import Mask
from tflopt.rules.channels.plan import Plan
from tflopt.rules.channels.remove import plan_of
from tflopt.target.cost import predict_instructions
from tflopt.target.device import Device


@dataclass(frozen=True)
class LayerChannels:
    """The output channels of one layer with weights.

    Attributes:
        constant: the same for every input.
        saturated: of these, the ones whose weights are not all zero: the sum never leaves the
            clamp, or never moves the output by a step.
        unread: all that read them multiply them by zero, or drop them.
        only_unread: of these, the ones that are not constant.
        removable: what tflopt can take out, with all that handles them.
        unchanging: never changed on the inputs that were given; None without any.
        flash_bytes: about what the removable ones take of the layer's constants.
        ram_bytes: what they take of its output.
        instructions: about what they take of its predicted instructions.
    """

    subgraph: int
    index: int
    operator: str
    name: str
    channels: int
    constant: int
    saturated: int
    unread: int
    only_unread: int
    removable: int
    unchanging: int | None
    flash_bytes: int
    ram_bytes: int
    instructions: int


def layer_channels(
    model: Model, device: Device, unchanging: dict[Value, Mask] | None = None
) -> list[LayerChannels]:
    """Every layer with weights of every subgraph, in execution order.

    Args:
        unchanging: for outputs of layers the channels that never changed on some inputs.
    """
    rows = []
    for number, graph in enumerate(model.graphs):
        ranges = ranges_of(graph)
        plan, unread = plan_of(graph, ranges), plan_of(graph, Ranges(graph))
        for index, op in enumerate(graph.ops):
            if op.code in WEIGHTED and op.outputs and op.output.shape:
                row = _row(number, index, op, (ranges, plan, unread), device, unchanging)
                rows.append(row)
    return rows


def _row(
    subgraph: int,
    index: int,
    op: Op,
    known: tuple[Ranges, Plan | None, Plan | None],
    device: Device,
    unchanging: dict[Value, Mask] | None,
) -> LayerChannels:
    ranges, plan, unread = known
    value, channels = op.output, op.output.shape[-1]
    constant = constant_channels(ranges, value)
    gone, idle = int(_gone(plan, value).sum()), _gone(unread, value)
    share = gone / channels if channels else 0.0
    data = sum(v.size_bytes or 0 for v in op.inputs if v is not None and v.is_constant)
    seen = None if unchanging is None else unchanging.get(value)
    return LayerChannels(
        subgraph=subgraph,
        index=index,
        operator=op.opcode.label,
        name=value.name or "",
        channels=channels,
        constant=int(constant.sum()),
        saturated=int((constant & has_weights(op, channels)).sum()),
        unread=int(idle.sum()),
        only_unread=int((idle & ~constant).sum()),
        removable=gone,
        unchanging=None if seen is None else int(seen.sum()),
        flash_bytes=round(data * share),
        ram_bytes=round((value.size_bytes or 0) * share),
        instructions=round(predict_instructions(op, device).instructions * share),
    )


def constant_channels(ranges: Ranges, value: Value) -> Mask:
    """Which channels are the same for every input."""
    bounds = ranges.along(value, len(value.shape) - 1)
    if bounds is None:
        return np.zeros(value.shape[-1], dtype=np.bool_)
    return np.asarray(bounds[0] == bounds[1])


def _gone(plan: Plan | None, value: Value) -> Mask:
    kept = None if plan is None else plan.of(value, len(value.shape) - 1)
    return np.zeros(value.shape[-1], dtype=np.bool_) if kept is None else ~kept


def has_weights(op: Op, channels: int) -> Mask:
    """Which output channels have a weight other than zero."""
    weights = op.input(1)
    if weights is None or not weights.has_array:
        return np.zeros(channels, dtype=np.bool_)
    data = weights.array()
    axis = len(data.shape) - 1 if data.shape[0] != channels else 0
    rows = np.moveaxis(data, axis, 0).reshape(data.shape[axis], -1)
    fits = len(rows) == channels
    return np.asarray(rows.any(axis=1)) if fits else np.zeros(channels, dtype=np.bool_)


def layer_ops(graph: Graph) -> list[Op]:
    """The operators that :func:`layer_channels` lists."""
    return [op for op in graph.ops if op.code in WEIGHTED and op.outputs and op.output.shape]


def layer_outputs(graph: Graph) -> list[Value]:
    """Their outputs."""
    return [op.output for op in layer_ops(graph)]


def summary(rows: Sequence[LayerChannels]) -> str:
    """The sums, in a sentence."""
    channels, constant = sum(row.channels for row in rows), sum(row.constant for row in rows)
    removable = sum(row.removable for row in rows)
    flash, work = sum(row.flash_bytes for row in rows), sum(row.instructions for row in rows)
    return (
        f"{constant:,} of {channels:,} channels are the same for every input; "
        f"{removable:,} can go, with about {flash:,} bytes of constants "
        f"and {work:,} instructions of these layers"
    )
