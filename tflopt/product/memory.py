"""The arena and the scratch table as a report shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from tflopt.ir import Model
from tflopt.plan.lifetimes import PlannedBuffer, steps_of
from tflopt.plan.lint import Finding
from tflopt.plan.offline import OfflinePlan
from tflopt.product.hazard_notes import caveat
from tflopt.product.labels import Labels
from tflopt.target import Target
from tflopt.target.device import Device
from tflopt.target.hazards import HazardFinding
from tflopt.target.kernels import KernelRow
from tflopt.target.memory import (
    Memory,
    PlanRequest,
    description_of,
    memory_of,
    plan_memory,
)

COMPARED = ("cortex-m0", "cortex-m4", "cortex-m33+nodsp", "cortex-m55")
"""The targets whose arenas every report shows; one for each way to build CMSIS-NN and one more."""


@dataclass(frozen=True)
class Step:
    """One operator on the timeline: what is live while it runs."""

    index: int
    operator: str
    live_bytes: int
    buffers: tuple[str, ...]
    offsets: tuple[int, ...]
    """In the head, of each of them."""
    is_peak: bool
    origin: str | None = None
    """The layer of which it computes a band."""


def arena(memory: Memory) -> dict[str, object]:
    """The arena as plain data."""
    return {
        "head_bytes": memory.arena.head_bytes,
        "tail_bytes": memory.arena.tail_bytes,
        "used_bytes": memory.arena.used_bytes,
        "minimum_bytes": memory.arena.minimum_bytes,
        "minimum_is_due_to": memory.arena.peak,
        "tail_by_kind": dict(memory.arena.parts),
        "offline_plan": memory.has_plan,
        "cmsis_nn": memory.device.kernels.version,
        "unknown_operators": list(memory.unknown),
    }


def minimum_by_target(model: Model, device: Device) -> dict[str, int]:
    """The least arena on each of the compared targets."""
    devices = {name: replace(device, target=Target.parse(name)) for name in COMPARED}
    devices[str(device.target)] = device
    return {
        name: memory_of(model, variant).arena.minimum_bytes for name, variant in devices.items()
    }


def scratch_rows(
    table: Sequence[KernelRow], findings: Sequence[HazardFinding] = ()
) -> list[dict[str, object]]:
    """The scratch table as plain data; ``caveat`` tells the defects that a layer meets."""
    caveats = {finding.op: caveat(finding) for finding in findings}
    return [
        {
            "subgraph": row.subgraph,
            "index": row.index,
            "operator": row.op.opcode.label,
            "kernel": row.use.function,
            "path": row.use.path.value,
            "scratch_bytes": None if row.use.scratch_bytes is None else list(row.use.scratch_bytes),
            "op_data_bytes": row.use.op_data_bytes,
            "persistent": [asdict(request) for request in row.use.persistent],
            "why_not_faster": row.use.why_not_faster,
            "caveat": caveats.get(row.op),
        }
        for row in table
    ]


def best_plan(model: Model, device: Device, request: PlanRequest | None = None) -> OfflinePlan:
    """The best plan for a model, to show how far its head is from what is possible."""
    return plan_memory(model, device, request or PlanRequest())


def timeline(model: Model, memory: Memory, original: Model | None = None) -> list[Step]:
    """What is live at each operator of the main graph, at the fullest of the steps that it takes.

    One that calls subgraphs takes theirs, too. Tensors that lost their names are called as in
    ``original``, which the model came from.
    """
    places = zip(memory.head.buffers, memory.head.offsets, strict=True)
    spans = [(b.first_used, max(b.first_used, b.last_used), (b, at)) for b, at in places]
    ops = model.main.ops
    live: list[list[tuple[PlannedBuffer, int]]] = [[] for _ in ops]
    totals, place = [0] * len(ops), 0
    for step, subgraph, index in steps_of(description_of(model, memory.device)):
        place = index if subgraph == 0 else place
        buffers = [placed for first, last, placed in spans if first <= step <= last]
        total = sum(buffer.size_bytes for buffer, _ in buffers)
        if not live[place] or total > totals[place]:
            live[place], totals[place] = buffers, total
    highest, labels = max(totals, default=0), Labels(model, original)
    return [
        Step(
            index,
            op.opcode.label,
            totals[index],
            tuple(labels.name(buffer) for buffer, _ in live[index]),
            tuple(at for _, at in live[index]),
            totals[index] == highest,
            labels.of_op(op),
        )
        for index, op in enumerate(ops)
    ]


def memory_rows(
    model: Model, memory: Memory, plan: OfflinePlan, findings: Sequence[Finding]
) -> dict[str, object]:
    """What ``inspect --memory`` shows, as plain data; ``plan`` is the best that was found."""
    places = zip(memory.head.buffers, memory.head.offsets, strict=True)
    labels = Labels(model)
    return {
        "timeline": [asdict(step) for step in timeline(model, memory)],
        "buffers": [
            {
                "name": labels.name(buffer),
                "origin": labels.origin(buffer),
                "offset_bytes": offset,
                "size_bytes": buffer.size_bytes,
                "first_step": buffer.first_used,
                "last_step": buffer.last_used,
            }
            for buffer, offset in places
        ],
        "lower_bound_bytes": plan.lower_bound,
        "best_head_bytes": plan.head_bytes,
        "proven_optimal": plan.proven_optimal,
        "findings": [
            {
                "severity": finding.severity.value,
                "tensors": finding.tensors,
                "reason": finding.reason,
            }
            for finding in findings
        ],
    }
