"""Drop a RESHAPE in front of a FULLY_CONNECTED, which flattens anyway."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from tflopt.facts.operators import VIEWS
from tflopt.ir import Op, OpCode, same_quantization
from tflopt.ir.options import FullyConnectedOptions
from tflopt.rewrite import Rewriter, Rule, Why, require, require_no_variable


class FoldViewIntoFullyConnected(Rule):
    """Let FULLY_CONNECTED read what its RESHAPE reads: the kernel flattens anyway.

    Exact: TFLM takes the number of rows from the output's shape and the row length from the
    weights (``cmsis_nn/fully_connected.cc``), never from the input's shape; LiteRT divides the
    element count by the row length. To an output of two dimensions ``keep_num_dims`` makes no
    difference.
    """

    name: ClassVar[str] = "fold-view-into-fully-connected"
    number: ClassVar[int] = 6
    rank: ClassVar[int] = 60
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.FULLY_CONNECTED})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Skip the view."""
        data, weights = op.input(0), op.input(1)
        view = None if data is None else data.producer
        if data is None or weights is None or view is None or view.code not in VIEWS:
            return
        source = view.input(0)
        if source is None or not isinstance(op.options, FullyConnectedOptions):
            return
        keeps = op.options.keep_num_dims
        matrix = len(op.output.shape) == 2
        require(not keeps or matrix, "keep_num_dims ties the output's rank to the input's", at=op)
        require(len(weights.shape) == 2, "the weights are no matrix", at=op)
        require(bool(source.shape), "the input is a scalar", at=op)
        same = same_quantization(source.quant, data.quant)
        require(same, Why.QUANTIZATION("the view changes the quantization"), at=view)
        require_no_variable(source, at=view)
        shared = data.is_graph_output or len(data.uses) > 1
        require(not shared, Why.SHARED("another operator reads the view"), at=view)
        if keeps:
            rw.set_options(op, replace(op.options, keep_num_dims=False))
        rw.set_input(op, 0, source)
        rw.remove(view)
