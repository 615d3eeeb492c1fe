"""The row of the table that a layer belongs to, and its features.

A row is a kernel in one of its forms: a function of CMSIS-NN where one runs, else the operator
with its element types. Every row also has the feature ``call``.
"""

from __future__ import annotations

from collections.abc import Callable

from tflopt.facts.operators import OPERATORS, UNLISTED, WEIGHTED, Kind, Trait
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
from tflopt.target.cmsis_nn.of_operator import layer_of
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
from tflopt.target.use import KernelUse, Path

Row = tuple[str, Features]


def features_of(spec: LayerSpec, op: Op, use: KernelUse, isa: Isa) -> Row | None:
    """Row name and features, None for a layer that no row can describe.

    ``op`` and ``use`` are the layer as an operator and what the dispatch says of it.
    """
    if use.path is Path.UNKNOWN or not (spec.outputs or _state(spec)):
        return None
    row = _row(spec, op, use, isa)
    if row is None or not row[1]:
        return None
    name, features = row
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
    if _kind(spec) is Kind.BINARY and other.is_broadcast(spec):
        return f"{function} broadcast", other.rows_broadcast(spec, isa)
    make = _FUNCTIONS.get(_kind(spec))
    return None if make is None else (function, make(spec, isa))


def _reference(spec: LayerSpec, op: Op, isa: Isa) -> Row | None:
    of_state = _state(spec)
    if of_state is not None:
        return spec.code.name, of_state(spec, isa)
    types = _types(spec)
    if spec.code is OpCode.PRELU:
        return f"PRELU {types} broadcast", other.prelu(spec, isa)
    if _kind(spec) in {Kind.BINARY, Kind.COMPARISON} and other.takes_broadcast_loops(spec):
        features = other.broadcast(spec, isa)
        if features and by_data.rounds_by_sign(spec):
            features |= by_data.signs(spec)
        return f"{spec.code.name} {types} broadcast", features
    if spec.code is OpCode.TRANSPOSE:
        return f"TRANSPOSE {types}", movement.loops(spec.output)
    if _kind(spec) is Kind.PAD:
        return f"PAD {types}", {"elements": spec.output.elements, "copied": _first(spec)}
    if spec.code is OpCode.MEAN and types == "f32" and other.is_spatial_mean(spec):
        return "MEAN f32 spatial", other.spatial_mean(spec)
    if spec.code in WEIGHTED:
        return f"{spec.code.name} {types} reference", _plain_product(spec, op)
    make = _FUNCTIONS.get(_kind(spec))
    if make is not None and spec.code in MOVES:
        return spec.code.name, make(spec, isa)
    return None if make is None else (f"{spec.code.name} {types}", make(spec, isa))


def _kind(spec: LayerSpec) -> Kind:
    return OPERATORS.get(spec.code, UNLISTED).kind


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
    first = next(
        (tensor for tensor in spec.inputs if tensor is not None and tensor.ints is None), None
    )
    if spec.code is OpCode.TRANSPOSE_CONV:
        first = spec.input(2)
    out = spec.output.dtype
    if first is None or first.dtype is out:
        return out.short
    return f"{first.dtype.short} to {out.short}"


def _view(spec: LayerSpec, isa: Isa) -> Features:
    """RESHAPE and SQUEEZE call memcpy, EXPAND_DIMS has a loop."""
    make = movement.elements if spec.code is OpCode.EXPAND_DIMS else movement.moved
    return make(spec, isa)


def _resize(spec: LayerSpec, isa: Isa) -> Features:
    nearest = spec.code is OpCode.RESIZE_NEAREST_NEIGHBOR
    return (movement.pixel_copies if nearest else movement.blocks)(spec, isa)


def _unary(spec: LayerSpec, isa: Isa) -> Features:
    saturates = Trait.SATURATES in OPERATORS[spec.code].traits
    return (by_data.saturating if saturates else other.elementwise)(spec, isa)


_FUNCTIONS: dict[Kind, Callable[[LayerSpec, Isa], Features]] = {
    Kind.MATMUL: dense.batch_matmul,
    Kind.RECURRENT: dense.lstm,
    Kind.POOL: other.pool,
    Kind.SOFTMAX: by_data.softmax,
    Kind.UNARY: _unary,
    Kind.BINARY: other.elementwise,
    Kind.COMPARISON: other.comparison,
    Kind.REDUCTION: other.reduction,
    Kind.PAD: movement.pad,
    Kind.JOIN: movement.join,
    **dict.fromkeys((Kind.SPLIT, Kind.STACK, Kind.UNSTACK), movement.element_copies),
    Kind.SLICE: movement.block,
    Kind.STRIDED_SLICE: movement.strided,
    Kind.VIEW: _view,
    Kind.GATHER: movement.gather,
    Kind.RESIZE: _resize,
    Kind.BLOCK: movement.pixel_copies,
    **dict.fromkeys((Kind.DEPTH, Kind.MIRROR_PAD), movement.blocks),
    Kind.SEARCH: other.search,
}


def _state(spec: LayerSpec) -> Callable[[LayerSpec, Isa], Features] | None:
    """What touches variables, or runs once for all; None for other operators."""
    match spec.code:
        case OpCode.READ_VARIABLE:
            return state.read
        case OpCode.ASSIGN_VARIABLE:
            return state.assign
        case OpCode.VAR_HANDLE | OpCode.CALL_ONCE:
            return state.nothing
    return None
