"""What kernels can tell operators apart by, and what was found for those that are alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from tflopt.ir import Op, Value

Key = tuple[object, ...]
Answer = TypeVar("Answer")
MOST = 8192
"""Layers that are remembered: far more than a model has kinds of."""


def layer_key(op: Op) -> Key | None:
    """All that decides which function runs and what memory it takes: no contents, no scales.

    None for custom operators, whose kernels read options of their own.
    """
    entry = op.opcode
    if entry.custom_code is not None:
        return None
    return entry.builtin, op.options, *map(_seen, op.inputs), ">", *map(_seen, op.outputs)


def _seen(value: Value | None) -> Key | None:
    if value is None:
        return None
    quant = value.quant
    per_channel = quant is not None and quant.is_per_channel
    return value.shape, value.dtype, value.is_constant, per_channel


class ByLayer(Generic[Answer]):
    """Answers that depend on :func:`layer_key` alone; computed once for each key."""

    def __init__(self) -> None:
        self._answers: dict[Key, Answer] = {}

    def of(self, op: Op, make: Callable[[Op], Answer]) -> Answer:
        """What ``make`` says of ``op``, or said of one like it."""
        key = layer_key(op)
        if key is None:
            return make(op)
        kept = self._answers
        if key not in kept:
            if len(kept) >= MOST:
                kept.clear()
            kept[key] = make(op)
        return kept[key]
