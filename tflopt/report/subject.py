"""One model of a report, as plain data: its size, memory, work and operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256

from tflopt.config import Runtime
from tflopt.io import read_bytes
from tflopt.ir import Model
from tflopt.product.facts import model_facts
from tflopt.product.hazard_notes import hazard_rows
from tflopt.product.memory import COMPARED, arena, minimum_by_target, scratch_rows
from tflopt.report.channels import layer_channels
from tflopt.report.flash import Flash, flash_of
from tflopt.report.kernels import kernel_rows
from tflopt.report.occupancy import occupancy
from tflopt.target import Target
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.hazards import HazardFinding
from tflopt.target.memory import Memory, PlanRequest

MEMORY_KEYS = (
    "arena",
    "arena_head_bytes",
    "arena_minimum_by_target",
    "scratch_bytes",
    "scratch",
    "memory_map",
)


@dataclass(frozen=True)
class Subject:
    """A model and what is asked about it.

    Args:
        data: the bytes of its file.
        memory: None where its arena can't be computed.
        request: what its plan, or one for it, may do.
        original: has the names of tensors that lost theirs.
    """

    model: Model
    data: bytes
    device: Device
    memory: Memory | None
    hazards: Sequence[HazardFinding] = ()
    runtime: Runtime = Runtime.BOTH
    request: PlanRequest = field(default_factory=PlanRequest)
    original: Model | None = None


def subject_rows(subject: Subject) -> dict[str, object]:
    """Everything about one model but its path and its graph."""
    model, memory = subject.model, subject.memory
    stored = read_bytes(subject.data)
    data: dict[str, object] = asdict(model_facts(model, len(subject.data)))
    data["sha256"] = sha256(subject.data).hexdigest()
    data["channels"] = [asdict(row) for row in layer_channels(model, subject.device)]
    data["flash"] = flash_rows(flash_of(stored, subject.data, subject.runtime))
    data["hazards"] = hazard_rows(subject.hazards)
    data["kernels"] = kernel_rows(model, subject.device)
    data["instructions"] = instructions(model, subject.device)
    if memory is None:
        return {**data, **dict.fromkeys(MEMORY_KEYS)}
    data["arena"] = arena(memory)
    data["arena_head_bytes"] = memory.arena.head_bytes
    data["arena_minimum_by_target"] = minimum_by_target(model, memory.device)
    data["scratch_bytes"] = memory.scratch_bytes
    data["scratch"] = scratch_rows(memory.table, subject.hazards)
    data["memory_map"] = occupancy(model, memory, subject.request, subject.original)
    return data


def flash_rows(flash: Flash) -> dict[str, object]:
    """Where the bytes of a file go, as plain data."""
    return {**asdict(flash), "by_operator": [asdict(share) for share in flash.by_operator]}


def instructions(model: Model, device: Device) -> dict[str, object]:
    """Predicted instructions of one invocation: on the device, and on each compared target."""
    devices = {name: replace(device, target=Target.parse(name)) for name in COMPARED}
    devices[str(device.target)] = device
    prediction = predict_model(model, device)
    return {
        "total": prediction.instructions,
        "least": prediction.least_instructions,
        "most": prediction.most_instructions,
        "first": prediction.first_instructions,
        "by_target": {
            name: predict_model(model, variant).instructions for name, variant in devices.items()
        },
        "measured_share": round(prediction.measured_share, 4),
    }
