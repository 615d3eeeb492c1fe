"""What a user should know of a model beside its numbers."""

from __future__ import annotations

from tflopt.ir import DType, Model, Op, OpCode

DELEGATED = frozenset({OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D, OpCode.FULLY_CONNECTED})


def undelegated(model: Model) -> list[Op]:
    """int8 layers that LiteRT's default path runs itself, because the bias has no quantization."""
    found = []
    for op in model.ops():
        data, bias = op.input(0), op.input(2)
        if op.code not in DELEGATED or data is None or bias is None:
            continue
        if data.dtype is DType.INT8 and (bias.quant is None or not bias.quant.is_set):
            found.append(op)
    return found


def notes(model: Model) -> list[str]:
    """Notes for people, one sentence or two each."""
    found = []
    layers = len(undelegated(model))
    if layers:
        which, them = ("1 layer has", "it") if layers == 1 else (f"{layers} layers have", "them")
        found.append(
            f"{which} a bias without quantization: LiteRT's default path (XNNPACK) "
            f"does not delegate {them}, and its outputs may differ by one LSB from a file where it "
            "does. TFLM and LiteRT's reference kernels compute the same either way; this file is "
            "for the microcontroller."
        )
    return found
