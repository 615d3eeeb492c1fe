"""The least arena of a graph as far as its layout decides: tensors alive, and scratch."""

from __future__ import annotations

from tflopt.ir import Graph
from tflopt.plan.live import live_bytes as planned_live_bytes
from tflopt.target.device import Device
from tflopt.target.kernels import scratch_sizes
from tflopt.target.sharing import Sharing, moment_on


def live_bytes(graph: Graph, device: Device, sharing: Sharing) -> list[int]:
    """Bytes alive at each operator, as the planner sees it.

    Args:
        sharing: which bytes a plan lets tensors share.
    """
    scratch = scratch_sizes(device)
    moments = [moment_on(op, scratch(op), device, sharing) for op in graph.ops]
    return planned_live_bytes(graph.inputs, graph.outputs, moments)
