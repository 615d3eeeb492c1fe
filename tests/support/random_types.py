"""Random models of a few operators, with types and options also from what TFLM lacks.

Each operator has inputs and outputs of its own, so that a model runs where each of them does.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields, replace

import numpy as np

from tests.support.type_probes import SPECIAL, plain, quant_of
from tflopt.facts.accepted_types import PORTS, TYPES
from tflopt.facts.tflm import KERNELS
from tflopt.io import write_bytes
from tflopt.ir import Activation, DType, Op, OpCode, Options, Quantization, Value
from tflopt.ir.builder import Builder

DTYPES = (
    *(DType.FLOAT32, DType.INT8, DType.INT16, DType.INT32, DType.INT64),
    *(DType.UINT8, DType.UINT32, DType.BOOL, DType.FLOAT16, DType.FLOAT64, DType.UINT16),
)
ABSENT = tuple(
    code
    for code in (
        *(OpCode.TILE, OpCode.POW, OpCode.GELU, OpCode.SIGN, OpCode.SELECT, OpCode.RANGE),
        *(OpCode.RELU_N1_TO_1, OpCode.TOPK_V2, OpCode.WHERE, OpCode.ONE_HOT, OpCode.RANK),
        *(OpCode.FAKE_QUANT, OpCode.UNIQUE, OpCode.ATAN2, OpCode.MATRIX_DIAG, OpCode.REDUCE_ANY),
        *(OpCode.LOCAL_RESPONSE_NORMALIZATION, OpCode.REDUCE_PROD, OpCode.REVERSE_SEQUENCE),
    )
    if code not in KERNELS
)
WEIGHTED = (OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D, OpCode.FULLY_CONNECTED, OpCode.TRANSPOSE_CONV)
UNARY = (
    *(OpCode.ABS, OpCode.CEIL, OpCode.COS, OpCode.EXP, OpCode.FLOOR, OpCode.LOG, OpCode.NEG),
    *(OpCode.ROUND, OpCode.SIN, OpCode.SQRT, OpCode.SQUARE, OpCode.RELU, OpCode.RELU6),
    *(OpCode.LOGISTIC, OpCode.TANH, OpCode.ELU, OpCode.HARD_SWISH, OpCode.LEAKY_RELU),
    *(OpCode.QUANTIZE, OpCode.DEQUANTIZE, OpCode.CAST, OpCode.ZEROS_LIKE, OpCode.LOGICAL_NOT),
)
"""Operators whose output has the shape of their one input, whatever that is."""
BINARY = (
    *(OpCode.ADD, OpCode.SUB, OpCode.MUL, OpCode.MAXIMUM, OpCode.MINIMUM),
    *(OpCode.EQUAL, OpCode.NOT_EQUAL, OpCode.GREATER, OpCode.GREATER_EQUAL, OpCode.LESS),
    *(OpCode.LESS_EQUAL, OpCode.SQUARED_DIFFERENCE),
)
ALIKE = (*BINARY, OpCode.PRELU, OpCode.SELECT_V2, OpCode.DYNAMIC_UPDATE_SLICE)
"""The schema has one type for all their tensors; the kernels look at one and read the others so."""
READ_AS_INT8 = {(OpCode.TRANSPOSE_CONV, (DType.INT16, DType.INT16))}
"""Runs, but the kernel takes the weights for int8: what comes out means nothing."""
REDUCTIONS = (OpCode.MEAN, OpCode.SUM, OpCode.REDUCE_MAX, OpCode.REDUCE_MIN)
ACTIVATIONS = (Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)
SCALED = (
    *(OpCode.SOFTMAX, OpCode.LOGISTIC, OpCode.TANH, OpCode.L2_NORMALIZATION, OpCode.LOG_SOFTMAX),
    *(OpCode.CONCATENATION, OpCode.AVERAGE_POOL_2D, OpCode.MAX_POOL_2D),
)
"""Operators whose kernels look at the output's scale or zero point."""
QUANTS = ((1 / 256, -128), (1 / 128, 0), (1 / 32768, 0), (1 / 65536, -32768), (0.05, 3), (0.05, 0))


