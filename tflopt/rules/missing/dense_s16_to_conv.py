"""Write int16 dense layers that CMSIS-NN's kernel refuses as 1x1 convolutions."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tflopt.ir import DType, Op, OpCode, Padding, Quantization, Value
from tflopt.ir.options import Conv2DOptions, FullyConnectedOptions
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Rule, require
from tflopt.rewrite.sketch import Sketch

CONV_S16_VERSION = 4


class DenseS16ToConv(Rule):
    """Turn int16 FULLY_CONNECTED with a scale for each channel into CONV_2D with a 1x1 kernel.

    CMSIS-NN's FULLY_CONNECTED takes such scales with int8 activations only: AllocateTensors fails
    (``kernels/cmsis_nn/fully_connected.cc``, tflite-micro 90b983c). Converters write it by default.

    Exact: both sum up the same products in 64 bits, start at the same bias, and multiply by the
    same number for each channel. (LiteRT's FULLY_CONNECTED rounds otherwise than its CONV_2D.)
    """

    name: ClassVar[str] = "dense-s16-to-conv"
    number: ClassVar[int] = 32
    rank: ClassVar[int] = 310
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.FULLY_CONNECTED})
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    alike_on_litert: ClassVar[bool] = False
    alike_on_default_path: ClassVar[bool] = False
    is_needed: ClassVar[bool] = True

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator by the convolution and the views that it needs."""
        data, weights, bias = op.input(0), op.input(1), op.input(2)
        if data is None or weights is None or not isinstance(op.options, FullyConnectedOptions):
            return
        quant = weights.quant
        if data.dtype is not DType.INT16 or quant is None or not quant.is_per_channel:
            return
        require(weights.has_array and weights.dtype is DType.INT8, "its weights vary", at=op)
        wide = bias is None or (bias.has_array and bias.dtype is DType.INT64)
        require(wide, "its bias is not of int64", at=op)
        outputs, inputs = weights.shape
        rows = data.elements // max(1, inputs)
        require(op.output.elements == rows * outputs, "its shapes don't fit", at=op)
        _as_convolution(op, data, weights, bias, op.options).graft(rw, op)


def _as_convolution(
    op: Op, data: Value, weights: Value, bias: Value | None, options: FullyConnectedOptions
) -> Sketch:
    sketch, (outputs, inputs) = Sketch(), weights.shape
    rows = data.elements // inputs
    assert weights.quant is not None
    along = Quantization(weights.quant.scale, weights.quant.zero_point, 0)
    kernel = weights.array().reshape(outputs, 1, 1, inputs)
    result = sketch.convolution(
        [
            sketch.view(sketch.read(data), (1, rows, 1, inputs)),
            sketch.constant(kernel, DType.INT8, along),
            _bias(sketch, data, weights.quant, outputs) if bias is None else sketch.read(bias),
        ],
        (1, rows, 1, outputs),
        Conv2DOptions(Padding.VALID, 1, 1, options.fused_activation_function),
        op.output.quant,
        version=CONV_S16_VERSION,
    )
    sketch.results[op.output] = sketch.view(result, op.output.shape)
    return sketch


def _bias(sketch: Sketch, data: Value, quant: Quantization, outputs: int) -> Value:
    """Zeros: TFLM's convolution with CMSIS-NN's kernels takes a missing bias for one of int32."""
    scale = None
    if data.quant is not None and data.quant.scale is not None and quant.scale is not None:
        scales = (data.quant.scale[0] * quant.scale).astype(np.float32)
        scale = Quantization(scales, np.zeros(outputs, dtype=np.int64))
    return sketch.constant(np.zeros(outputs), DType.INT64, scale)
