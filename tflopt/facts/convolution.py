"""What the rules need to know of a convolution before they look closer."""

from __future__ import annotations

from dataclasses import dataclass

from tflopt.ir import DType, Op, OpCode, Value
from tflopt.ir.options import Conv2DOptions, DepthwiseConv2DOptions

INT8_VERSION = 3
"""Of CONV_2D and DEPTHWISE_CONV_2D with int8 weights, as converters write it."""


@dataclass(frozen=True)
class Convolution:
    """A CONV_2D or DEPTHWISE_CONV_2D with constant weights and consistent shapes."""

    op: Op
    data: Value
    weights: Value
    bias: Value | None

    @property
    def input_c(self) -> int:
        """Input channels."""
        return self.data.shape[3]

    @property
    def output_c(self) -> int:
        """Output channels."""
        return self.op.output.shape[3]

    @property
    def is_depthwise(self) -> bool:
        """A DEPTHWISE_CONV_2D."""
        return self.op.code is OpCode.DEPTHWISE_CONV_2D

    @property
    def channel_axis(self) -> int:
        """The axis of the weights that holds the output channels."""
        return 3 if self.is_depthwise else 0

    @property
    def groups(self) -> int:
        """Parts of the input's channels that no output channel mixes."""
        return self.input_c // self.depth

    @property
    def depth(self) -> int:
        """Input channels that an output channel reads."""
        return 1 if self.is_depthwise else self.weights.shape[3]

    @property
    def multiplier(self) -> int:
        """Of a DEPTHWISE_CONV_2D: output channels for each input channel."""
        return self.output_c // self.input_c

    @property
    def options(self) -> Conv2DOptions | DepthwiseConv2DOptions:
        """The operator's options."""
        assert isinstance(self.op.options, Conv2DOptions | DepthwiseConv2DOptions)
        return self.op.options

    @property
    def dilation(self) -> tuple[int, int]:
        """Vertical and horizontal."""
        return self.options.dilation_h_factor, self.options.dilation_w_factor

    @property
    def is_dense(self) -> bool:
        """A CONV_2D of one group."""
        return not self.is_depthwise and self.groups == 1

    @property
    def dense_weights(self) -> int:
        """How many weights it has with one group."""
        _, high, wide, _ = self.weights.shape
        return self.output_c * high * wide * self.input_c

    @property
    def is_int8(self) -> bool:
        """Activations and weights are int8 and quantized, the bias a constant of int32."""
        parts = (self.data, self.weights, self.op.output)
        if any(v.dtype is not DType.INT8 or v.quant is None or not v.quant.is_set for v in parts):
            return False
        scales_fit = _scales_fit(self.weights, self.channel_axis)
        constant_bias = self.bias is None or (
            self.bias.dtype is DType.INT32 and self.bias.has_array
        )
        return scales_fit and constant_bias


def _scales_fit(weights: Value, axis: int) -> bool:
    """One scale, or one for each output channel, and zero points of zero."""
    quant = weights.quant
    if quant is None or quant.zero_point is None or quant.zero_point.any():
        return False
    dimension = quant.quantized_dimension
    return quant.count == 1 or (quant.count == weights.shape[axis] and dimension == axis)


CODES = {Conv2DOptions: OpCode.CONV_2D, DepthwiseConv2DOptions: OpCode.DEPTHWISE_CONV_2D}


def convolution(op: Op) -> Convolution | None:
    """The convolution at ``op``, None where its weights are computed or its shapes are odd."""
    data, weights = op.input(0), op.input(1)
    if (
        data is None
        or weights is None
        or not isinstance(op.options, Conv2DOptions | DepthwiseConv2DOptions)
        or op.code is not CODES[type(op.options)]
    ):
        return None
    shapes = (data.shape, weights.shape, op.output.shape)
    if any(len(shape) != 4 or min(shape) <= 0 for shape in shapes):
        return None
    if not weights.has_data or weights.extra.sparsity is not None or _is_odd(op, data, weights):
        return None
    return Convolution(op, data, weights, op.input(2))


def _is_odd(op: Op, data: Value, weights: Value) -> bool:
    """Channels that don't fit each other: what the kernels refuse, or compute nonsense from."""
    inputs, outputs = data.shape[3], op.output.shape[3]
    if op.code is OpCode.CONV_2D:
        per_group = weights.shape[3]
        fits = inputs % per_group == 0 and outputs == weights.shape[0]
        return not (fits and outputs % (inputs // per_group) == 0)
    assert isinstance(op.options, DepthwiseConv2DOptions)
    if min(op.options.dilation_h_factor, op.options.dilation_w_factor) < 1:
        return True
    fits = weights.shape[0] == 1 and weights.shape[3] == outputs
    return not (fits and inputs * op.options.depth_multiplier == outputs)
