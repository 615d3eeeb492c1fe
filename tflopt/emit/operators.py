"""Which ``Add`` methods of TFLM's ``MicroMutableOpResolver`` a model needs.

The interpreter looks up the operator code of every operator in every subgraph, and nothing else
(``MicroInterpreter::PrepareNodeAndRegistrationDataFromFlatbuffer``): the version doesn't matter,
nor do entries of the table that no operator uses. The names are those of
``micro_mutable_op_resolver.h`` in TFLM 90b983c.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tflopt.emit.names import identifier
from tflopt.errors import UnsupportedError, printable
from tflopt.ir import Model, Op, OpCode

BUILTIN_METHODS = {
    OpCode.ABS: "AddAbs",
    OpCode.ADD: "AddAdd",
    OpCode.ADD_N: "AddAddN",
    OpCode.ARG_MAX: "AddArgMax",
    OpCode.ARG_MIN: "AddArgMin",
    OpCode.ASSIGN_VARIABLE: "AddAssignVariable",
    OpCode.AVERAGE_POOL_2D: "AddAveragePool2D",
    OpCode.BATCH_MATMUL: "AddBatchMatMul",
    OpCode.BATCH_TO_SPACE_ND: "AddBatchToSpaceNd",
    OpCode.BROADCAST_ARGS: "AddBroadcastArgs",
    OpCode.BROADCAST_TO: "AddBroadcastTo",
    OpCode.CALL_ONCE: "AddCallOnce",
    OpCode.CAST: "AddCast",
    OpCode.CEIL: "AddCeil",
    OpCode.CONCATENATION: "AddConcatenation",
    OpCode.CONV_2D: "AddConv2D",
    OpCode.COS: "AddCos",
    OpCode.CUMSUM: "AddCumSum",
    OpCode.DEPTHWISE_CONV_2D: "AddDepthwiseConv2D",
    OpCode.DEPTH_TO_SPACE: "AddDepthToSpace",
    OpCode.DEQUANTIZE: "AddDequantize",
    OpCode.DIV: "AddDiv",
    OpCode.DYNAMIC_UPDATE_SLICE: "AddDynamicUpdateSlice",
    OpCode.ELU: "AddElu",
    OpCode.EMBEDDING_LOOKUP: "AddEmbeddingLookup",
    OpCode.EQUAL: "AddEqual",
    OpCode.EXP: "AddExp",
    OpCode.EXPAND_DIMS: "AddExpandDims",
    OpCode.FILL: "AddFill",
    OpCode.FLOOR: "AddFloor",
    OpCode.FLOOR_DIV: "AddFloorDiv",
    OpCode.FLOOR_MOD: "AddFloorMod",
    OpCode.FULLY_CONNECTED: "AddFullyConnected",
    OpCode.GATHER: "AddGather",
    OpCode.GATHER_ND: "AddGatherNd",
    OpCode.GREATER: "AddGreater",
    OpCode.GREATER_EQUAL: "AddGreaterEqual",
    OpCode.HARD_SWISH: "AddHardSwish",
    OpCode.IF: "AddIf",
    OpCode.L2_NORMALIZATION: "AddL2Normalization",
    OpCode.L2_POOL_2D: "AddL2Pool2D",
    OpCode.LEAKY_RELU: "AddLeakyRelu",
    OpCode.LESS: "AddLess",
    OpCode.LESS_EQUAL: "AddLessEqual",
    OpCode.LOG: "AddLog",
    OpCode.LOGICAL_AND: "AddLogicalAnd",
    OpCode.LOGICAL_NOT: "AddLogicalNot",
    OpCode.LOGICAL_OR: "AddLogicalOr",
    OpCode.LOGISTIC: "AddLogistic",
    OpCode.LOG_SOFTMAX: "AddLogSoftmax",
    OpCode.MAXIMUM: "AddMaximum",
    OpCode.MAX_POOL_2D: "AddMaxPool2D",
    OpCode.MEAN: "AddMean",
    OpCode.MINIMUM: "AddMinimum",
    OpCode.MIRROR_PAD: "AddMirrorPad",
    OpCode.MUL: "AddMul",
    OpCode.NEG: "AddNeg",
    OpCode.NOT_EQUAL: "AddNotEqual",
    OpCode.PACK: "AddPack",
    OpCode.PAD: "AddPad",
    OpCode.PADV2: "AddPadV2",
    OpCode.PRELU: "AddPrelu",
    OpCode.QUANTIZE: "AddQuantize",
    OpCode.READ_VARIABLE: "AddReadVariable",
    OpCode.REDUCE_ALL: "AddReduceAll",
    OpCode.REDUCE_MAX: "AddReduceMax",
    OpCode.REDUCE_MIN: "AddReduceMin",
    OpCode.RELU: "AddRelu",
    OpCode.RELU6: "AddRelu6",
    OpCode.RESHAPE: "AddReshape",
    OpCode.RESIZE_BILINEAR: "AddResizeBilinear",
    OpCode.RESIZE_NEAREST_NEIGHBOR: "AddResizeNearestNeighbor",
    OpCode.REVERSE_V2: "AddReverseV2",
    OpCode.ROUND: "AddRound",
    OpCode.RSQRT: "AddRsqrt",
    OpCode.SELECT_V2: "AddSelectV2",
    OpCode.SHAPE: "AddShape",
    OpCode.SIN: "AddSin",
    OpCode.SLICE: "AddSlice",
    OpCode.SOFTMAX: "AddSoftmax",
    OpCode.SPACE_TO_BATCH_ND: "AddSpaceToBatchNd",
    OpCode.SPACE_TO_DEPTH: "AddSpaceToDepth",
    OpCode.SPLIT: "AddSplit",
    OpCode.SPLIT_V: "AddSplitV",
    OpCode.SQRT: "AddSqrt",
    OpCode.SQUARE: "AddSquare",
    OpCode.SQUARED_DIFFERENCE: "AddSquaredDifference",
    OpCode.SQUEEZE: "AddSqueeze",
    OpCode.STRIDED_SLICE: "AddStridedSlice",
    OpCode.SUB: "AddSub",
    OpCode.SUM: "AddSum",
    OpCode.SVDF: "AddSvdf",
    OpCode.TANH: "AddTanh",
    OpCode.TRANSPOSE: "AddTranspose",
    OpCode.TRANSPOSE_CONV: "AddTransposeConv",
    OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM: "AddUnidirectionalSequenceLSTM",
    OpCode.UNPACK: "AddUnpack",
    OpCode.VAR_HANDLE: "AddVarHandle",
    OpCode.WHILE: "AddWhile",
    OpCode.ZEROS_LIKE: "AddZerosLike",
}
CUSTOM_METHODS = {
    "CIRCULAR_BUFFER": "AddCircularBuffer",
    "SignalDelay": "AddDelay",
    "SignalEnergy": "AddEnergy",
    "SignalFftAutoScale": "AddFftAutoScale",
    "SignalFilterBank": "AddFilterBank",
    "SignalFilterBankLog": "AddFilterBankLog",
    "SignalFilterBankSpectralSubtraction": "AddFilterBankSpectralSubtraction",
    "SignalFilterBankSquareRoot": "AddFilterBankSquareRoot",
    "SignalFramer": "AddFramer",
    "SignalIrfft": "AddIrfft",
    "SignalOverlapAdd": "AddOverlapAdd",
    "SignalPCAN": "AddPCAN",
    "SignalRfft": "AddRfft",
    "SignalStacker": "AddStacker",
    "SignalWindow": "AddWindow",
    "TFLM_DECODE": "AddDecode",
    "TFLite_Detection_PostProcess": "AddDetectionPostprocess",
    "ethos-u": "AddEthosU",
}
"""Custom operators that TFLM carries itself, by the name in the model."""


@dataclass(frozen=True, order=True)
class Registration:
    """One call on the resolver: ``method``, and for a foreign custom operator a user's hook.

    ``name`` is what the model calls it: the schema's name, or the custom code.
    """

    name: str
    method: str
    hook: str = ""


def registrations(models: Iterable[Model]) -> list[Registration]:
    """What the interpreter looks up for all of the models, each once, by name.

    Raises:
        UnsupportedError: TFLM has no kernel for an operator, or a custom one has no name.
    """
    found: dict[tuple[OpCode, str], None] = {}
    for model in models:
        for op in model.ops():
            found[_lookup(op, model)] = None
    hooks = _hooks(sorted(name for code, name in found if code is OpCode.CUSTOM))
    return sorted(_registration(code, name, hooks) for code, name in found)


def _lookup(op: Op, model: Model) -> tuple[OpCode, str]:
    if op.code is OpCode.CUSTOM:
        if not op.opcode.custom_code:
            raise UnsupportedError("a custom operator without a name", _where(op), model.path)
        return op.code, op.opcode.custom_code
    if op.code not in BUILTIN_METHODS:
        raise UnsupportedError("TFLM has no such operator", _where(op), model.path)
    return op.code, op.code.name


def _where(op: Op) -> str:
    label, index = printable(op.opcode.label), op.graph.ops.index(op)
    return f"subgraph {op.graph.index} operator {index} ({label})"


def _registration(code: OpCode, name: str, hooks: dict[str, str]) -> Registration:
    if code is not OpCode.CUSTOM:
        return Registration(name, BUILTIN_METHODS[code])
    if name in CUSTOM_METHODS:
        return Registration(name, CUSTOM_METHODS[name])
    return Registration(name, "AddCustom", hooks[name])


def _hooks(names: Iterable[str]) -> dict[str, str]:
    """A C++ function name for each foreign custom operator; equal ones are numbered."""
    taken: dict[str, str] = {}
    for name in names:
        if name in CUSTOM_METHODS:
            continue
        base = f"Register_{identifier(name)}"
        hook, number = base, 2
        while hook in taken:
            hook, number = f"{base}_{number}", number + 1
        taken[hook] = name
    return {name: hook for hook, name in taken.items()}
