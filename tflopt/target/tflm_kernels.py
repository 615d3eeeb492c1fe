"""TFLM's own reference kernels as a kernel library: a firmware that links no other.

The same memory as with CMSIS-NN where CMSIS-NN has no function; else what ``Prepare`` of the
reference kernels requests. Sizes of OpData were compiled with GCC for Cortex-M4, tflite-micro
90b983c; sources are named relative to ``tensorflow/lite/micro/kernels``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from tflopt.ir import Op
from tflopt.target.cmsis_nn.common import per_channel_arrays, reference_use
from tflopt.target.cmsis_nn.dispatch import dispatch
from tflopt.target.cmsis_nn.layers import (
    BatchMatmulLayer,
    ConvLayer,
    DepthwiseLayer,
    FullyConnectedLayer,
    Layer,
    LstmLayer,
    Num,
    PoolLayer,
    SoftmaxLayer,
    SvdfLayer,
    TransposeConvLayer,
)
from tflopt.target.cmsis_nn.of_operator import maker, plain
from tflopt.target.cortex_m import Isa
from tflopt.target.library import Faster
from tflopt.target.reference_kernels import reference_kernel
from tflopt.target.setup import Setup
from tflopt.target.use import KernelUse, Path, Persistent

NONE = "none"
"""What ``--cmsis-nn`` takes for firmware without it."""
WHY = "the firmware links TFLM's own kernels only"
CONV_OP_DATA_BYTES = 56
TRANSPOSE_CONV_OP_DATA_BYTES = 80
FC_OP_DATA_BYTES = 48
BMM_OP_DATA_BYTES = 16
POOL_OP_DATA_BYTES = 32
SOFTMAX_OP_DATA_BYTES = 56
SVDF_OP_DATA_BYTES = 36
LSTM_OP_DATA_BYTES = 688
LSTM_REQUESTS = 4

Requests = tuple[int, ...]


@dataclass(frozen=True)
class TflmKernels:
    """The reference kernels of TFLM, which are plain C on every core."""

    name: str = "TFLM's own kernels"
    version: str = NONE
    note: str = "no CMSIS-NN"

    def __str__(self) -> str:
        return self.name

    def use(self, op: Op, setup: Setup) -> KernelUse:
        """See :meth:`tflopt.target.library.KernelLibrary.use`."""
        make = maker(op)
        if make is not None:
            return _use_of_layer(make(op), op, setup)
        used = plain(op, setup.isa)
        return reference_kernel(op) if used is None else _as_reference(op, used)

    def missed(self, op: Op, isa: Isa) -> Faster | None:
        """No function is faster than another: each operator has one."""
        del op, isa
        return None


def _use_of_layer(layer: Layer, op: Op, setup: Setup) -> KernelUse:
    memory = _MEMORY.get(type(layer))
    if memory is None:
        return dispatch(layer, setup)
    op_data, requests, persistent = memory(layer)
    return reference_use(
        f"TFLM {op.opcode.label}",
        WHY,
        op_data_bytes=op_data,
        scratch_bytes=requests,
        persistent=persistent,
    )


def _as_reference(op: Op, use: KernelUse) -> KernelUse:
    """The same memory: these kernels share their Prepare with CMSIS-NN's."""
    if use.path is Path.REFERENCE:
        return use
    return replace(use, function=f"TFLM {op.opcode.label}", path=Path.REFERENCE, why_not_faster=WHY)


Memory = tuple[int, Requests, tuple[Persistent, ...]]
"""Bytes of OpData, of each scratch request, and further buffers in the tail."""
AnyLayer = TypeVar("AnyLayer")


def _conv(layer: ConvLayer) -> Memory:
    """``conv_common.cc``: int4 weights are unpacked into scratch."""
    taps = layer.output_c * layer.kernel_h * layer.kernel_w * layer.filter_c
    return CONV_OP_DATA_BYTES, _unpacked(layer.weights, taps), per_channel_arrays(layer.output_c)


