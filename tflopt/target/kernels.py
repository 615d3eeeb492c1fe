"""What each operator of a model costs on a device: the bridge from the IR to its kernels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from tflopt.ir import Model, Op
from tflopt.target.device import Device
from tflopt.target.use import UNKNOWN, KernelUse, MalformedError


@dataclass(frozen=True, slots=True)
class KernelRow:
    """One line of the scratch table."""

    subgraph: int
    index: int
    op: Op
    use: KernelUse


def kernel_use(op: Op, device: Device) -> KernelUse:
    """The function that runs ``op`` on ``device``, its scratch and its persistent memory.

    Never raises for a model that could be read: what can't be sized comes back as unknown.
    """
    return device.uses.of(op, partial(_use, device))


def _use(device: Device, op: Op) -> KernelUse:
    try:
        return device.kernels.use(op, device.setup)
    except MalformedError as error:
        return replace(UNKNOWN, why_not_faster=f"malformed {op.opcode.label}: {error}")


def scratch_table(model: Model, device: Device) -> list[KernelRow]:
    """One row for every operator of every subgraph, in execution order."""
    return [
        KernelRow(subgraph, index, op, kernel_use(op, device))
        for subgraph, graph in enumerate(model.graphs)
        for index, op in enumerate(graph.ops)
    ]


def scratch_sizes(device: Device) -> Callable[[Op], tuple[int, ...]]:
    """Each operator's requests as the planner takes them; of an unknown kernel it sees none."""
    return lambda op: kernel_use(op, device).scratch_bytes or ()
