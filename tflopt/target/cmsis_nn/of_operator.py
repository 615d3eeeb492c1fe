"""What an operator of the IR is to TFLM's CMSIS-NN kernels: a layer, or a function at once."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from tflopt.facts.operators import Kind, Trait, facts_of, kind_of
from tflopt.facts.tflm import KERNELS
from tflopt.facts.windows import padding_before
from tflopt.ir import DType, Op, OpCode, Value
from tflopt.ir.options import (
    BatchMatMulOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    Pool2DOptions,
    TransposeConvOptions,
    UnidirectionalSequenceLSTMOptions,
)
from tflopt.target.by_layer import ByLayer
from tflopt.target.cmsis_nn import layers
from tflopt.target.cmsis_nn.common import reference_use, simd_use
from tflopt.target.cmsis_nn.detection import NAME as DETECTION
from tflopt.target.cmsis_nn.detection import detection_layer
from tflopt.target.cmsis_nn.layers import Num
from tflopt.target.cortex_m import Isa
from tflopt.target.use import KernelUse, MalformedError, Path

_NUMS = {
    DType.INT4: Num.INT4,
    DType.INT8: Num.INT8,
    DType.INT16: Num.INT16,
    DType.INT32: Num.INT32,
    DType.INT64: Num.INT64,
    DType.FLOAT32: Num.FLOAT32,
}
ADD_OP_DATA_BYTES = 60
MUL_OP_DATA_BYTES = 36
PAD_OP_DATA_BYTES = 56


_KNOWN: ByLayer[layers.Layer | None] = ByLayer()


def layer_of(op: Op) -> layers.Layer | None:
    """What ``op`` is to CMSIS-NN's kernels, None where it is none of theirs or malformed."""
    return _KNOWN.of(op, _layer_of)


def _layer_of(op: Op) -> layers.Layer | None:
    make = maker(op)
    try:
        return None if make is None else make(op)
    except MalformedError:
        return None


def maker(op: Op) -> Callable[[Op], layers.Layer] | None:
    """What makes a layer of ``op``; None where its row in the table of TFLM's kernels says all.

    Calling it raises :class:`MalformedError`.
    """
    if op.opcode.custom_code == DETECTION:
        return _detection
    kernel = KERNELS.get(op.code)
    return None if kernel is None or kernel.op_data is not None else _LAYERS.get(kind_of(op))


def plain(op: Op, isa: Isa) -> KernelUse | None:
    """The use of an operator that needs no layer to choose its function; None for all others.

    Raises:
        MalformedError: an input or the output is missing.
    """
    kernel, use = KERNELS.get(op.code), _PLAIN.get(kind_of(op))
    return None if use is None or kernel is None or kernel.op_data is not None else use(op, isa)


def _in(op: Op, index: int) -> Value:
    value = op.input(index)
    if value is None:
        raise MalformedError(f"no input {index}")
    return value


def _out(op: Op) -> Value:
    if not op.outputs:
        raise MalformedError("no output")
    return op.output


def _dims(value: Value, rank: int) -> tuple[int, ...]:
    if len(value.shape) != rank or any(dim < 0 for dim in value.shape):
        raise MalformedError(f"shape {list(value.shape)} where rank {rank} is needed")
    return value.shape


def _last(value: Value) -> int:
    if not value.shape:
        raise MalformedError("a scalar")
    return value.shape[-1]


def _num(value: Value) -> Num:
    return _NUMS.get(value.dtype, Num.OTHER)


def _conv(op: Op) -> layers.Layer:
    options = op.options
    if not isinstance(options, Conv2DOptions):
        raise MalformedError("no options")
    _check_strides(options.stride_h, options.stride_w)
    n, h, w, c = _dims(_in(op, 0), 4)
    _, kh, kw, filter_c = _dims(_in(op, 1), 4)
    _, oh, ow, oc = _dims(_out(op), 4)
    return layers.ConvLayer(
        *(n, h, w, c, oh, ow, oc, kh, kw, filter_c),
        *(options.stride_h, options.stride_w),
        *(options.dilation_h_factor, options.dilation_w_factor),
        padding_before(options.padding, h, kh, options.stride_h, options.dilation_h_factor),
        padding_before(options.padding, w, kw, options.stride_w, options.dilation_w_factor),
        activations=_num(_in(op, 0)),
        weights=_num(_in(op, 1)),
    )


