"""The least arena of a graph as far as its layout decides: tensors alive, and scratch."""

from __future__ import annotations

from tflopt.facts.operators import VIEWS
from tflopt.ir import Graph, Op, Value
from tflopt.target.kernels import kernel_use
from tflopt.target.memory import Device

ALIGNMENT = 16


def live_bytes(graph: Graph, device: Device, in_place: bool) -> list[int]:
    """Bytes alive at each operator; no plan of the arena's head can be smaller than the most.

    Args:
        in_place: a plan lets views share their input's bytes.
    """
    roots = _roots(graph, in_place)
    first, last = _lives(graph, roots)
    live = [_scratch(op, device) for op in graph.ops]
    for value, start in first.items():
        for index in range(start, last[value] + 1):
            live[index] += _aligned(value.size_bytes or 0)
    return live


def _roots(graph: Graph, in_place: bool) -> dict[Value, Value]:
    roots: dict[Value, Value] = {}
    for op in graph.ops:
        source = op.input(0)
        if in_place and op.code in VIEWS and source is not None and not source.is_constant:
            roots[op.output] = roots.get(source, source)
    return roots


def _lives(graph: Graph, roots: dict[Value, Value]) -> tuple[dict[Value, int], dict[Value, int]]:
    """From which to which operator each tensor lives."""
    first: dict[Value, int] = {}
    last: dict[Value, int] = {}
    end = len(graph.ops) - 1
    seen = [(value, 0) for value in graph.inputs]
    for index, op in enumerate(graph.ops):
        seen += [(value, index) for value in (*op.inputs, *op.outputs) if value is not None]
    seen += [(value, end) for value in graph.outputs]
    for value, index in seen:
        root = roots.get(value, value)
        if not root.is_constant and not root.is_variable and index >= 0:
            first.setdefault(root, index)
            last[root] = max(index, last.get(root, 0))
    return first, last


def _scratch(op: Op, device: Device) -> int:
    use = kernel_use(op, device.target, device.cmsis_nn)
    return sum(_aligned(size) for size in use.scratch_bytes or ())


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