def random_model(rng: random.Random) -> bytes:
    """One to four operators, each with its inputs and outputs."""
    n = Builder()
    for _ in range(rng.choice((1, 1, 2, 3, 4))):
        for value in _random_operator(n, rng):
            n.output(value)
    return write_bytes(n.model)


def _random_operator(n: Builder, rng: random.Random) -> list[Value]:
    if rng.random() < 0.04:
        return _absent(n, rng)
    code = rng.choice(list(TYPES))
    types = _types(code, rng)
    before = len(n.graph.ops)
    outputs = SPECIAL.get(code, plain)(n, code, types)
    for op in n.graph.ops[before:]:
        if rng.random() < 0.6:
            _vary(n, op, rng)
    return outputs


def _types(code: OpCode, rng: random.Random) -> Sequence[DType]:
    """Those of the table mostly, also any."""
    known = sorted(TYPES[code], key=str)
    if known and rng.random() < 0.75:
        return rng.choice(known)
    if code in ALIKE:
        return (rng.choice(DTYPES),) * len(PORTS.get(code, (0, -1)))
    width = len(PORTS.get(code, (0, -1)))
    if rng.random() < 0.5:
        types = (rng.choice(DTYPES),) * width
        return known[0] if (code, types) in READ_AS_INT8 else types
    types = tuple(rng.choice(DTYPES) for _ in range(width))
    return known[0] if (code, types) in READ_AS_INT8 else types


def _absent(n: Builder, rng: random.Random) -> list[Value]:
    dtype = rng.choice(DTYPES)
    x = n.input((1, 4), dtype, quant=quant_of(dtype))
    return [n.op(rng.choice(ABSENT), [x], (1, 4), dtype=dtype)]


def _vary(n: Builder, op: Op, rng: random.Random) -> None:
    """Other options, ranks, scales and a bias, valid for the schema and for the shapes."""
    choices: list[Callable[[Builder, Op, random.Random], None]] = [_version]
    if isinstance(op.options, Options):
        if any(field.name == "fused_activation_function" for field in fields(op.options)):
            choices.append(_activation)
        if any(field.type == "bool" for field in fields(op.options)):
            choices.append(_flags)
    for codes, more in _OTHERS:
        if op.code in codes:
            choices += more
    rng.choice(choices)(n, op, rng)


def _set(op: Op, **changes: object) -> None:
    assert isinstance(op.options, Options)
    op.options = replace(op.options, **changes)


def _version(n: Builder, op: Op, rng: random.Random) -> None:
    """TFLM doesn't look at it."""
    op.opcode = n.model.opcode(op.code, rng.randint(1, 9))


def _activation(n: Builder, op: Op, rng: random.Random) -> None:
    _set(op, fused_activation_function=rng.choice(ACTIVATIONS))


def _flags(n: Builder, op: Op, rng: random.Random) -> None:
    """Flags of the options, but for those that change shapes."""
    assert isinstance(op.options, Options)
    names = [f.name for f in fields(op.options) if f.type == "bool"]
    same_shape = [name for name in names if name not in ("keep_dims", "keep_num_dims", "offset")]
    if op.code in (OpCode.RESIZE_BILINEAR, OpCode.RESIZE_NEAREST_NEIGHBOR):
        same_shape = [rng.choice(same_shape)]
    _set(op, **{name: rng.random() < 0.5 for name in same_shape})


def _per_channel(n: Builder, op: Op, rng: random.Random) -> None:
    weights = op.input(1)
    assert weights is not None
    if weights.dtype is DType.FLOAT32:
        return
    axis = 3 if op.code is OpCode.DEPTHWISE_CONV_2D else 0
    count = weights.shape[axis]
    scales = np.linspace(0.01, 0.02, count).astype(np.float32)
    weights.quant = Quantization(scales, np.zeros(count, np.int64), axis)