def _depthwise(op: Op) -> layers.Layer:
    options = op.options
    if not isinstance(options, DepthwiseConv2DOptions):
        raise MalformedError("no options")
    _check_strides(options.stride_h, options.stride_w)
    n, h, w, c = _dims(_in(op, 0), 4)
    _, kh, kw, _ = _dims(_in(op, 1), 4)
    _, oh, ow, oc = _dims(_out(op), 4)
    return layers.DepthwiseLayer(
        *(n, h, w, c, oh, ow, oc, kh, kw, options.depth_multiplier),
        *(options.stride_h, options.stride_w),
        *(options.dilation_h_factor, options.dilation_w_factor),
        padding_before(options.padding, h, kh, options.stride_h, options.dilation_h_factor),
        padding_before(options.padding, w, kw, options.stride_w, options.dilation_w_factor),
        activations=_num(_in(op, 0)),
        weights=_num(_in(op, 1)),
    )


def _transpose_conv(op: Op) -> layers.Layer:
    """Inputs: the output's shape, the weights, the activations, and perhaps a bias."""
    options = op.options
    if not isinstance(options, TransposeConvOptions):
        raise MalformedError("no options")
    _check_strides(options.stride_h, options.stride_w)
    n, h, w, c = _dims(_in(op, 2), 4)
    _, kh, kw, _ = _dims(_in(op, 1), 4)
    _, oh, ow, oc = _dims(_out(op), 4)
    bias = op.input(3)
    return layers.TransposeConvLayer(
        *(n, h, w, c, oh, ow, oc, kh, kw, options.stride_h, options.stride_w),
        padding_before(options.padding, oh, kh, options.stride_h),
        activations=_num(_in(op, 2)),
        bias=None if bias is None else _num(bias),
    )


def _check_strides(*strides: int) -> None:
    if min(strides) <= 0:
        raise MalformedError(f"stride {strides}")


def _fully_connected(op: Op) -> layers.Layer:
    weights, output, bias = _in(op, 1), _out(op), op.input(2)
    return layers.FullyConnectedLayer(
        batches=prod(output.shape[:-1]),
        input_c=_last(weights),
        output_c=_last(output),
        output_rank=len(output.shape),
        activations=_num(_in(op, 0)),
        weights=_num(weights),
        per_channel=weights.quant is not None and weights.quant.is_per_channel,
        constant_weights=weights.is_constant,
        constant_bias=bias is None or bias.is_constant,
    )


def _batch_matmul(op: Op) -> layers.Layer:
    lhs, rhs, output = _in(op, 0), _in(op, 1), _out(op)
    options = op.options if isinstance(op.options, BatchMatMulOptions) else BatchMatMulOptions()
    return layers.BatchMatmulLayer(
        output_c=_last(output),
        lhs_bytes=lhs.size_bytes or 0,
        rhs_bytes=rhs.size_bytes or 0,
        lhs_rank=len(lhs.shape),
        rhs_rank=len(rhs.shape),
        output_rank=len(output.shape),
        adj_x=options.adj_x,
        adj_y=options.adj_y,
        activations=_num(lhs),
    )


def _pool(op: Op) -> layers.Layer:
    if not isinstance(op.options, Pool2DOptions):
        raise MalformedError("no options")
    _, _, ow, oc = _dims(_out(op), 4)
    return layers.PoolLayer(ow, oc, op.code is OpCode.AVERAGE_POOL_2D, _num(_in(op, 0)))


def _svdf(op: Op) -> layers.Layer:
    """Inputs: activations, feature weights, time weights, bias, state; the third one decides."""
    batches, _ = _dims(_in(op, 0), 2)
    filters, _ = _dims(_in(op, 1), 2)
    _, units = _dims(_out(op), 2)
    return layers.SvdfLayer(batches, filters, units, _num(_in(op, 0)), _num(_in(op, 2)))


def _lstm(op: Op) -> layers.Layer:
    """Input 18 is the hidden state, 19 the cell state."""
    if not isinstance(op.options, UnidirectionalSequenceLSTMOptions):
        raise MalformedError("no options")
    shape = _dims(_in(op, 0), 3)
    _, units = _dims(_in(op, 18), 2)
    batches = shape[1] if op.options.time_major else shape[0]
    return layers.LstmLayer(batches, units, _num(_in(op, 0)), _num(_in(op, 19)))


def _recurrent(op: Op) -> layers.Layer:
    return _svdf(op) if op.code is OpCode.SVDF else _lstm(op)


