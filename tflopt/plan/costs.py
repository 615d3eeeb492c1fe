"""What each operator of an IR model costs in the arena's tail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tflopt.facts.tflm import KERNELS
from tflopt.ir import Model, Op, OpCode, Value
from tflopt.ir.options import VarHandleOptions
from tflopt.plan.tflm import OpCost
from tflopt.plan.tflm_sizes import ARM32, StructSizes


@dataclass(frozen=True, slots=True)
class KernelMemory:
    """OpData and the further persistent buffers of one kernel, in the order of its calls."""

    op_data_bytes: int = 0
    persistent_bytes: Sequence[int] = ()


def describe_costs(
    model: Model, memory: Callable[[Op], KernelMemory], sizes: StructSizes = ARM32
) -> list[list[OpCost]]:
    """One `OpCost` for each operator of each subgraph; ``memory`` knows the target's kernels."""
    op_costs = []
    variables = _variable_buffers(model)
    for graph in model.graphs:
        index = {value: i for i, value in enumerate(graph.values)}
        costs = []
        for op in graph.ops:
            kernel = memory(op)
            if op in variables:
                persistent = (*kernel.persistent_bytes, *variables[op])
                kernel = replace(kernel, persistent_bytes=persistent)
            costs.append(op_cost(op, kernel, index, sizes))
        op_costs.append(costs)
    return op_costs


def op_cost(
    op: Op, kernel: KernelMemory, index: Mapping[Value, int], sizes: StructSizes = ARM32
) -> OpCost:
    """What one operator adds, without the variables to which it assigns."""
    return OpCost(
        sizes.parameters.get(op.code, 0),
        1 if op.code in sizes.byte_aligned_parameters else sizes.pointer,
        kernel.op_data_bytes,
        tuple(kernel.persistent_bytes),
        [index[value] for value in _prepared(op)],
    )


def variable_setup(model: Model, sizes: StructSizes = ARM32) -> tuple[int, ...]:
    """What an application allocates for resource variables, as many as the model names.

    Empty for a model without any. Source: ``MicroResourceVariables::Create``, before the model's
    own allocations.
    """
    count = variable_count(model)
    return (sizes.resource_variables, sizes.resource_variable * count) if count else ()


def variable_count(model: Model) -> int:
    """How many resource variables a model names, by container and name."""
    return len({name for op in model.ops() if (name := _variable_name(op)) is not None})


def _variable_name(op: Op) -> tuple[str, str] | None:
    if op.code is not OpCode.VAR_HANDLE or not isinstance(op.options, VarHandleOptions):
        return None
    return (op.options.container or "", op.options.shared_name or "")


def _variable_buffers(model: Model) -> dict[Op, tuple[int]]:
    """The operators whose Prepare allocates a variable's buffer: the first that assigns to it.

    Only a handle made in the same subgraph is known by then (assign_variable.cc).
    """
    buffers: dict[Op, tuple[int]] = {}
    seen: set[tuple[str, str]] = set()
    for op in model.ops():
        handle, value = op.input(0), op.input(1)
        if op.code is not OpCode.ASSIGN_VARIABLE or handle is None or value is None:
            continue
        name = None if handle.producer is None else _variable_name(handle.producer)
        if name is not None and name not in seen:
            seen.add(name)
            buffers[op] = (value.size_bytes or 0,)
    return buffers


def _prepared(op: Op) -> list[Value]:
    """The values of which the kernel's Prepare makes temporary tensors."""
    everything = (*range(len(op.inputs)), *(~i for i in range(len(op.outputs))))
    kernel = KERNELS.get(op.code)
    values: list[Value | None] = []
    for slot in everything if kernel is None or not kernel.prepares else kernel.prepares:
        if slot >= 0:
            values.append(op.input(slot))
        elif ~slot < len(op.outputs):
            values.append(op.outputs[~slot])
    return [value for value in values if value is not None]
