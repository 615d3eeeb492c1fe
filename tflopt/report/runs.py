"""Whether TFLM runs a model, as plain data."""

from __future__ import annotations

from tflopt.ir import Model
from tflopt.target.device import Device
from tflopt.target.runs import Kernels, find_refusals


def verdict_of(model: Model, device: Device | None = None) -> str:
    """``yes``, ``no``, or ``reference kernels only``."""
    kernels = {refusal.kernels for refusal in find_refusals(model, device)}
    if not kernels:
        return "yes"
    return "no" if Kernels.TFLM in kernels else "reference kernels only"


def runs_rows(model: Model, device: Device) -> dict[str, object]:
    """The verdict, and for each operator that is refused by whom, why, and what mends it."""
    return {
        "tflm": device.runtime.name,
        "verdict": verdict_of(model, device),
        "refused": [
            {
                "subgraph": each.op.graph.index,
                "index": each.op.graph.ops.index(each.op),
                "operator": each.op.opcode.label,
                "by": each.kernels.value,
                "reason": each.reason,
                "mend": each.mend,
            }
            for each in find_refusals(model, device)
        ],
    }
