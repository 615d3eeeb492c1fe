"""The operators whose TFLM kernel is not CMSIS-NN's and asks for no scratch.

OpData sizes are those of 32-bit Arm, compiled and printed for TFLM 90b983c (facts B1) or, where
that list has none, added up from 4-byte fields.
"""

from __future__ import annotations

from tflopt.ir import Op, OpCode
from tflopt.target.cmsis_nn.common import reference_use
from tflopt.target.cmsis_nn.use import KernelUse, Persistent

_WHY = "CMSIS-NN has no such function"
_UNUSED = "TFLM does not call CMSIS-NN's function for it"
_MOVES = "memory moves only, in TFLM's own kernel"

OP_DATA_BYTES: dict[OpCode, int] = {
    OpCode.ABS: 28,
    OpCode.ARG_MAX: 0,
    OpCode.ARG_MIN: 0,
    OpCode.ASSIGN_VARIABLE: 0,
    OpCode.BATCH_TO_SPACE_ND: 0,
    OpCode.BROADCAST_ARGS: 0,
    OpCode.BROADCAST_TO: 0,
    OpCode.CALL_ONCE: 8,
    OpCode.CAST: 0,
    OpCode.CEIL: 0,
    OpCode.CONCATENATION: 24,
    OpCode.COS: 0,
    OpCode.CUMSUM: 36,
    OpCode.DEPTH_TO_SPACE: 0,
    OpCode.DEQUANTIZE: 32,
    OpCode.DIV: 28,
    OpCode.DYNAMIC_UPDATE_SLICE: 0,
    OpCode.ELU: 256,
    OpCode.EMBEDDING_LOOKUP: 8,
    OpCode.EQUAL: 32,
    OpCode.EXP: 0,
    OpCode.EXPAND_DIMS: 0,
    OpCode.FILL: 0,
    OpCode.FLOOR: 0,
    OpCode.FLOOR_DIV: 0,
    OpCode.FLOOR_MOD: 0,
    OpCode.GATHER: 0,
    OpCode.GATHER_ND: 0,
    OpCode.GREATER: 32,
    OpCode.GREATER_EQUAL: 32,
    OpCode.HARD_SWISH: 20,
    OpCode.IF: 8,
    OpCode.L2_NORMALIZATION: 4,
    OpCode.L2_POOL_2D: 0,
    OpCode.LEAKY_RELU: 24,
    OpCode.LESS: 32,
    OpCode.LESS_EQUAL: 32,
    OpCode.LOG: 0,
    OpCode.LOGICAL_AND: 0,
    OpCode.LOGICAL_NOT: 0,
    OpCode.LOGICAL_OR: 0,
    OpCode.LOGISTIC: 16,
    OpCode.LOG_SOFTMAX: 28,
    OpCode.NEG: 0,
    OpCode.NOT_EQUAL: 32,
    OpCode.PACK: 0,
    OpCode.PRELU: 28,
    OpCode.QUANTIZE: 32,
    OpCode.READ_VARIABLE: 0,
    OpCode.RELU: 28,
    OpCode.RELU6: 8,
    OpCode.RESHAPE: 0,
    OpCode.RESIZE_BILINEAR: 0,
    OpCode.RESIZE_NEAREST_NEIGHBOR: 0,
    OpCode.REVERSE_V2: 0,
    OpCode.ROUND: 0,
    OpCode.RSQRT: 28,
    OpCode.SELECT_V2: 1,
    OpCode.SHAPE: 0,
    OpCode.SIN: 0,
    OpCode.SLICE: 0,
    OpCode.SPACE_TO_BATCH_ND: 4,
    OpCode.SPACE_TO_DEPTH: 0,
    OpCode.SPLIT: 0,
    OpCode.SPLIT_V: 0,
    OpCode.SQRT: 0,
    OpCode.SQUARE: 0,
    OpCode.SQUARED_DIFFERENCE: 112,
    OpCode.SQUEEZE: 0,
    OpCode.STRIDED_SLICE: 84,
    OpCode.SUB: 52,
    OpCode.TANH: 16,
    OpCode.UNPACK: 0,
    OpCode.VAR_HANDLE: 4,
    OpCode.WHILE: 8,
    OpCode.ZEROS_LIKE: 0,
}
"""Every builtin operator of TFLM that :mod:`tflopt.target.kernels` does not map to a layer."""

CUSTOM_OPERATORS: dict[str, int | None] = {
    "CIRCULAR_BUFFER": 8,
    "SignalDelay": None,
    "SignalEnergy": 8,
    "SignalFftAutoScale": None,
    "SignalFilterBank": None,
    "SignalFilterBankLog": None,
    "SignalFilterBankSpectralSubtraction": None,
    "SignalFilterBankSquareRoot": None,
    "SignalFramer": None,
    "SignalIrfft": None,
    "SignalOverlapAdd": None,
    "SignalPCAN": None,
    "SignalRfft": None,
    "SignalStacker": None,
    "SignalWindow": None,
}
"""Custom operators that TFLM brings along, with their OpData where it is known. Their further
buffers in the tail are not known; only SignalRfft asks for scratch."""

_COPIES_SHAPE = frozenset(
    {
        OpCode.DEPTH_TO_SPACE,
        OpCode.EMBEDDING_LOOKUP,
        OpCode.GATHER,
        OpCode.GATHER_ND,
        OpCode.L2_POOL_2D,
        OpCode.SPACE_TO_DEPTH,
    }
)
_REASONS = {
    OpCode.RELU6: _UNUSED,
    OpCode.CONCATENATION: _MOVES,
    OpCode.RESHAPE: _MOVES,
    OpCode.SQUEEZE: _MOVES,
    OpCode.EXPAND_DIMS: _MOVES,
    OpCode.SPLIT: _MOVES,
    OpCode.SPLIT_V: _MOVES,
    OpCode.PACK: _MOVES,
    OpCode.UNPACK: _MOVES,
}


def reference_kernel(op: Op) -> KernelUse | None:
    """The use of an operator that :mod:`tflopt.target.kernels` maps to no layer, None if unknown.

    Some kernels move the output's dimensions into the tail, one word each and one for the rank.
    """
    if op.opcode.custom_code in CUSTOM_OPERATORS:
        return _custom_kernel(op, op.opcode.custom_code)
    if op.code not in OP_DATA_BYTES:
        return None
    shape = op.output.shape if op.outputs else ()
    moved = op.code in _COPIES_SHAPE or (op.code is OpCode.RESHAPE and -1 in shape)
    return reference_use(
        f"TFLM {op.code.name}",
        _REASONS.get(op.code, _WHY),
        op_data_bytes=OP_DATA_BYTES[op.code],
        persistent=(Persistent("output shape", 4 + 4 * len(shape)),) if moved else (),
    )


def _custom_kernel(op: Op, name: str) -> KernelUse:
    return reference_use(
        f"TFLM {name}",
        _WHY,
        op_data_bytes=CUSTOM_OPERATORS[name],
        scratch_bytes=_rfft_scratch(op) if name == "SignalRfft" else (),
    )


def _rfft_scratch(op: Op) -> tuple[int, ...]:
    """One element for each point; the output has half as many complex ones, and one more."""
    points = op.output.shape[-1] - 2 if op.outputs and op.output.shape else 0
    return (op.output.dtype.size_bytes(points) or 0,) if points > 0 else ()
