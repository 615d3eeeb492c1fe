"""Models as they are, one by one, as plain data: for ``tflopt view`` and for comparing versions."""

from __future__ import annotations

from dataclasses import replace

from tflopt.ir import Model
from tflopt.report.graph import single_graph
from tflopt.report.notes import notes
from tflopt.report.subject import Subject, subject_rows
from tflopt.target.device import Device
from tflopt.target.hazards import find_hazards
from tflopt.target.kernel_sets import ISA_ALONE, KernelSet
from tflopt.target.memory import PlanRequest, memory_of, why_no_memory
from tflopt.target.plan_check import bearers
from tflopt.version import __version__


def subject_of(
    model: Model, data: bytes, device: Device, request: PlanRequest | None = None
) -> Subject:
    """A model that was read from a file, and what is asked about it."""
    request = request or PlanRequest()
    memory = None if why_no_memory(model) else memory_of(model, device)
    if memory is not None and len(bearers(model, device)) < len(KernelSet):
        request = replace(request, overlap=ISA_ALONE)
    return Subject(model, data, device, memory, find_hazards(model, device), request=request)


def single_report(model: Model, data: bytes, device: Device, path: str) -> dict[str, object]:
    """What a report says of its ``input``, without an ``output``."""
    rows = subject_rows(subject_of(model, data, device))
    return {
        "tool": {"name": "tflopt", "version": __version__},
        "target": str(device.target),
        "cmsis_nn": device.kernels.version,
        "input": {"path": path, **rows, "graph": single_graph(model)},
        "notes": notes(model, device),
    }
