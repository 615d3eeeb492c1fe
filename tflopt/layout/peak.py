"""The least arena of a graph as far as its layout decides: tensors alive, and scratch."""

from __future__ import annotations

from tflopt.ir import Graph
from tflopt.plan.live import live_bytes as planned_live_bytes
from tflopt.plan.live import moment_of
from tflopt.target.device import Device
from tflopt.target.kernels import scratch_sizes


def live_bytes(graph: Graph, device: Device, in_place: bool) -> list[int]:
    """Bytes alive at each operator, as the planner sees it.

    Args:
        in_place: a plan lets tensors share bytes.
    """
    scratch = scratch_sizes(device)
    moments = [moment_of(op, scratch(op), in_place) for op in graph.ops]
    return planned_live_bytes(graph.inputs, graph.outputs, moments)
