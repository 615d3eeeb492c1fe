"""The one entry: a layer, an ISA and a CMSIS-NN version in, the kernel and its memory out."""

from __future__ import annotations

from functools import lru_cache

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
from tflopt.target.setup import Setup
from tflopt.target.use import KernelUse

MOST_REMEMBERED = 4096
"""Layers: they are asked for many times, and networks repeat them."""


@lru_cache(maxsize=MOST_REMEMBERED)
def dispatch(layer: Layer, setup: Setup, version: Version = NEWEST) -> KernelUse:
    """Which function runs ``layer`` in a build, and what TFLM allocates for it."""
    match layer:
        case ConvLayer():
            return dispatch_conv(layer, setup, version)
        case DepthwiseLayer():
            return dispatch_depthwise(layer, setup, version)
        case TransposeConvLayer():
            return dispatch_transpose_conv(layer, setup.isa)
        case _:
            return _dispatch_versionless(layer, setup)


def _dispatch_versionless(layer: Layer, setup: Setup) -> KernelUse:
    isa = setup.isa
    match layer:
        case FullyConnectedLayer():
            return dispatch_fully_connected(layer, setup)
        case BatchMatmulLayer():
            return dispatch_batch_matmul(layer, isa)
        case PoolLayer():
            return dispatch_pool(layer, isa)
        case SvdfLayer():
            return dispatch_svdf(layer, setup)
        case LstmLayer():
            return dispatch_lstm(layer, isa)
        case SoftmaxLayer():
            return dispatch_softmax(layer, isa)
        case _:
            return _dispatch_reference(layer, setup)


def _dispatch_reference(layer: Layer, setup: Setup) -> KernelUse:
    match layer:
        case ReduceLayer():
            return dispatch_reduce(layer, setup)
        case MirrorPadLayer():
            return dispatch_mirror_pad(layer)
        case AddNLayer():
            return dispatch_add_n(layer)
        case DetectionPostprocessLayer():
            return dispatch_detection_postprocess(layer)
        case _:
            raise TypeError(f"not a layer: {layer!r}")