def _bias(n: Builder, op: Op, rng: random.Random) -> None:
    if len(op.inputs) > 3 or (op.code is not OpCode.TRANSPOSE_CONV and len(op.inputs) > 2):
        return
    data = op.input(2 if op.code is OpCode.TRANSPOSE_CONV else 0)
    weights = op.input(1)
    assert data is not None and weights is not None
    usual = {DType.FLOAT32: DType.FLOAT32, DType.INT16: DType.INT64}.get(data.dtype, DType.INT32)
    dtype = usual if rng.random() < 0.7 else rng.choice((DType.INT32, DType.INT64, DType.FLOAT32))
    bias = n.constant(np.zeros(op.output.shape[-1]), dtype)
    if data.quant is not None and weights.quant is not None and dtype is not DType.FLOAT32:
        assert data.quant.scale is not None and weights.quant.scale is not None
        scales = (data.quant.scale[0] * weights.quant.scale).astype(np.float32)
        bias.quant = Quantization(scales, np.zeros(scales.size, np.int64))
    op.set_inputs([*op.inputs, bias])


def _rank(n: Builder, op: Op, rng: random.Random) -> None:
    shape = (2,) * rng.randint(1, 7)
    for value in (*op.inputs, *op.outputs):
        if value is not None and not value.has_data:
            value.shape = shape


def _broadcast(n: Builder, op: Op, rng: random.Random) -> None:
    """The second input has fewer axes, or axes of 1."""
    rank = rng.randint(2, 6)
    shape = (2,) * rank
    other = tuple(rng.choice((1, 2)) for _ in range(rank))[rng.randint(0, rank - 1) :]
    one, two = op.inputs
    assert one is not None and two is not None
    if one.has_data or two.has_data:
        return
    one.shape, two.shape, op.output.shape = shape, other, shape


def _axes(n: Builder, op: Op, rng: random.Random) -> None:
    """One to all axes of one to six."""
    rank = rng.randint(1, 6)
    axes = sorted(rng.sample(range(rank), rng.randint(1, rank)))
    data = op.input(0)
    assert data is not None
    data.shape = (2,) * rank
    op.set_inputs([data, n.constant(axes)])
    keep = rng.random() < 0.5
    _set(op, keep_dims=keep)
    kept = (1 if axis in axes else 2 for axis in range(rank) if keep or axis not in axes)
    op.output.shape = tuple(kept)


def _scale(n: Builder, op: Op, rng: random.Random) -> None:
    """The output's, or an int16 input's zero point."""
    value = op.output
    if value.dtype not in (DType.INT8, DType.INT16):
        return
    scale, zero = rng.choice(QUANTS)
    low = -128 if value.dtype is DType.INT8 else -32768
    value.quant = Quantization.per_tensor(scale, max(low, zero))


def _dilation(n: Builder, op: Op, rng: random.Random) -> None:
    _set(op, dilation_w_factor=2, dilation_h_factor=rng.choice((1, 2)))


def _masks(n: Builder, op: Op, rng: random.Random) -> None:
    """Begins and ends that are left out; now and then what TFLM lacks."""
    begin = rng.randrange(16)
    _set(op, begin_mask=begin)
    op.output.shape = tuple(
        size + 1 if begin >> axis & 1 and axis in (1, 2) else size
        for axis, size in enumerate(op.output.shape)
    )
    if rng.random() < 0.3:
        _set(op, **{rng.choice(("ellipsis_mask", "new_axis_mask")): 1})


def _mirror(n: Builder, op: Op, rng: random.Random) -> None:
    _set(op, mode=rng.randrange(2))


def _keep_dims(n: Builder, op: Op, rng: random.Random) -> None:
    data = op.input(0)
    assert data is not None
    data.shape = (1, 2, data.shape[-1])
    keep = rng.random() < 0.5
    _set(op, keep_num_dims=keep)
    units = op.output.shape[-1]
    op.output.shape = (1, 2, units) if keep else (2, units)


_Vary = Callable[[Builder, Op, random.Random], None]
_OTHERS: Sequence[tuple[Collection[OpCode], list[_Vary]]] = (
    (WEIGHTED, [_per_channel, _bias, _bias, _per_channel]),
    ((*UNARY, *BINARY), [_rank, _rank]),
    (BINARY, [_broadcast]),
    ((OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D), [_dilation]),
    (SCALED, [_scale, _scale]),
    (REDUCTIONS, [_axes, _axes]),
    ((OpCode.STRIDED_SLICE,), [_masks, _masks]),
    ((OpCode.MIRROR_PAD,), [_mirror]),
    ((OpCode.FULLY_CONNECTED,), [_keep_dims, _keep_dims]),
)
