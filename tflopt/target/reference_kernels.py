"""The operators whose TFLM kernel is not CMSIS-NN's and asks for no scratch."""

from __future__ import annotations

from dataclasses import replace

from tflopt.facts.operators import Trait, facts_of
from tflopt.facts.tflm import KERNELS, Kernel
from tflopt.ir import Op, OpCode
from tflopt.target.cmsis_nn.common import reference_use
from tflopt.target.use import UNKNOWN, KernelUse, Persistent

_WHY = "CMSIS-NN has no such function"
_UNUSED = "TFLM does not call CMSIS-NN's function for it"
_MOVES = "memory moves only, in TFLM's own kernel"

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


def reference_kernel(op: Op) -> KernelUse:
    """The use of an operator that TFLM runs itself; unknown, with the reason, where it has none.

    Some kernels move the output's dimensions into the tail, one word each and one for the rank.
    """
    if op.opcode.custom_code in CUSTOM_OPERATORS:
        return _custom_kernel(op, op.opcode.custom_code)
    kernel = KERNELS.get(op.code)
    if kernel is None or kernel.op_data is None:
        return _unknown(op)
    shape = op.output.shape if op.outputs else ()
    moved = kernel.copies_shape or (op.code is OpCode.RESHAPE and -1 in shape)
    kept = (Persistent("output shape", 4 + 4 * len(shape)),) if moved else ()
    late = kernel.data_in_prepare
    if any(value is not None and value.dtype in late for value in op.inputs):
        kept = (*kept, Persistent("OpData", kernel.op_data))
    return reference_use(
        f"TFLM {op.code.name}",
        _why(op, kernel),
        op_data_bytes=0 if late else kernel.op_data,
        persistent=kept,
    )


def _unknown(op: Op) -> KernelUse:
    custom = op.opcode.custom_code
    what = f"custom operator {custom}" if custom is not None else f"{op.opcode.label} in TFLM"
    return replace(UNKNOWN, why_not_faster=f"nothing is known of {what}")


def _why(op: Op, kernel: Kernel) -> str:
    if kernel.unused:
        return _UNUSED
    return _MOVES if Trait.MOVES in facts_of(op).traits else _WHY


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
