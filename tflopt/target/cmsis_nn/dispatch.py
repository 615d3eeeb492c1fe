"""The one entry: a layer, an ISA and a CMSIS-NN version in, the kernel and its memory out."""

from __future__ import annotations

from tflopt.target.cmsis_nn.dispatch_convolve import dispatch_conv
from tflopt.target.cmsis_nn.dispatch_dense import (
    dispatch_batch_matmul,
    dispatch_fully_connected,
    dispatch_lstm,
    dispatch_svdf,
)
from tflopt.target.cmsis_nn.dispatch_depthwise import dispatch_depthwise
from tflopt.target.cmsis_nn.dispatch_other import (
    dispatch_add_n,
    dispatch_detection_postprocess,
    dispatch_mirror_pad,
    dispatch_pool,
    dispatch_reduce,
    dispatch_softmax,
)
from tflopt.target.cmsis_nn.dispatch_transpose_conv import dispatch_transpose_conv
from tflopt.target.cmsis_nn.layers import (
    AddNLayer,
    BatchMatmulLayer,
    ConvLayer,
    DepthwiseLayer,
    DetectionPostprocessLayer,
    FullyConnectedLayer,
    Layer,
    LstmLayer,
    MirrorPadLayer,
    PoolLayer,
    ReduceLayer,
    SoftmaxLayer,
    SvdfLayer,
    TransposeConvLayer,
)
from tflopt.target.cmsis_nn.versions import NEWEST, Version
from tflopt.target.cortex_m import Isa
from tflopt.target.use import KernelUse


def dispatch(layer: Layer, isa: Isa, version: Version = NEWEST) -> KernelUse:
    """Which function runs ``layer`` in a GCC build for ``isa``, and what TFLM allocates for it."""
    match layer:
        case ConvLayer():
            return dispatch_conv(layer, isa, version)
        case DepthwiseLayer():
            return dispatch_depthwise(layer, isa, version)
        case TransposeConvLayer():
            return dispatch_transpose_conv(layer, isa)
        case _:
            return _dispatch_versionless(layer, isa)


def _dispatch_versionless(layer: Layer, isa: Isa) -> KernelUse:
    match layer:
        case FullyConnectedLayer():
            return dispatch_fully_connected(layer, isa)
        case BatchMatmulLayer():
            return dispatch_batch_matmul(layer, isa)
        case PoolLayer():
            return dispatch_pool(layer, isa)
        case SvdfLayer():
            return dispatch_svdf(layer, isa)
        case LstmLayer():
            return dispatch_lstm(layer, isa)
        case SoftmaxLayer():
            return dispatch_softmax(layer, isa)
        case _:
            return _dispatch_reference(layer)


def _dispatch_reference(layer: Layer) -> KernelUse:
    match layer:
        case ReduceLayer():
            return dispatch_reduce(layer)
        case MirrorPadLayer():
            return dispatch_mirror_pad(layer)
        case AddNLayer():
            return dispatch_add_n(layer)
        case DetectionPostprocessLayer():
            return dispatch_detection_postprocess(layer)
        case _:
            raise TypeError(f"not a layer: {layer!r}")
