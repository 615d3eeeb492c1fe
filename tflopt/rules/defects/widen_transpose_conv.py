"""Widen the filter of a TRANSPOSE_CONV whose scratch the device sizes too small."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from tflopt.config import Config, Runtime
from tflopt.facts.windows import padding_before
from tflopt.ir import DType, Op, OpCode, Padding, Value
from tflopt.ir.options import TransposeConvOptions
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rules.defects.route import RouteRule
from tflopt.search.worth import MOST_ELEMENTS
from tflopt.target.hazards import is_routed_by


@dataclass(frozen=True)
class WidenTransposeConv(RouteRule):
    """Add columns of zeros to a TRANSPOSE_CONV's filter where its scratch is too small without.

    Exact: a weight of zero adds nothing, whatever the input. Where the wider filter is padded by
    more, as many of the zeros stand in front of it, and each weight still meets its old element.

    LiteRT wants ``input == (output + stride - filter) // stride`` with VALID and ``input ==
    ceil(output / stride)`` with SAME (``transpose_conv.cc``, ``computed_input_width``); TFLM
    checks neither. LiteRT's default path (XNNPACK) leaves filters narrower than the stride to other
    kernels; a bias without quantization makes it leave the wide one to them too.
    """

    name: ClassVar[str] = "widen-transpose-conv"
    number: ClassVar[int] = 39
    rank: ClassVar[int] = 370
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.TRANSPOSE_CONV})

    runtime: Runtime = Runtime.BOTH

    @classmethod
    def from_config(cls, config: Config) -> WidenTransposeConv:
        """The rule for the device and the runtimes that load the file."""
        return cls(config.device, config.runtime)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Extend the filter to the stride's width."""
        options, weights, data = op.options, op.input(1), op.input(2)
        if weights is None or data is None or not isinstance(options, TransposeConvOptions):
            return
        if not is_routed_by(self.name, op, self.device):
            return
        plain = weights.has_array and weights.dtype is DType.INT8
        require(plain, Why.NOT_QUANTIZED("the weights are no int8 constant"), at=op)
        bias = op.input(3)
        known = bias is None or bias.has_array or self.runtime is Runtime.TFLM
        require(known, Why.COMPUTED("the bias is computed"), at=op)
        width, stride = weights.shape[2], options.stride_w
        small = weights.elements // max(width, 1) * stride <= MOST_ELEMENTS
        require(small, "the filter would be too large", at=op)
        old = _pads(options, op.output, weights.shape)
        wide = (*weights.shape[:2], stride, weights.shape[3])
        for padding in (options.padding, Padding.SAME):
            changed = replace(options, padding=padding)
            rows, front = (a - b for a, b in zip(_pads(changed, op.output, wide), old, strict=True))
            if rows or not 0 <= front <= stride - width:
                continue
            if self.runtime is Runtime.BOTH and not _litert_takes(changed, op.output, wide, data):
                continue
            more = ((0, 0), (0, 0), (front, stride - width - front), (0, 0))
            padded = np.pad(weights.array(), more)
            rw.set_input(
                op, 1, rw.constant(padded, weights, quant=weights.quant, name=weights.name)
            )
            if padding is not options.padding:
                rw.set_options(op, changed)
            if self.runtime is Runtime.BOTH:
                rw.set_inputs(op, [*op.inputs[:3], _bare_bias(op, rw)])
            return
        require(False, "a wider filter changes the padding, or LiteRT refuses it", at=op)


def _bare_bias(op: Op, rw: Rewriter) -> Value:
    """The bias without quantization, of zeros where there is none."""
    bias = op.input(3)
    if bias is None:
        return rw.constant(np.zeros(op.output.shape[-1], dtype=np.int32), op.output)
    return rw.constant(bias.array(), bias, name=bias.name)


def _sizes(
    options: TransposeConvOptions, output: Value, filter_shape: tuple[int, ...]
) -> tuple[tuple[int, int, int], ...]:
    """(output, filter, stride) of rows and columns."""
    strides = (options.stride_h, options.stride_w)
    return tuple(zip(output.shape[1:3], filter_shape[1:3], strides, strict=True))


def _pads(
    options: TransposeConvOptions, output: Value, filter_shape: tuple[int, ...]
) -> tuple[int, ...]:
    """Rows and columns of padding in front."""
    return tuple(
        padding_before(options.padding, out, kernel, stride)
        for out, kernel, stride in _sizes(options, output, filter_shape)
    )


def _litert_takes(
    options: TransposeConvOptions, output: Value, filter_shape: tuple[int, ...], data: Value
) -> bool:
    """Whether the input that LiteRT computes from the output's size is the one that is there."""
    same = options.padding is Padding.SAME
    expected = tuple(
        -(-out // stride) if same else (out + stride - kernel) // stride
        for out, kernel, stride in _sizes(options, output, filter_shape)
    )
    return expected == data.shape[1:3]
