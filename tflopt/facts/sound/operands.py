"""How many inputs and outputs a builtin operator has at least: kernels fetch them unchecked."""

from __future__ import annotations

from tflopt.ir.node import Op
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import (
    CallOnceOptions,
    IfOptions,
    Options,
    SVDFOptions,
    VarHandleOptions,
    WhileOptions,
)
from tflopt.ir.types import DType

_ONE = """ABS AVERAGE_POOL_2D BITCAST CAST CEIL CONCATENATION COS DEPTH_TO_SPACE DEQUANTIZE ELU EXP
FAKE_QUANT FLOOR GELU HARD_SWISH IF L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LOG LOGICAL_NOT LOGISTIC
LOG_SOFTMAX MAX_POOL_2D NEG PACK QUANTIZE RANK READ_VARIABLE RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1
RESHAPE ROUND RSQRT SHAPE SIGN SIN SOFTMAX SPACE_TO_DEPTH SQRT SQUARE SQUEEZE TANH UNPACK
ZEROS_LIKE"""
_TWO = """ADD ARG_MAX ARG_MIN ASSIGN_VARIABLE ATAN2 BATCH_MATMUL BITWISE_XOR BROADCAST_ARGS
BROADCAST_TO CONV_2D CUMSUM DEPTHWISE_CONV_2D DIV EMBEDDING_LOOKUP EQUAL EXPAND_DIMS FILL FLOOR_DIV
FLOOR_MOD FULLY_CONNECTED GATHER GATHER_ND GREATER GREATER_EQUAL LESS LESS_EQUAL LOGICAL_AND
LOGICAL_OR MAXIMUM MEAN MINIMUM MIRROR_PAD MUL NOT_EQUAL PAD POW PRELU REDUCE_ALL REDUCE_ANY
REDUCE_MAX REDUCE_MIN REDUCE_PROD RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 RIGHT_SHIFT
SPLIT SQUARED_DIFFERENCE SUB SUM TILE TOPK_V2 TRANSPOSE"""
_THREE = """BATCH_TO_SPACE_ND DYNAMIC_UPDATE_SLICE PADV2 SELECT SELECT_V2 SLICE SPACE_TO_BATCH_ND
SPLIT_V TRANSPOSE_CONV"""
_LSTM = (0, *range(1, 9), *range(12, 16), 18, 19)

NEEDED: dict[OpCode, tuple[int, ...]] = {
    **{OpCode[name]: (0,) for name in _ONE.split()},
    **{OpCode[name]: (0, 1) for name in _TWO.split()},
    **{OpCode[name]: (0, 1, 2) for name in _THREE.split()},
    OpCode.STRIDED_SLICE: (0, 1, 2, 3),
    OpCode.SVDF: (0, 1, 2, 3, 4),
    OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM: _LSTM,
}
"""Inputs that the kernels of TFLM dereference without a look, by operator."""
WITHOUT_OUTPUT = frozenset({OpCode.ASSIGN_VARIABLE, OpCode.CALL_ONCE, OpCode.IF, OpCode.WHILE})
"""Operators that may have none."""
VARIADIC = frozenset({OpCode.CONCATENATION, OpCode.PACK, OpCode.IF, OpCode.WHILE})
"""Operators that read all inputs that they are given."""
KEEPING_TYPE = frozenset(
    OpCode[name]
    for name in """ABS ADD AVERAGE_POOL_2D BATCH_TO_SPACE_ND CEIL CONCATENATION COS CUMSUM
    DEPTH_TO_SPACE DIV ELU EXP EXPAND_DIMS FLOOR GATHER GATHER_ND HARD_SWISH L2_NORMALIZATION
    L2_POOL_2D LEAKY_RELU LOG LOGISTIC MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG PACK PAD
    PADV2 PRELU RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR
    RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT SIN SLICE SOFTMAX SPACE_TO_BATCH_ND
    SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM TANH
    TRANSPOSE UNPACK ZEROS_LIKE""".split()
)
"""Operators that write elements of the type that they read, whatever the output is said to be."""
WIDENING = (OpCode.SOFTMAX, DType.INT8, DType.INT16)
"""The only one of them with a kernel for another type of its output."""
OPTIONS: dict[OpCode, type[Options]] = {
    OpCode.CALL_ONCE: CallOnceOptions,
    OpCode.IF: IfOptions,
    OpCode.SVDF: SVDFOptions,
    OpCode.VAR_HANDLE: VarHandleOptions,
    OpCode.WHILE: WhileOptions,
}
"""Options without which a kernel can't work at all."""
UNKNOWN_TYPES = frozenset({DType.STRING, DType.VARIANT, DType.INT2, DType.UINT4})
"""TFLM has no size for these: a kernel gets no tensor where it asks for one."""


def operand_flaw(op: Op) -> str:
    """An operand or options that are missing; empty where all are there."""
    options = OPTIONS.get(op.code)
    if options is not None and not isinstance(op.options, options):
        return f"it has no {options.__name__}"
    for index in NEEDED.get(op.code, ()):
        if op.input(index) is None:
            return f"input {index} is missing; the kernel reads it"
    if op.code in VARIADIC and None in op.inputs:
        return f"input {op.inputs.index(None)} is missing; the kernel reads it"
    if not op.outputs and op.code not in WITHOUT_OUTPUT:
        return "it has no output"
    return _type_flaw(op) if op.code in NEEDED else ""


def _type_flaw(op: Op) -> str:
    data = op.input(1 if op.code is OpCode.SPLIT else 0)
    if data is not None and op.code in KEEPING_TYPE:
        for output in op.outputs:
            widens = (op.code, data.dtype, output.dtype) == WIDENING
            if output.dtype is not data.dtype and not widens:
                return f"{data.dtype.name} in, {output.dtype.name} out"
    for kind, values in (("input", op.inputs), ("output", op.outputs)):
        for index, value in enumerate(values):
            if value is not None and value.dtype in UNKNOWN_TYPES:
                return f"{kind} {index} has the type {value.dtype.name}, which TFLM doesn't have"
    return ""
