"""The row of the table that a layer belongs to, and its features.

A row is a kernel in one of its forms: a function of CMSIS-NN where one runs, else the operator
with its element types. Every row also has the feature ``call``.
"""

from __future__ import annotations

from collections.abc import Callable

from tflopt.facts.windows import padding_before
from tflopt.facts.work import MOVES, macs
from tflopt.ir import Op, OpCode
from tflopt.ir.options import TransposeConvOptions
from tflopt.target.cmsis_nn.layers import (
    ConvLayer,
    DepthwiseLayer,
    FullyConnectedLayer,
    SvdfLayer,
    TransposeConvLayer,
)
from tflopt.target.cmsis_nn.use import KernelUse, Path
from tflopt.target.cortex_m import Isa
from tflopt.target.cost import features_convolve as conv
from tflopt.target.cost import features_data as by_data
from tflopt.target.cost import features_dense as dense
from tflopt.target.cost import features_depthwise as depthwise
from tflopt.target.cost import features_movement as movement
from tflopt.target.cost import features_other as other
from tflopt.target.cost import features_state as state
from tflopt.target.cost import features_transpose_conv as transpose_conv
from tflopt.target.cost.copies import Features
from tflopt.target.cost.spec import LayerSpec
from tflopt.target.cost.windows import window_of
from tflopt.target.kernels import layer_of

Row = tuple[str, Features]


def features_of(spec: LayerSpec, op: Op, use: KernelUse, isa: Isa) -> Row | None:
    """Row name and features, None for a layer that no row can describe.

    ``op`` and ``use`` are the layer as an operator and what the dispatch says of it.
    """
    if use.path is Path.UNKNOWN or not (spec.outputs or spec.code in _STATE):
        return None
    found = _row(spec, op, use, isa)
    if found is None or not found[1]:
        return None
    name, features = found
    return name, {"call": 1.0, **features}


def _row(spec: LayerSpec, op: Op, use: KernelUse, isa: Isa) -> Row | None:
    if use.path is Path.REFERENCE:
        return _reference(spec, op, isa)
    match layer := layer_of(op):
        case ConvLayer():
            return _conv(use.function, layer, isa)
        case DepthwiseLayer():
            return _depthwise(use.function, layer, isa)
        case TransposeConvLayer():
            return _transpose_conv(spec, use.function, layer, isa)
        case FullyConnectedLayer():
            if use.function == "arm_convolve_1x1_s8_fast":
                return f"FULLY_CONNECTED {use.function}", dense.as_1x1(layer, isa)
            return use.function, dense.fully_connected(layer, isa)
        case SvdfLayer():
            return use.function, dense.svdf(spec, layer, isa)
        case _:
            return _by_spec(spec, use.function, isa)


def _conv(function: str, layer: ConvLayer, isa: Isa) -> Row:
    if function in {"arm_convolve_1x1_s8_fast", "arm_convolve_1x1_s8"}:
        return function, conv.convolve_1x1(layer, isa)
    if function == "arm_convolve_1_x_n_s8":
        return function, conv.convolve_1_x_n(layer, isa)
    if function == "arm_convolve_s16":
        return conv.convolve_s16(layer, isa)
    grouped = " grouped" if layer.filter_c != layer.input_c else ""
    return function + grouped, conv.convolve(layer, isa)


def _depthwise(function: str, layer: DepthwiseLayer, isa: Isa) -> Row:
    if function == "arm_depthwise_conv_s8_opt":
        return function, depthwise.optimized(layer, isa)
    if function == "arm_depthwise_conv_3x3_s8":
        return function, depthwise.three_by_three(layer, isa)
    if function == "arm_depthwise_conv_to_conv_s8":
        form, features = depthwise.to_convolution(layer, isa)
        return f"{function} {form}", features
    if function == "arm_depthwise_conv_s8" and depthwise.runs_by_four(layer):
        return f"{function} by four", depthwise.by_four(layer, isa)
    return function, depthwise.generic(layer, isa)


def _transpose_conv(spec: LayerSpec, function: str, layer: TransposeConvLayer, isa: Isa) -> Row:
    if function == "arm_transpose_conv_s8":
        return function, transpose_conv.direct(layer, isa)
    pad_w = 0
    if isinstance(spec.options, TransposeConvOptions):
        pad_w = padding_before(spec.options.padding, layer.output_w, layer.kernel_w, layer.stride_w)
    form, features = transpose_conv.reversed_form(layer, pad_w, isa)
    return f"TRANSPOSE_CONV {form}", features


def _by_spec(spec: LayerSpec, function: str, isa: Isa) -> Row | None:
    if spec.code is OpCode.TRANSPOSE:
        form, features = movement.transpose(spec, isa)
        return f"{function} {form}", features
    if spec.code in {OpCode.MAXIMUM, OpCode.MINIMUM} and other.is_broadcast(spec):
        return f"{function} broadcast", other.rows_broadcast(spec, isa)
    make = _FUNCTIONS.get(spec.code)
    return None if make is None else (function, make(spec, isa))


def _reference(spec: LayerSpec, op: Op, isa: Isa) -> Row | None:
    if spec.code in _STATE:
        return spec.code.name, _STATE[spec.code](spec, isa)
    types = _types(spec)
    if spec.code is OpCode.PRELU:
        return f"PRELU {types} broadcast", other.prelu(spec, isa)
    if spec.code in _BROADCASTING and other.is_broadcast(spec):
        return f"{spec.code.name} {types} broadcast", other.broadcast(spec, isa)
    if spec.code is OpCode.TRANSPOSE:
        return f"TRANSPOSE {types}", movement.loops(spec.output)
    if spec.code in {OpCode.PAD, OpCode.PADV2}:
        return f"PAD {types}", {"elements": spec.output.elements, "copied": _first(spec)}
    if spec.code is OpCode.MEAN and types == "f32" and other.is_spatial_mean(spec):
        return "MEAN f32 spatial", other.spatial_mean(spec)
    if spec.code in _PRODUCTS:
        return f"{spec.code.name} {types} reference", _plain_product(spec, op)
    make = _FUNCTIONS.get(spec.code)
    if make is not None and spec.code in MOVES:
        return spec.code.name, make(spec, isa)
    if make is None and spec.code in _ELEMENTWISE:
        make = other.elementwise
    return None if make is None else (f"{spec.code.name} {types}", make(spec, isa))


