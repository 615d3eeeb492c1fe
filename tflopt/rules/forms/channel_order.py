"""Whether the channels of a tensor may come in another order: who would have to know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tflopt.facts.convolution import convolution
from tflopt.facts.operators import DENSE, POOLS, VIEWS, Kind, kind_of, of_kind
from tflopt.facts.tables import OF_ONE
from tflopt.ir import DType, Op, Quantization, Value
from tflopt.rewrite import Rewriter

Order = npt.NDArray[np.int64]
BLIND = OF_ONE | POOLS
"""They treat all channels alike and keep their order."""


@dataclass(frozen=True)
class Readers:
    """The chain of single readers from a tensor to the weights that undo its order.

    ``inner`` are the tensors whose channels change places, ``ops`` the readers, the last of which
    sums up over the channels.
    """

    channels: int
    inner: tuple[Value, ...]
    ops: tuple[Op, ...]

    def reorder(self, rw: Rewriter, order: Order) -> None:
        """Let channel ``j`` of every inner tensor be what was channel ``order[j]``."""
        for value in self.inner:
            rw.update(value, origin=None)
        for op in self.ops:
            if kind_of(op) is Kind.DEPTHWISE:
                _reorder_depthwise(rw, op, order)
            elif op.code in SUMMING:
                _reorder_summing(rw, op, order)


SUMMING = of_kind(Kind.CONVOLUTION, Kind.DENSE)


def readers_of(value: Value) -> Readers | None:
    """The chain that starts at ``value``, whose last axis are the channels; None without one."""
    channels = value.shape[-1]
    inner, ops = [value], []
    while True:
        op = _only_reader(inner[-1])
        if op is None:
            return None
        ops.append(op)
        if _sums_up(op, inner[-1], channels):
            return Readers(channels, tuple(inner), tuple(ops))
        if not _hands_on(op, inner[-1], channels):
            return None
        inner.append(op.output)


def _only_reader(value: Value) -> Op | None:
    reads = value.uses
    return reads[0].op if len(reads) == 1 and reads[0].position == 0 else None


def _sums_up(op: Op, data: Value, channels: int) -> bool:
    conv = convolution(op)
    if conv is not None:
        return conv.is_dense and conv.is_int8
    weights = op.input(1)
    if op.code not in DENSE or weights is None or not weights.has_array:
        return False
    fits = len(weights.shape) == 2 and weights.shape[1] % channels == 0
    return fits and weights.dtype is DType.INT8 and data.elements % weights.shape[1] == 0


def _hands_on(op: Op, data: Value, channels: int) -> bool:
    conv = convolution(op)
    if conv is not None:
        return conv.is_depthwise and conv.multiplier == 1 and conv.is_int8
    if op.code in VIEWS:
        reader = _only_reader(op.output)
        return reader is not None and reader.code in DENSE
    return op.code in BLIND and len(op.outputs) == 1 and op.output.shape[-1:] == (channels,)


def _reorder_summing(rw: Rewriter, op: Op, order: Order) -> None:
    weights = op.operand(1)
    parts = weights.array().reshape(*weights.shape[:-1], -1, len(order))
    data = parts[..., order].reshape(weights.shape)
    rw.set_input(op, 1, rw.constant(data, weights, quant=weights.quant, name=weights.name))


def _reorder_depthwise(rw: Rewriter, op: Op, order: Order) -> None:
    weights, bias = op.operand(1), op.input(2)
    quant = weights.quant
    if quant is not None and quant.is_per_channel:
        quant = Quantization.per_channel(quant.scales[order], 3)
    data = weights.array()[..., order]
    rw.set_input(op, 1, rw.constant(data, weights, quant=quant, name=weights.name))
    if bias is not None:
        rw.set_input(op, 2, rw.constant(bias.array()[order], bias, name=bias.name))
