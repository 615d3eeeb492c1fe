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
                "subgraph": refusal.op.graph.index,
                "index": refusal.op.graph.ops.index(refusal.op),
                "operator": refusal.op.opcode.label,
                "by": refusal.kernels.value,
                "reason": refusal.reason,
                "mend": refusal.mend,
            }
            for refusal in find_refusals(model, device)
        ],
    }