def _softmax(op: Op) -> layers.Layer:
    return layers.SoftmaxLayer(_num(_in(op, 0)), _num(_out(op)))


def _reduce(op: Op) -> layers.Layer:
    data, axes = _in(op, 0), _in(op, 1)
    return layers.ReduceLayer(
        output_elements=_out(op).elements,
        input_rank=len(data.shape),
        axes=axes.elements,
        accumulates=Trait.ACCUMULATES in facts_of(op).traits,
        activations=_num(data),
    )


def _detection(op: Op) -> layers.Layer:
    layer = detection_layer(op)
    if layer is None:
        raise MalformedError("its options or shapes can't be read")
    return layer


def _mirror_pad(op: Op) -> layers.Layer:
    return layers.MirrorPadLayer(len(_in(op, 0).shape))


def _add_n(op: Op) -> layers.Layer:
    return layers.AddNLayer(len(op.inputs), _num(_out(op)))


_LAYERS: dict[Kind, Callable[[Op], layers.Layer]] = {
    Kind.CONVOLUTION: _conv,
    Kind.DEPTHWISE: _depthwise,
    Kind.TRANSPOSE_CONV: _transpose_conv,
    Kind.DENSE: _fully_connected,
    Kind.MATMUL: _batch_matmul,
    Kind.POOL: _pool,
    Kind.RECURRENT: _recurrent,
    Kind.SOFTMAX: _softmax,
    Kind.REDUCTION: _reduce,
    Kind.MIRROR_PAD: _mirror_pad,
    Kind.SUM_OF_MANY: _add_n,
}


def _add_or_mul(op: Op, isa: Isa) -> KernelUse:
    """ADD and MUL: CMSIS-NN without broadcasting only (shapes equal but for leading ones)."""
    name, size = op.code.name.lower(), MUL_OP_DATA_BYTES
    if op.code is OpCode.ADD:
        size = ADD_OP_DATA_BYTES
    first, second, num = _in(op, 0), _in(op, 1), _num(_out(op))
    if num not in {Num.INT8, Num.INT16}:
        why = "only int8 and int16 have a CMSIS-NN function here"
        return reference_use(f"TFLM {op.code.name}", why, op_data_bytes=size)
    if _extended(first, second) != _extended(second, first):
        why = f"broadcasts {list(first.shape)} with {list(second.shape)}: TFLM's own loop"
        return reference_use(f"TFLM {op.code.name}", why, op_data_bytes=size)
    is_int8 = num is Num.INT8
    function = f"arm_elementwise_{name}_{'s8' if is_int8 else 's16'}"
    return simd_use(
        function,
        isa,
        op_data_bytes=size,
        mve_only=not is_int8 and op.code is OpCode.ADD,
    )


def _extended(value: Value, other: Value) -> tuple[int, ...]:
    return (1,) * (len(other.shape) - len(value.shape)) + value.shape


def _pad(op: Op, isa: Isa) -> KernelUse:
    """PAD and PADV2: int8 only, and nothing but memory moves."""
    del isa
    if _num(_in(op, 0)) is not Num.INT8:
        why = "only int8 has a CMSIS-NN function here"
        return reference_use(f"TFLM {op.code.name}", why, op_data_bytes=PAD_OP_DATA_BYTES)
    return KernelUse("arm_pad_s8", Path.OPTIMIZED, op_data_bytes=PAD_OP_DATA_BYTES)


def _int8_on_mve(op: Op, isa: Isa) -> KernelUse:
    """MAXIMUM, MINIMUM and TRANSPOSE: int8 only, vector code for MVE only."""
    if _num(_out(op)) is not Num.INT8:
        why = "only int8 has a CMSIS-NN function here"
        return reference_use(f"TFLM {op.code.name}", why, op_data_bytes=0)
    return simd_use(f"arm_{op.code.name.lower()}_s8", isa, op_data_bytes=0, mve_only=True)


def _binary(op: Op, isa: Isa) -> KernelUse:
    picks = Trait.PICKS in facts_of(op).traits
    return _int8_on_mve(op, isa) if picks else _add_or_mul(op, isa)


_PLAIN: dict[Kind, Callable[[Op, Isa], KernelUse]] = {
    Kind.BINARY: _binary,
    Kind.PAD: _pad,
    Kind.TRANSPOSE: _int8_on_mve,
}
