"""Budgets: sizes as people write them, and limits that fail with a reason."""

from __future__ import annotations

import re

from tflopt.errors import PlanError, UsageError
from tflopt.ir import Model
from tflopt.report.memory import timeline
from tflopt.target.memory import Memory

SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)(i?b)?", re.IGNORECASE)
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def parse_size(text: str) -> int:
    """``65536``, ``64K``, ``64KB``, ``1.5MiB`` as bytes; K is 1024 as in linker scripts.

    Raises:
        UsageError: no size.
    """
    found = SIZE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no size; write for example 65536, 64K or 1.5MiB")
    return int(float(found[1]) * UNITS[found[2].lower()])


def check_arena(model: Model, memory: Memory, limit_bytes: int | None) -> None:
    """Fail where the model needs a larger arena.

    Raises:
        PlanError: names what is live at the peak, or the phase that needs the most.
    """
    need = memory.arena.minimum_bytes
    if limit_bytes is None or need <= limit_bytes:
        return
    peaks = [step for step in timeline(model, memory) if step.is_peak]
    names: list[str] = []
    if memory.arena.peak == "interface" and peaks:
        names = [f"operator {peaks[0].index} {peaks[0].operator}", *peaks[0].buffers]
    else:
        names = [f"the phase {memory.arena.peak!r} of AllocateTensors"]
    raise PlanError(need, limit_bytes, names)