def _depthwise(layer: DepthwiseLayer) -> Memory:
    """``depthwise_conv_common.cc``, with the OpData of a convolution."""
    taps = layer.output_c * layer.kernel_h * layer.kernel_w
    return CONV_OP_DATA_BYTES, _unpacked(layer.weights, taps), per_channel_arrays(layer.output_c)


def _unpacked(weights: Num, elements: int) -> Requests:
    return (elements,) if weights is Num.INT4 else ()


def _transpose_conv(layer: TransposeConvLayer) -> Memory:
    """``transpose_conv.cc``: an accumulator for every output element."""
    outputs = layer.batches * layer.output_h * layer.output_w * layer.output_c
    requests: Requests = ()
    if layer.activations is Num.INT8:
        requests = (4 * outputs,)
    elif layer.activations is Num.INT16:
        widened = (8 * layer.output_c,) if layer.bias is Num.INT16 else ()
        requests = (8 * outputs, *widened)
    return TRANSPOSE_CONV_OP_DATA_BYTES, requests, per_channel_arrays(layer.output_c)


def _fully_connected(layer: FullyConnectedLayer) -> Memory:
    """``fully_connected.cc``."""
    arrays = per_channel_arrays(layer.output_c) if layer.per_channel else ()
    weights = layer.input_c * layer.output_c
    return FC_OP_DATA_BYTES, _unpacked(layer.weights, weights), arrays


def _batch_matmul(layer: BatchMatmulLayer) -> Memory:
    """``batch_matmul.cc``: the same buffers in the tail as with CMSIS-NN, no scratch."""
    kept = dispatch(layer, Setup(Isa.SCALAR)).persistent
    return BMM_OP_DATA_BYTES, (), kept


def _pool(layer: PoolLayer) -> Memory:
    """``pooling.cc``."""
    del layer
    return POOL_OP_DATA_BYTES, (), ()


def _softmax(layer: SoftmaxLayer) -> Memory:
    """``softmax_common.cc``: int16 input has two lookup tables, whoever computes it."""
    return SOFTMAX_OP_DATA_BYTES, (), dispatch(layer, Setup(Isa.SCALAR)).persistent


def _svdf(layer: SvdfLayer) -> Memory:
    """``svdf_common.cc``."""
    features = 4 * layer.batches * layer.filters
    outputs = (4 * layer.batches * layer.units,) if layer.activations is Num.INT8 else ()
    return SVDF_OP_DATA_BYTES, (features, *outputs), ()


def _lstm(layer: LstmLayer) -> Memory:
    """``unidirectional_sequence_lstm.cc``: four buffers of the cell's size and type."""
    element_bytes = 2 if layer.cell_state is Num.INT16 else 4
    cells = layer.batches * layer.units
    return LSTM_OP_DATA_BYTES, (element_bytes * cells,) * LSTM_REQUESTS, ()


def _rule(kind: type[AnyLayer], memory: Callable[[AnyLayer], Memory]) -> Callable[[Layer], Memory]:
    def checked(layer: Layer) -> Memory:
        if not isinstance(layer, kind):
            raise TypeError(f"not a {kind.__name__}: {layer!r}")
        return memory(layer)

    return checked


_MEMORY: dict[type, Callable[[Layer], Memory]] = {
    ConvLayer: _rule(ConvLayer, _conv),
    DepthwiseLayer: _rule(DepthwiseLayer, _depthwise),
    TransposeConvLayer: _rule(TransposeConvLayer, _transpose_conv),
    FullyConnectedLayer: _rule(FullyConnectedLayer, _fully_connected),
    BatchMatmulLayer: _rule(BatchMatmulLayer, _batch_matmul),
    PoolLayer: _rule(PoolLayer, _pool),
    SoftmaxLayer: _rule(SoftmaxLayer, _softmax),
    SvdfLayer: _rule(SvdfLayer, _svdf),
    LstmLayer: _rule(LstmLayer, _lstm),
}
