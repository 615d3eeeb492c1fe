"""Fold a GATHER that permutes channels into the weights of who reads them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.ir import Op, OpCode, same_quantization
from tflopt.ir.options import GatherOptions
from tflopt.rewrite import BETWEEN_PORTS, Rewriter, Rule, Why, require, require_no_variable
from tflopt.rules.forms.channel_order import Order, readers_of


class FoldChannelShuffle(Rule):
    """Read channels in the order that they have, with the weights in that order, instead of GATHER.

    What onnx2tf makes of ShuffleNet's shuffle before a convolution. Exact: the same products are
    added up, in 32 bits, where order doesn't matter; what stands between treats all channels alike.
    """

    name: ClassVar[str] = "fold-channel-shuffle"
    number: ClassVar[int] = 94
    rank: ClassVar[int] = 95
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.GATHER})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Reorder the weights of the readers, and drop the GATHER."""
        source, order = op.input(0), _permutation(op)
        if source is None or order is None or source.shape != op.output.shape:
            return
        same = same_quantization(source.quant, op.output.quant)
        require(same, Why.QUANTIZATION("the GATHER changes the quantization"), at=op)
        require_no_variable(source, at=op)
        require(rw.can_replace(op.output, source), BETWEEN_PORTS, at=op)
        readers = readers_of(op.output)
        told = Why.SHARED("no single chain of readers ends at weights that could be reordered")
        require(readers is not None, told, at=op)
        assert readers is not None
        readers.reorder(rw, np.argsort(order))
        rw.bypass(op, source)


def _permutation(op: Op) -> Order | None:
    """The indices, where they name each channel of the last axis once."""
    source, options, indices = op.input(0), op.options, op.ints(1)
    if source is None or not source.shape or not isinstance(options, GatherOptions):
        return None
    if options.batch_dims or options.axis % len(source.shape) != len(source.shape) - 1:
        return None
    channels = source.shape[-1]
    if indices is None or len(indices) != channels or sorted(indices) != list(range(channels)):
        return None
    return np.asarray(indices, np.int64)
