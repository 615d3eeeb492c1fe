"""What a layer is to TFLM's CMSIS-NN kernels: plain numbers, one class for each kernel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tflopt.target.cmsis_nn.structs import ConvParams, Dims, DwConvParams


class Num(Enum):
    """The element types that decide which function runs."""

    INT4 = "int4"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float32"
    OTHER = "other"


@dataclass(frozen=True)
class WindowLayer:
    """What layers with a kernel that moves over NHWC tensors have in common."""

    batches: int
    input_h: int
    input_w: int
    input_c: int
    output_h: int
    output_w: int
    output_c: int
    kernel_h: int
    kernel_w: int

    @property
    def input(self) -> Dims:
        """``input_dims``."""
        return Dims(self.batches, self.input_h, self.input_w, self.input_c)

    @property
    def output(self) -> Dims:
        """``output_dims``."""
        return Dims(self.batches, self.output_h, self.output_w, self.output_c)


@dataclass(frozen=True)
class ConvLayer(WindowLayer):
    """CONV_2D: NHWC dimensions, the padding TFLM computes, and the element types.

    ``filter_c`` below ``input_c`` means groups. The bias plays no part in the memory: TFLM looks
    for it among the outputs and never finds it (cmsis_nn/conv.cc).
    """

    filter_c: int
    stride_h: int = 1
    stride_w: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    pad_h: int = 0
    pad_w: int = 0
    activations: Num = Num.INT8
    weights: Num = Num.INT8

    @property
    def params(self) -> ConvParams:
        """``cmsis_nn_conv_params``."""
        return ConvParams(
            self.stride_h, self.stride_w, self.pad_h, self.pad_w, self.dilation_h, self.dilation_w
        )

    @property
    def filter(self) -> Dims:
        """``filter_dims``; TFLM leaves ``n`` at 1."""
        return Dims(1, self.kernel_h, self.kernel_w, self.filter_c)


@dataclass(frozen=True)
class DepthwiseLayer(WindowLayer):
    """DEPTHWISE_CONV_2D: as a convolution; ``depth_multiplier`` is the model's option."""

    depth_multiplier: int = 1
    stride_h: int = 1
    stride_w: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    pad_h: int = 0
    pad_w: int = 0
    activations: Num = Num.INT8
    weights: Num = Num.INT8

    @property
    def params(self) -> DwConvParams:
        """``cmsis_nn_dw_conv_params``."""
        return DwConvParams(
            self.stride_h,
            self.stride_w,
            self.pad_h,
            self.pad_w,
            self.dilation_h,
            self.dilation_w,
            self.depth_multiplier,
        )

    @property
    def filter(self) -> Dims:
        """``filter_dims``."""
        return Dims(1, self.kernel_h, self.kernel_w, self.output_c)


@dataclass(frozen=True)
class TransposeConvLayer(WindowLayer):
    """TRANSPOSE_CONV: the input is the small side; an int16 bias costs a further buffer."""

    stride_h: int = 1
    stride_w: int = 1
    pad_h: int = 0
    activations: Num = Num.INT8
    bias: Num | None = Num.INT32

    @property
    def params(self) -> ConvParams:
        """``cmsis_nn_transpose_conv_params``."""
        return ConvParams(self.stride_h, self.stride_w, self.pad_h)

    @property
    def filter(self) -> Dims:
        """``filter_dims``."""
        return Dims(self.output_c, self.kernel_h, self.kernel_w, self.input_c)


@dataclass(frozen=True)
class FullyConnectedLayer:
    """FULLY_CONNECTED: ``output_rank`` above 2 makes TFLM call the 1x1 convolution."""

    batches: int
    input_c: int
    output_c: int
    output_rank: int = 2
    activations: Num = Num.INT8
    weights: Num = Num.INT8
    per_channel: bool = False
    constant_weights: bool = True
    constant_bias: bool = True
    """True where there is no bias, too."""

    @property
    def filter(self) -> Dims:
        """``filter_dims``."""
        return Dims(self.input_c, 1, 1, self.output_c)


@dataclass(frozen=True)
class BatchMatmulLayer:
    """BATCH_MATMUL: ``lhs_bytes`` and ``rhs_bytes`` are the operands' sizes, as they are stored."""

    output_c: int
    lhs_bytes: int
    rhs_bytes: int
    lhs_rank: int
    rhs_rank: int
    output_rank: int
    adj_x: bool = False
    adj_y: bool = False
    activations: Num = Num.INT8


@dataclass(frozen=True)
class PoolLayer:
    """AVERAGE_POOL_2D (``average``) or MAX_POOL_2D."""

    output_w: int
    channels: int
    average: bool = True
    activations: Num = Num.INT8


@dataclass(frozen=True)
class SvdfLayer:
    """SVDF: ``filters`` is rank times units; the type of the time weights picks the function."""

    batches: int
    filters: int
    units: int
    activations: Num = Num.INT8
    time_weights: Num = Num.INT8


@dataclass(frozen=True)
class LstmLayer:
    """UNIDIRECTIONAL_SEQUENCE_LSTM: ``units`` is the hidden state's width."""

    batches: int
    units: int
    activations: Num = Num.INT8
    cell_state: Num = Num.INT16


@dataclass(frozen=True)
class SoftmaxLayer:
    """SOFTMAX: only the element types matter."""

    input: Num = Num.INT8
    output: Num = Num.INT8


@dataclass(frozen=True)
class ReduceLayer:
    """MEAN, SUM and REDUCE_*: TFLM's reference kernels, which ask for scratch as well.

    ``accumulates`` for MEAN and SUM, whose quantized kernels hold an int32 for each output.
    """

    output_elements: int
    input_rank: int
    axes: int
    accumulates: bool = True
    activations: Num = Num.INT8


@dataclass(frozen=True)
class MirrorPadLayer:
    """MIRROR_PAD: two arrays of a word for each dimension."""

    input_rank: int


@dataclass(frozen=True)
class AddNLayer:
    """ADD_N: one array with a pointer for each input."""

    inputs: int
    activations: Num = Num.INT8


@dataclass(frozen=True)
class DetectionPostprocessLayer:
    """The custom operator TFLite_Detection_PostProcess."""

    boxes: int
    classes_with_background: int
    classes: int
    max_detections: int


Layer = (
    ConvLayer
    | DepthwiseLayer
    | TransposeConvLayer
    | FullyConnectedLayer
    | BatchMatmulLayer
    | PoolLayer
    | SvdfLayer
    | LstmLayer
    | SoftmaxLayer
    | ReduceLayer
    | MirrorPadLayer
    | AddNLayer
    | DetectionPostprocessLayer
)
