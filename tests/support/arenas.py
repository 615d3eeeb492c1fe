"""Arenas measured on emulated cores, of the unoptimized shared models."""

from __future__ import annotations

MEASURED: dict[str, tuple[int, int | None]] = {
    "kws_ref_model": (27348, 22820),
    "vww_96_int8": (100772, 100708),
    "ic_resnet8_int8": (55028, 54996),
    "ad01_int8": (9268, 2580),
    "micro_speech_quantized": (7812, 6836),
    "hello_world_int8": (916, 772),
    "mobilenet_v2_pytorch": (2604660, None),
    "keyword_scrambled_8bit": (9892, None),
    "trained_lstm_int8": (4100, None),
}
"""``arena_used_bytes()`` on Cortex-M55 and Cortex-M4, CMSIS-NN 4ab83cc; None: not measured."""
