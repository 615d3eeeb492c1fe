"""Which element types and ranks TFLM's kernels take, by operator: data alone.

Holds for tflite-micro 90b983c. Every pair was tried on the tflite-micro package, with its reference
kernels, by ``AllocateTensors`` and one ``Invoke`` (``tests/target/test_runs.py`` does it again).
CMSIS-NN's kernels take the same but for what :mod:`tflopt.target.runs` says of them.
"""

from __future__ import annotations

from itertools import product

from tflopt.ir import DType, OpCode

SHORT = {
    "f32": DType.FLOAT32,
    "i4": DType.INT4,
    "i8": DType.INT8,
    "i16": DType.INT16,
    "i32": DType.INT32,
    "i64": DType.INT64,
    "u8": DType.UINT8,
    "u32": DType.UINT32,
    "bool": DType.BOOL,
}
OUTPUT = -1
PORTS: dict[OpCode, tuple[int, ...]] = {
    OpCode.SPLIT: (1, OUTPUT),
    OpCode.EMBEDDING_LOOKUP: (1, OUTPUT),
    OpCode.FILL: (1, OUTPUT),
    OpCode.SELECT_V2: (1, 2, OUTPUT),
    OpCode.GATHER: (0, 1),
    OpCode.GATHER_ND: (0, 1),
    OpCode.CONV_2D: (0, 1),
    OpCode.DEPTHWISE_CONV_2D: (0, 1),
    OpCode.FULLY_CONNECTED: (0, 1),
    OpCode.TRANSPOSE_CONV: (2, 1),
    OpCode.BATCH_MATMUL: (0, 1),
    OpCode.SHAPE: (OUTPUT,),
    OpCode.REDUCE_ALL: (0,),
    **dict.fromkeys((OpCode.ADD, OpCode.SUB, OpCode.MUL, OpCode.DIV), (0, 1, OUTPUT)),
    **dict.fromkeys((OpCode.MAXIMUM, OpCode.MINIMUM, OpCode.SQUARED_DIFFERENCE), (0, 1, OUTPUT)),
    **dict.fromkeys((OpCode.FLOOR_DIV, OpCode.FLOOR_MOD, OpCode.PRELU), (0, 1, OUTPUT)),
    **dict.fromkeys((OpCode.EQUAL, OpCode.NOT_EQUAL, OpCode.GREATER), (0, 1)),
    **dict.fromkeys((OpCode.GREATER_EQUAL, OpCode.LESS, OpCode.LESS_EQUAL), (0, 1)),
}
"""Which tensors count: inputs by index, and the output. Where none is named: input 0 and it."""

SAME = {
    "f32": "CEIL COS EXP FLOOR LOG NEG ROUND SIN SQRT SQUARE FLOOR_DIV FLOOR_MOD L2_POOL_2D",
    "f32 i8": "ELU HARD_SWISH L2_NORMALIZATION LOG_SOFTMAX ADD_N MIRROR_PAD RESIZE_BILINEAR "
    "SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND SPACE_TO_DEPTH DEPTH_TO_SPACE CUMSUM REDUCE_MAX "
    "REDUCE_MIN",
    "f32 i8 i16": "ABS RSQRT LEAKY_RELU LOGISTIC RELU RELU6 TANH TRANSPOSE RESIZE_NEAREST_NEIGHBOR "
    "EXPAND_DIMS SELECT_V2 MEAN SUM AVERAGE_POOL_2D MAX_POOL_2D",
    "f32 i8 i32": "FILL DIV",
    "f32 i8 i32 i64": "ZEROS_LIKE GREATER_EQUAL LESS LESS_EQUAL",
    "f32 i8 i16 i32": "ADD SUB MUL SQUARED_DIFFERENCE UNPACK SPLIT SPLIT_V PAD PADV2 "
    "DYNAMIC_UPDATE_SLICE",
    "f32 i8 i16 i32 i64": "MAXIMUM MINIMUM PACK GREATER",
    "f32 i8 i16 i32 i64 bool": "CONCATENATION",
    "f32 i8 i16 i32 bool": "SLICE STRIDED_SLICE",
    "f32 i8 i16 i32 i64 u8 bool": "REVERSE_V2",
    "f32 i8 i32 i64 bool": "EQUAL NOT_EQUAL",
    "bool": "LOGICAL_NOT REDUCE_ALL",
    "i32": "SHAPE",
    "i32 i64": "BROADCAST_ARGS",
}
"""Types that all counted tensors may have, all the same one."""

PAIRS = {
    "QUANTIZE": "f32/i8 f32/i16 i8/i8 i8/i16 i8/i32 i8/u8 i16/i8 i16/i16 i16/i32 i32/i8 i32/i16 "
    "u8/i8",
    "DEQUANTIZE": "i8/f32 i16/f32 u8/f32",
    "ARG_MAX": "f32/i32 i8/i32",
    "ARG_MIN": "f32/i32 i8/i32",
    "SOFTMAX": "f32/f32 i8/i8 i8/i16 i16/i16",
    "GATHER": "f32/i32 i8/i32",
    "GATHER_ND": "f32/i32 i8/i32",
    "BATCH_MATMUL": "f32/f32 i8/i8 i16/i16",
    "EMBEDDING_LOOKUP": "f32/f32 i8/f32 i8/i8",
    "CONV_2D": "f32/f32 i8/i8 i8/i4 i16/i8",
    "DEPTHWISE_CONV_2D": "f32/f32 i8/i8 i8/i4 i16/i8",
    "FULLY_CONNECTED": "f32/f32 i8/i8 i8/i4 i16/i8",
    "TRANSPOSE_CONV": "f32/f32 i8/i8 i16/i8",
    "PRELU": "f32/f32/f32 i8/i8/i8 i16/i8/i16",
}
CAST_FROM_TO = ("f32", "i8", "i16", "i32", "u32", "bool")

RANKS: dict[OpCode, tuple[int, int]] = {
    OpCode.PAD: (0, 5),
    OpCode.PADV2: (0, 5),
    OpCode.SLICE: (0, 5),
    OpCode.STRIDED_SLICE: (0, 4),
    OpCode.TRANSPOSE: (0, 5),
    OpCode.REVERSE_V2: (0, 6),
    OpCode.BROADCAST_TO: (0, 5),
    OpCode.BATCH_MATMUL: (2, 5),
    OpCode.CONCATENATION: (0, 6),
    OpCode.L2_NORMALIZATION: (0, 4),
    OpCode.SPACE_TO_BATCH_ND: (3, 4),
    OpCode.BATCH_TO_SPACE_ND: (3, 4),
    OpCode.DYNAMIC_UPDATE_SLICE: (0, 6),
    OpCode.SQUEEZE: (0, 8),
}
"""Least and largest rank of the first counted tensor."""
MOST_CONCATENATED = 10


def _table() -> dict[OpCode, frozenset[tuple[DType, ...]]]:
    accepted: dict[OpCode, frozenset[tuple[DType, ...]]] = {}
    for types, names in SAME.items():
        for name in names.split():
            width = len(PORTS.get(OpCode[name], (0, OUTPUT)))
            accepted[OpCode[name]] = frozenset((SHORT[t],) * width for t in types.split())
    for name, pairs in PAIRS.items():
        accepted[OpCode[name]] = frozenset(
            tuple(SHORT[t] for t in pair.split("/")) for pair in pairs.split()
        )
    casts = product((SHORT[t] for t in CAST_FROM_TO), repeat=2)
    accepted[OpCode.CAST] = frozenset(casts)
    return accepted


TYPES = _table()
"""Types of the counted tensors that a kernel takes; an operator that isn't here isn't judged."""
