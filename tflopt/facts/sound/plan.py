"""An OfflineMemoryAllocation that the runtime can't follow: it reads beyond it, or writes beyond
the arena.

Overlaps are another matter (:mod:`tflopt.plan.lint`): they may be meant, and crash nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tflopt.facts.offline_plan import HEADER_WORDS, OFFSET_LIMIT, ONLINE, PLAN_NAME
from tflopt.ir.model import Model
from tflopt.ir.verify import Flaw
from tflopt.texts import counted


def plan_flaws(model: Model) -> Iterator[Flaw]:
    """What is wrong with the plan in force, which is the last entry."""
    entries = [entry for entry in model.metadata or () if entry.name == PLAN_NAME]
    if not entries:
        return
    data = entries[-1].buffer.data
    size = 0 if data is None else int(data.size)
    if data is None or size < 4 * HEADER_WORDS:
        yield Flaw(PLAN_NAME, f"{size:,} bytes, too short for its header")
        return
    values = [value for graph in model.graphs for value in graph.values]
    count, need = int(data[8:12].view("<i4")[0]), 4 * (HEADER_WORDS + len(values))
    if count != len(values):
        tensors = counted(len(values), "tensor")
        reason = f"{counted(count, 'offset')} for {tensors}: AllocateTensors fails"
        yield Flaw(PLAN_NAME, reason)
        return
    if size < need:
        yield Flaw(PLAN_NAME, f"{size:,} bytes where {need:,} are needed")
        return
    offsets = np.frombuffer(data[12:need].tobytes(), "<i4").tolist()
    for index, (value, offset) in enumerate(zip(values, offsets, strict=True)):
        if value.is_constant or offset == ONLINE:
            continue
        if offset < 0 or offset + (value.size_bytes or 0) >= OFFSET_LIMIT:
            reason = f"offset {offset} of tensor {index} lies outside of every arena"
            yield Flaw(PLAN_NAME, reason)
