"""TFLM's kernels, one row for each operator that it has: names, sizes, and what they may overwrite.

Holds for tflite-micro 90b983c: sizes were compiled with GCC for Cortex-M4 and M55, which agree, or
added up from 4-byte fields. Paths are relative to ``tensorflow/lite/micro`` unless they begin with
another top folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from tflopt.ir import DType, OpCode


class Overlap(Enum):
    """How input (I) and output (O) may lie.

    ``VIEW``: O at I, and both keep the same content. ``ASCENDING``: O at or below I, as elements
    are read once, in rising order, each before the output at its index is written.
    """

    VIEW = "view"
    ASCENDING = "ascending"


@dataclass(frozen=True)
class InPlace:
    """How an operator may write its output over an input, why, and where that is seen.

    It holds for TFLM's reference kernels and for CMSIS-NN's (4ab83cc) alike, on every core.
    ``operands`` are input indices; an operand must have as many elements as the output (a
    broadcast one is read repeatedly). ``any_width`` allows output elements of another size than
    the input's; over wider ones the input must lie higher, or they overtake the reads
    (`tflopt.plan.aliasing.widening_gap`). ``int8_only`` restricts the proof to int8 activations.
    ``skips``: where both lie at one address the kernel copies nothing.
    """

    overlap: Overlap
    operands: tuple[int, ...]
    argument: str
    source: str
    any_width: bool = False
    int8_only: bool = False
    skips: bool = False


@dataclass(frozen=True)
class Kernel:
    """What TFLM has for one operator.

    Attributes:
        method: of ``MicroMutableOpResolver``.
        parameters: bytes that a parser makes from the operator's builtin options, on 32-bit Arm.
        packed: nothing but bytes and enums that the compiler packs into bytes.
        op_data: bytes of its OpData on 32-bit Arm; None where CMSIS-NN's own tables say it.
        data_in_prepare: input types for which Prepare allocates OpData, behind all that any
            kernel's Init does; for others nothing is allocated. Empty: Init does.
        copies_shape: it moves the output's dimensions into the tail.
        prepares: tensors of which Prepare makes temporary copies, input ``i`` or output ``~i``.
            They are freed together when it ends, so repeated ones count too. Empty: each once.
        in_place: whether it may write over an input. Where it is None, nothing is proven. Known to
            corrupt: MEAN, SUM and REDUCE_* (they initialise the output before they read the
            input), and whatever reads in another order than it writes (TRANSPOSE, GATHER, ...).
        unused: CMSIS-NN has a function that TFLM does not call.
    """

    method: str
    parameters: int = 0
    packed: bool = False
    op_data: int | None = None
    data_in_prepare: tuple[DType, ...] = ()
    copies_shape: bool = False
    prepares: tuple[int, ...] = ()
    in_place: InPlace | None = None
    unused: bool = False


_LOOP = "one ascending loop over elements, each loaded before it is stored"
_VECTOR = "ascending by vectors or single elements, each loaded whole before it is stored"
_BROADCAST = "output indices ascend, and the full-shape operand is read once, just before its write"


def _unary(source: str, argument: str = _LOOP) -> InPlace:
    return InPlace(Overlap.ASCENDING, (0,), argument, source)


def _binary(source: str, argument: str) -> InPlace:
    return InPlace(Overlap.ASCENDING, (0, 1), f"{argument}; {_BROADCAST}", source)


def _any_width(source: str) -> InPlace:
    return replace(_unary(source), any_width=True)


def _compared(method: str) -> Kernel:
    rule = _binary("lite/kernels/internal/reference/comparisons.h", _LOOP)
    return Kernel(method, op_data=32, in_place=replace(rule, any_width=True))


def _view(argument: str, source: str) -> InPlace:
    return InPlace(Overlap.VIEW, (0,), argument, source)


_ROWS = InPlace(
    Overlap.ASCENDING,
    (0,),
    "a row's maximum and sum are finished before its first write, then elements ascend",
    "CMSIS-NN arm_softmax_s8.c:94, arm_nn_softmax_common_s8.c:70",
    int8_only=True,
)

KERNELS: Mapping[OpCode, Kernel] = {
    OpCode.ABS: Kernel("AddAbs", op_data=28, in_place=_unary("kernels/elementwise.cc")),
    OpCode.ADD: Kernel(
        "AddAdd",
        parameters=2,
        packed=True,
        in_place=_binary("CMSIS-NN arm_elementwise_add_s8.c:72; broadcast_loop.h:29", _VECTOR),
    ),
    OpCode.ADD_N: Kernel("AddAddN"),
    OpCode.ARG_MAX: Kernel("AddArgMax", parameters=1, packed=True, op_data=0),
    OpCode.ARG_MIN: Kernel("AddArgMin", parameters=1, packed=True, op_data=0),
    OpCode.ASSIGN_VARIABLE: Kernel("AddAssignVariable", op_data=0),
    OpCode.AVERAGE_POOL_2D: Kernel("AddAveragePool2D", parameters=40),
    OpCode.BATCH_MATMUL: Kernel("AddBatchMatMul", parameters=3, packed=True),
    OpCode.BATCH_TO_SPACE_ND: Kernel("AddBatchToSpaceNd", op_data=0),
    OpCode.BROADCAST_ARGS: Kernel("AddBroadcastArgs", op_data=0),
    OpCode.BROADCAST_TO: Kernel("AddBroadcastTo", op_data=0),
    OpCode.CALL_ONCE: Kernel("AddCallOnce", parameters=4, op_data=8),
    OpCode.CAST: Kernel(
        "AddCast", parameters=2, packed=True, op_data=0, in_place=_any_width("kernels/cast.cc")
    ),
    OpCode.CEIL: Kernel(
        "AddCeil", op_data=0, in_place=_unary("lite/kernels/internal/reference/ceil.h")
    ),
    OpCode.CONCATENATION: Kernel("AddConcatenation", parameters=8, op_data=24),
    OpCode.CONV_2D: Kernel("AddConv2D", parameters=28, prepares=(0, 1, ~0, 0, 1, 2, ~0)),
    OpCode.COS: Kernel("AddCos", op_data=0, in_place=_unary("kernels/elementwise.cc")),
    OpCode.CUMSUM: Kernel(
        "AddCumSum", parameters=2, packed=True, op_data=36, data_in_prepare=(DType.INT8,)
    ),
    OpCode.DEPTHWISE_CONV_2D: Kernel(
        "AddDepthwiseConv2D", parameters=28, prepares=(0, 1, ~0, 0, 1, 2, ~0)
    ),
    OpCode.DEPTH_TO_SPACE: Kernel("AddDepthToSpace", parameters=4, op_data=0, copies_shape=True),
    OpCode.DEQUANTIZE: Kernel(
        "AddDequantize",
        op_data=32,
        in_place=_any_width("lite/kernels/internal/reference/dequantize.h"),
    ),
    OpCode.DIV: Kernel(
        "AddDiv",
        parameters=1,
        packed=True,
        op_data=28,
        in_place=_binary("lite/kernels/internal/reference/div.h", _LOOP),
    ),
    OpCode.DYNAMIC_UPDATE_SLICE: Kernel("AddDynamicUpdateSlice", op_data=0),
    OpCode.ELU: Kernel("AddElu", op_data=256, in_place=_unary("kernels/elu.cc")),
    OpCode.EMBEDDING_LOOKUP: Kernel(
        "AddEmbeddingLookup",
        op_data=8,
        data_in_prepare=(DType.INT8, DType.FLOAT32),
        copies_shape=True,
    ),
    OpCode.EQUAL: _compared("AddEqual"),
    OpCode.EXP: Kernel(
        "AddExp", op_data=0, in_place=_unary("lite/kernels/internal/reference/exp.h")
    ),
    OpCode.EXPAND_DIMS: Kernel(
        "AddExpandDims",
        op_data=0,
        in_place=_view("an ascending loop that copies", "kernels/expand_dims.cc:112"),
    ),
    OpCode.FILL: Kernel("AddFill", op_data=0),
    OpCode.FLOOR: Kernel(
        "AddFloor", op_data=0, in_place=_unary("lite/kernels/internal/reference/floor.h")
    ),
    OpCode.FLOOR_DIV: Kernel(
        "AddFloorDiv", op_data=0, in_place=_binary("kernels/floor_div.cc", _LOOP)
    ),
    OpCode.FLOOR_MOD: Kernel(
        "AddFloorMod", op_data=0, in_place=_binary("kernels/floor_mod.cc", _LOOP)
    ),
    OpCode.FULLY_CONNECTED: Kernel("AddFullyConnected", parameters=5, packed=True),
    OpCode.GATHER: Kernel("AddGather", parameters=8, op_data=0, copies_shape=True),
    OpCode.GATHER_ND: Kernel("AddGatherNd", op_data=0, copies_shape=True),
    OpCode.GREATER: _compared("AddGreater"),
    OpCode.GREATER_EQUAL: _compared("AddGreaterEqual"),
    OpCode.HARD_SWISH: Kernel(
        "AddHardSwish",
        op_data=20,
        in_place=_unary("lite/kernels/internal/reference/hard_swish.h:68"),
    ),
    OpCode.IF: Kernel("AddIf", parameters=8, op_data=8),
    OpCode.L2_NORMALIZATION: Kernel("AddL2Normalization", parameters=1, packed=True, op_data=4),
    OpCode.L2_POOL_2D: Kernel("AddL2Pool2D", parameters=40, op_data=0, copies_shape=True),
    OpCode.LEAKY_RELU: Kernel(
        "AddLeakyRelu",
        parameters=4,
        op_data=24,
        in_place=_unary("lite/kernels/internal/reference/leaky_relu.h:56"),
    ),
    OpCode.LESS: _compared("AddLess"),
    OpCode.LESS_EQUAL: _compared("AddLessEqual"),
    OpCode.LOG: Kernel("AddLog", op_data=0, in_place=_unary("kernels/elementwise.cc")),
    OpCode.LOGICAL_AND: Kernel(
        "AddLogicalAnd", op_data=0, in_place=_binary("kernels/logical_common.cc", _LOOP)
    ),
    OpCode.LOGICAL_NOT: Kernel(
        "AddLogicalNot", op_data=0, in_place=_unary("kernels/elementwise.cc")
    ),
    OpCode.LOGICAL_OR: Kernel(
        "AddLogicalOr", op_data=0, in_place=_binary("kernels/logical_common.cc", _LOOP)
    ),
    OpCode.LOGISTIC: Kernel(
        "AddLogistic",
        op_data=16,
        in_place=_unary("lite/kernels/internal/reference/integer_ops/logistic.h:37"),
    ),
    OpCode.LOG_SOFTMAX: Kernel("AddLogSoftmax", op_data=28, data_in_prepare=(DType.INT8,)),
    OpCode.MAXIMUM: Kernel("AddMaximum", in_place=_binary("CMSIS-NN arm_maximum_s8.c", _VECTOR)),
    OpCode.MAX_POOL_2D: Kernel("AddMaxPool2D", parameters=40),
    OpCode.MEAN: Kernel("AddMean", parameters=1, packed=True, prepares=(0, ~0, 1, 0, 1)),
    OpCode.MINIMUM: Kernel("AddMinimum", in_place=_binary("CMSIS-NN arm_minimum_s8.c", _VECTOR)),
    OpCode.MIRROR_PAD: Kernel("AddMirrorPad", parameters=1, packed=True),
    OpCode.MUL: Kernel(
        "AddMul",
        parameters=1,
        packed=True,
        in_place=_binary("CMSIS-NN arm_elementwise_mul_s8.c; broadcast_loop.h:29", _VECTOR),
    ),
    OpCode.NEG: Kernel("AddNeg", op_data=0, in_place=_unary("kernels/neg.cc")),
    OpCode.NOT_EQUAL: _compared("AddNotEqual"),
    OpCode.PACK: Kernel("AddPack", parameters=8, op_data=0),
    OpCode.PAD: Kernel("AddPad"),
    OpCode.PADV2: Kernel("AddPadV2"),
    OpCode.PRELU: Kernel(
        "AddPrelu", op_data=28, in_place=_unary("broadcast_loop.h:29", _BROADCAST)
    ),
    OpCode.QUANTIZE: Kernel(
        "AddQuantize",
        op_data=32,
        in_place=_any_width("lite/kernels/internal/reference/requantize.h:55"),
    ),
    OpCode.READ_VARIABLE: Kernel("AddReadVariable", op_data=0),
    OpCode.REDUCE_ALL: Kernel("AddReduceAll", parameters=1, packed=True),
    OpCode.REDUCE_MAX: Kernel("AddReduceMax", parameters=1, packed=True),
    OpCode.REDUCE_MIN: Kernel("AddReduceMin", parameters=1, packed=True),
    OpCode.RELU: Kernel("AddRelu", op_data=28, in_place=_unary("kernels/activations.h:41")),
    OpCode.RELU6: Kernel(
        "AddRelu6", op_data=8, in_place=_unary("kernels/activations.h:56"), unused=True
    ),
    OpCode.RESHAPE: Kernel(
        "AddReshape",
        parameters=36,
        op_data=0,
        prepares=(0, ~0),
        in_place=replace(
            _view("the copy is skipped if both addresses agree", "kernels/reshape.cc:44"),
            skips=True,
        ),
    ),
    OpCode.RESIZE_BILINEAR: Kernel("AddResizeBilinear", parameters=2, packed=True, op_data=0),
    OpCode.RESIZE_NEAREST_NEIGHBOR: Kernel(
        "AddResizeNearestNeighbor", parameters=2, packed=True, op_data=0
    ),
    OpCode.REVERSE_V2: Kernel("AddReverseV2", op_data=0),
    OpCode.ROUND: Kernel(
        "AddRound", op_data=0, in_place=_unary("lite/kernels/internal/reference/round.h")
    ),
    OpCode.RSQRT: Kernel("AddRsqrt", op_data=28, in_place=_unary("kernels/elementwise.cc")),
    OpCode.SELECT_V2: Kernel("AddSelectV2", op_data=1),
    OpCode.SHAPE: Kernel("AddShape", parameters=1, packed=True, op_data=0),
    OpCode.SIN: Kernel("AddSin", op_data=0, in_place=_unary("kernels/elementwise.cc")),
    OpCode.SLICE: Kernel("AddSlice", op_data=0),
    OpCode.SOFTMAX: Kernel("AddSoftmax", parameters=4, in_place=_ROWS),
    OpCode.SPACE_TO_BATCH_ND: Kernel("AddSpaceToBatchNd", op_data=4),
    OpCode.SPACE_TO_DEPTH: Kernel("AddSpaceToDepth", parameters=4, op_data=0, copies_shape=True),
    OpCode.SPLIT: Kernel("AddSplit", parameters=4, op_data=0),
    OpCode.SPLIT_V: Kernel("AddSplitV", parameters=4, op_data=0),
    OpCode.SQRT: Kernel("AddSqrt", op_data=0, in_place=_unary("kernels/elementwise.cc")),
    OpCode.SQUARE: Kernel("AddSquare", op_data=0, in_place=_unary("kernels/elementwise.cc")),
    OpCode.SQUARED_DIFFERENCE: Kernel(
        "AddSquaredDifference",
        op_data=112,
        in_place=_binary("kernels/squared_difference.cc", _LOOP),
    ),
    OpCode.SQUEEZE: Kernel(
        "AddSqueeze",
        parameters=36,
        op_data=0,
        in_place=_view("memcpy onto itself, which changes nothing", "kernels/squeeze.cc:108"),
    ),
    OpCode.STRIDED_SLICE: Kernel("AddStridedSlice", parameters=24, op_data=84),
    OpCode.SUB: Kernel(
        "AddSub",
        parameters=2,
        packed=True,
        op_data=52,
        in_place=_binary("lite/kernels/internal/reference/sub.h:126", _LOOP),
    ),
    OpCode.SUM: Kernel("AddSum", parameters=1, packed=True, prepares=(0, ~0, 1, 0, 1)),
    OpCode.SVDF: Kernel("AddSvdf", parameters=8),
    OpCode.TANH: Kernel(
        "AddTanh",
        op_data=16,
        prepares=(0, 0, ~0),
        in_place=_unary("lite/kernels/internal/reference/integer_ops/tanh.h"),
    ),
    OpCode.TRANSPOSE: Kernel("AddTranspose"),
    OpCode.TRANSPOSE_CONV: Kernel(
        "AddTransposeConv", parameters=16, prepares=(~0, 2, 1, 2, 1, 3, ~0)
    ),
    OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM: Kernel("AddUnidirectionalSequenceLSTM", parameters=16),
    OpCode.UNPACK: Kernel("AddUnpack", parameters=8, op_data=0),
    OpCode.VAR_HANDLE: Kernel("AddVarHandle", parameters=8, op_data=4),
    OpCode.WHILE: Kernel("AddWhile", parameters=8, op_data=8),
    OpCode.ZEROS_LIKE: Kernel("AddZerosLike", op_data=0),
}
IN_PLACE = {code: row.in_place for code, row in KERNELS.items() if row.in_place is not None}
