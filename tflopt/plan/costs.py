"""What each operator of an IR model costs in the arena's tail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tflopt.ir import Model, Op, Value
from tflopt.plan.tflm import OpCost
from tflopt.plan.tflm_sizes import ARM32, PREPARE_TENSORS, StructSizes


@dataclass(frozen=True)
class KernelMemory:
    """OpData and the further persistent buffers of one kernel, in the order of its calls."""

    op_data_bytes: int = 0
    persistent_bytes: Sequence[int] = ()


def describe_costs(
    model: Model, memory: Callable[[Op], KernelMemory], sizes: StructSizes = ARM32
) -> list[list[OpCost]]:
    """One `OpCost` for each operator of each subgraph; ``memory`` knows the target's kernels."""
    found = []
    for graph in model.graphs:
        index = {value: i for i, value in enumerate(graph.values)}
        costs = []
        for op in graph.ops:
            kernel = memory(op)
            costs.append(
                OpCost(
                    sizes.parameters.get(op.code, 0),
                    1 if op.code in sizes.byte_aligned_parameters else sizes.pointer,
                    kernel.op_data_bytes,
                    tuple(kernel.persistent_bytes),
                    [index[value] for value in _prepared(op)],
                )
            )
        found.append(costs)
    return found


def _prepared(op: Op) -> list[Value]:
    """The values of which the kernel's Prepare makes temporary tensors."""
    everything = (*range(len(op.inputs)), *(~i for i in range(len(op.outputs))))
    values: list[Value | None] = []
    for slot in PREPARE_TENSORS.get(op.code, everything):
        if slot >= 0:
            values.append(op.input(slot))
        elif ~slot < len(op.outputs):
            values.append(op.outputs[~slot])
    return [value for value in values if value is not None]
