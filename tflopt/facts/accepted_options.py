"""What TFLM's kernels ask of options and quantization beyond types and ranks.

Each is a check in an operator's Prepare function of tflite-micro 90b983c, where AllocateTensors
fails: ``concatenation.cc``, ``l2norm.cc``, ``softmax_common.cc``, ``log_softmax.cc``, ``tanh.cc``,
``logistic_common.cc``, ``pooling_common.cc``; or one in Invoke: ``conv.cc``.
``benchmarks/runs.py`` holds them against the real
ones.
"""

from __future__ import annotations

import math

from tflopt.ir import Activation, DType, Op, OpCode, Value
from tflopt.ir.options import ConcatenationOptions, L2NormOptions

UNFUSED = (ConcatenationOptions, L2NormOptions)
WIDE_BIAS = (DType.INT32, DType.INT64)
POOLS = frozenset({OpCode.AVERAGE_POOL_2D, OpCode.MAX_POOL_2D})
FIXED: dict[tuple[OpCode, DType, DType], tuple[float | None, int]] = {
    (OpCode.SOFTMAX, DType.INT8, DType.INT8): (1 / 256, -128),
    (OpCode.SOFTMAX, DType.INT8, DType.INT16): (1 / 65536, -32768),
    (OpCode.SOFTMAX, DType.INT16, DType.INT16): (1 / 32768, 0),
    (OpCode.LOG_SOFTMAX, DType.INT8, DType.INT8): (16 / 256, 127),
    (OpCode.LOGISTIC, DType.INT8, DType.INT8): (None, -128),
    (OpCode.LOGISTIC, DType.INT16, DType.INT16): (1 / 32768, 0),
    (OpCode.TANH, DType.INT16, DType.INT16): (1 / 32768, 0),
}
"""Scale (None: any) and zero point that an output must have, by the types of input and output."""
SYMMETRIC_INPUT = frozenset({OpCode.SOFTMAX, OpCode.LOGISTIC, OpCode.TANH})
"""Their int16 input has the zero point 0."""
NEAR = 0.001
POOL_NEAR = 1e-6


def option_refusal(op: Op) -> str:
    """What Prepare refuses in an operator's options or scales, empty where it takes them."""
    fused = isinstance(op.options, UNFUSED) and op.options.fused_activation_function
    if fused not in (False, Activation.NONE):
        return "has a fused activation, which TFLM lacks there"
    source, output = op.input(0), op.outputs[0] if op.outputs else None
    if source is None or output is None:
        return ""
    if op.code is OpCode.CONCATENATION:
        return _joined(op, output)
    bias = op.input(2) if op.code is OpCode.CONV_2D else None
    if bias is not None and source.dtype is DType.INT16 and bias.dtype not in WIDE_BIAS:
        return f"has int16 data and a bias of {bias.dtype.name.lower()}, TFLM takes int32 and int64"
    if op.code in POOLS and source.dtype in (DType.INT8, DType.INT16):
        (scale, zero), (other, other_zero) = _params(source), _params(output)
        same = abs(scale - other) <= POOL_NEAR and zero == other_zero
        return "" if same else "has another scale or zero point behind it than in front"
    return _fixed(op, source, output)


def _joined(op: Op, output: Value) -> str:
    present = [value for value in op.inputs if value is not None]
    if output.dtype is DType.INT8:
        same = all(_params(value) == _params(output) for value in present)
        return "" if same else "joins inputs with other scales or zero points than its output's"
    if output.dtype is DType.INT16:
        zeros = [_params(value)[1] for value in (*present, output)]
        return "joins int16 with a zero point" if any(zeros) else ""
    return ""


def _fixed(op: Op, source: Value, output: Value) -> str:
    fixed = FIXED.get((op.code, source.dtype, output.dtype))
    if fixed is None:
        return ""
    scale, zero = _params(output)
    if fixed[0] is not None and not math.isclose(scale, fixed[0], rel_tol=NEAR):
        return f"has an output of the scale {scale:.6g}, TFLM takes {fixed[0]:.6g}"
    if zero != fixed[1]:
        return f"has an output with the zero point {zero}, TFLM takes {fixed[1]}"
    symmetric = op.code in SYMMETRIC_INPUT and source.dtype is DType.INT16
    if symmetric and _params(source)[1]:
        return "has an int16 input with a zero point"
    return ""


def _params(value: Value) -> tuple[float, int]:
    """Scale and zero point as TFLM has them: zeros where a tensor has none, the first of many."""
    quant = value.quant
    if quant is None or not quant.is_set or quant.zero_point is None or not quant.zero_point.size:
        return 0.0, 0
    return float(quant.scales[0]), int(quant.zero_point[0])
