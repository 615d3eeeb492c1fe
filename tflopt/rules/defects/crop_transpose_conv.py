"""Compute a TRANSPOSE_CONV whose padding the device gets wrong without padding, and cut."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from tflopt.facts.windows import padding_before
from tflopt.ir import Op, OpCode, Padding, Value
from tflopt.ir.options import SliceOptions, TransposeConvOptions
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rules.defects.route import RouteRule
from tflopt.target.cmsis_nn.layers import TransposeConvLayer
from tflopt.target.cmsis_nn.of_operator import layer_of
from tflopt.target.hazards import is_routed_by
from tflopt.target.hazards.entries.transpose_conv_rows import (
    computed_rows,
    expected_rows,
    has_right_rows,
)


class CropTransposeConv(RouteRule):
    """Compute a TRANSPOSE_CONV that CMSIS-NN gets wrong without padding, and SLICE its output.

    Exact: padding only drops rows and columns at the borders, which the SLICE does too.
    """

    name: ClassVar[str] = "crop-transpose-conv"
    number: ClassVar[int] = 38
    rank: ClassVar[int] = 360
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.TRANSPOSE_CONV})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Widen the output to all rows and columns, and slice the old one out of it."""
        options, layer = op.options, layer_of(op)
        if not isinstance(options, TransposeConvOptions):
            return
        if not isinstance(layer, TransposeConvLayer):
            return
        if not is_routed_by(self.name, op, self.device):
            return
        left = padding_before(options.padding, layer.output_w, layer.kernel_w, layer.stride_w)
        full = _without_padding(layer)
        begin = (0, layer.pad_h, left, 0)
        fits = layer.pad_h + layer.output_h <= full.output_h
        fits = fits and left + layer.output_w <= full.output_w
        require(fits, "its output is larger than what the input reaches", at=op)
        right = computed_rows(full, has_right_rows(self.device))
        require(
            right == expected_rows(full),
            Why.WRONG_KERNEL("it is computed wrongly without padding, too"),
            at=op,
        )
        self._replace(op, replace(options, padding=Padding.VALID), full, begin, rw)

    def _replace(
        self,
        op: Op,
        options: TransposeConvOptions,
        full: TransposeConvLayer,
        begin: tuple[int, ...],
        rw: Rewriter,
    ) -> None:
        old = op.output
        shape = (full.batches, full.output_h, full.output_w, full.output_c)
        wide = rw.value(old, shape=shape)
        sizes = rw.constant(np.asarray(shape, dtype=np.int32), old)
        begins = rw.constant(np.asarray(begin, dtype=np.int32), old)
        counts = rw.constant(np.asarray(old.shape, dtype=np.int32), old)
        inputs: list[Value | None] = [sizes, *op.inputs[1:]]
        rw.insert(op, op.code, inputs, [wide], options, op.opcode.version)
        rw.set_code(op, OpCode.SLICE, SliceOptions(), 2)
        rw.set_inputs(op, [wide, begins, counts])


def _without_padding(layer: TransposeConvLayer) -> TransposeConvLayer:
    """The layer with every row and column that the filter reaches.

    The kernel finishes ``stride`` rows after each input row, so there are never fewer than that.
    """
    rows = max(
        (layer.input_h - 1) * layer.stride_h + layer.kernel_h, layer.input_h * layer.stride_h
    )
    columns = max(
        (layer.input_w - 1) * layer.stride_w + layer.kernel_w, layer.input_w * layer.stride_w
    )
    return replace(layer, output_h=rows, output_w=columns, pad_h=0)