def _first(spec: LayerSpec) -> int:
    data = spec.input(0)
    return 0 if data is None else data.elements


def _plain_product(spec: LayerSpec, op: Op) -> Features:
    """Any product of TFLM's own: outputs, taps and multiply-accumulates inside the input."""
    outputs, layer = spec.output.elements, layer_of(op)
    if isinstance(layer, ConvLayer | DepthwiseLayer):
        window = window_of(layer)
        per_pixel = outputs // max(1, window.pixels)
        depth = layer.filter_c if isinstance(layer, ConvLayer) else 1
        return {
            "outputs": outputs,
            "visited taps": window.taps * per_pixel,
            "taps": window.valid_taps * per_pixel,
            "macs": window.valid_taps * per_pixel * depth,
        }
    if isinstance(layer, TransposeConvLayer):
        inputs = layer.batches * layer.input_h * layer.input_w * layer.input_c
        return {"outputs": outputs, "inputs": inputs, "macs": macs(op)}
    return {"outputs": outputs, "macs": macs(op)}


def _types(spec: LayerSpec) -> str:
    """The element type, or both where an operator converts."""
    first = next((each for each in spec.inputs if each is not None and each.ints is None), None)
    if spec.code is OpCode.TRANSPOSE_CONV:
        first = spec.input(2)
    out = spec.output.dtype
    if first is None or first.dtype is out:
        return out.short
    return f"{first.dtype.short} to {out.short}"


_FUNCTIONS: dict[OpCode, Callable[[LayerSpec, Isa], Features]] = {
    OpCode.BATCH_MATMUL: dense.batch_matmul,
    OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM: dense.lstm,
    OpCode.AVERAGE_POOL_2D: other.pool,
    OpCode.MAX_POOL_2D: other.pool,
    OpCode.SOFTMAX: by_data.softmax,
    OpCode.LOG_SOFTMAX: by_data.softmax,
    OpCode.LOGISTIC: by_data.saturating,
    OpCode.TANH: by_data.saturating,
    OpCode.MEAN: other.reduction,
    OpCode.SUM: other.reduction,
    OpCode.REDUCE_MAX: other.reduction,
    OpCode.REDUCE_MIN: other.reduction,
    OpCode.ADD: other.elementwise,
    OpCode.MUL: other.elementwise,
    OpCode.MAXIMUM: other.elementwise,
    OpCode.MINIMUM: other.elementwise,
    OpCode.PAD: movement.pad,
    OpCode.PADV2: movement.pad,
    OpCode.CONCATENATION: movement.join,
    OpCode.SPLIT: movement.element_copies,
    OpCode.SPLIT_V: movement.element_copies,
    OpCode.PACK: movement.element_copies,
    OpCode.UNPACK: movement.element_copies,
    OpCode.SLICE: movement.strided,
    OpCode.STRIDED_SLICE: movement.strided,
    OpCode.RESHAPE: movement.moved,
    OpCode.SQUEEZE: movement.moved,
    OpCode.EXPAND_DIMS: movement.elements,
    OpCode.GATHER: movement.gather,
    OpCode.RESIZE_BILINEAR: movement.blocks,
    OpCode.RESIZE_NEAREST_NEIGHBOR: movement.pixel_copies,
    OpCode.SPACE_TO_BATCH_ND: movement.pixel_copies,
    OpCode.BATCH_TO_SPACE_ND: movement.pixel_copies,
    OpCode.SPACE_TO_DEPTH: movement.blocks,
    OpCode.DEPTH_TO_SPACE: movement.blocks,
    OpCode.MIRROR_PAD: movement.blocks,
    OpCode.ARG_MAX: other.last_axis,
    OpCode.ARG_MIN: other.last_axis,
}
_STATE: dict[OpCode, Callable[[LayerSpec, Isa], Features]] = {
    OpCode.READ_VARIABLE: state.read,
    OpCode.ASSIGN_VARIABLE: state.assign,
    OpCode.VAR_HANDLE: state.nothing,
    OpCode.CALL_ONCE: state.nothing,
}
_PRODUCTS = frozenset(
    {OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D, OpCode.TRANSPOSE_CONV, OpCode.FULLY_CONNECTED}
)
_BROADCASTING = frozenset(
    {
        *(OpCode.ADD, OpCode.MUL, OpCode.SUB, OpCode.DIV, OpCode.MAXIMUM, OpCode.MINIMUM),
        *(OpCode.PRELU, OpCode.SQUARED_DIFFERENCE),
    }
)
_ELEMENTWISE = frozenset(
    {
        *(OpCode.SUB, OpCode.DIV, OpCode.SQUARED_DIFFERENCE, OpCode.PRELU),
        *(OpCode.RELU, OpCode.RELU6, OpCode.LEAKY_RELU, OpCode.HARD_SWISH, OpCode.ELU),
        *(OpCode.ABS, OpCode.NEG, OpCode.EXP, OpCode.SQRT),
        *(OpCode.RSQRT, OpCode.SQUARE, OpCode.QUANTIZE, OpCode.DEQUANTIZE, OpCode.CAST),
    }
)
