"""Compute ahead of time what depends on shapes only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tflopt.config import Config, Runtime
from tflopt.facts.operators import VIEWS
from tflopt.ir import DType, Op, OpCode
from tflopt.ir.options import ReshapeOptions
from tflopt.rewrite import Rewriter, Rule, Why, require
from tflopt.rules.views.merge_views import become_reshape


@dataclass(frozen=True)
class FoldShape(Rule):
    """Turn SHAPE and RANK into constants, and a RESHAPE to a computed shape into one to a fixed.

    Exact: tensors have fixed shapes in TFLM, and its RESHAPE takes the output tensor's
    (``reshape_common.cc``). LiteRT may be asked to resize inputs: a dimension that the model
    leaves open (-1 in the signature) stays open in the RESHAPE, and a SHAPE of such a tensor
    stays unless the file is for TFLM alone.
    """

    name: ClassVar[str] = "fold-shape"
    number: ClassVar[int] = 25
    rank: ClassVar[int] = 250
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.SHAPE, OpCode.RANK, OpCode.RESHAPE})
    runtime: Runtime = Runtime.BOTH

    @classmethod
    def from_config(cls, config: Config) -> FoldShape:
        """The rule with what it needs of the options."""
        return cls(config.runtime)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Put the numbers in."""
        source = op.input(0)
        if source is None:
            return
        if op.code in VIEWS:
            self._reshape(op, rw)
            return
        if op.output.dtype not in (DType.INT32, DType.INT64):
            return
        signature = source.extra.shape_signature or ()
        fixed = -1 not in signature or self.runtime is Runtime.TFLM or op.code is OpCode.RANK
        require(fixed, Why.OPEN_SHAPE("a dimension is open (-1) for LiteRT"), at=op)
        require(
            not op.output.is_graph_output,
            Why.INTERFACE("an output of the model can't be constant"),
            at=op,
        )
        numbers = len(source.shape) if op.code is OpCode.RANK else source.shape
        data = np.asarray(numbers, dtype=op.output.dtype.numpy)
        if data.shape == op.output.shape:
            rw.replace_uses(op.output, rw.constant(data, op.output, name=op.output.name))
            rw.remove(op)

    @staticmethod
    def _reshape(op: Op, rw: Rewriter) -> None:
        source, shape = op.input(0), op.input(1)
        if source is None or shape is None or shape.producer is None:
            return
        known = op.options is None or isinstance(op.options, ReshapeOptions)
        signature = op.output.extra.shape_signature or ()
        require(signature.count(-1) <= 1, Why.OPEN_SHAPE("several dimensions are open (-1)"), at=op)
        if known:
            become_reshape(op, source, rw)
