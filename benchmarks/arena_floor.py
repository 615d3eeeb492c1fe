"""An arena that no order of a model's operators and no memory plan is below."""

from __future__ import annotations

from collections.abc import Sequence

from tflopt.ir import DType, Model, Op, Options, Value
from tflopt.ir.builder import Builder
from tflopt.ir.calls import called
from tflopt.plan.describe import runtime_bytes
from tflopt.plan.offline import head_lower_bound
from tflopt.plan.problem import align_up
from tflopt.target.device import Device
from tflopt.target.kernels import kernel_use
from tflopt.target.memory import PlanRequest, aliases_of, description_of, memory_of


def arena_floor(model: Model, device: Device) -> int:
    """What the neediest operator needs by itself, and what TFLM keeps beside it.

    An operator's inputs, outputs and scratch share bytes as far as all kernels bear it.
    """
    heads = [_head_bytes(op, device) for op in model.main.ops]
    return memory_of(model, device).arena.tail_bytes + max(heads, default=0)


def _head_bytes(op: Op, device: Device) -> int:
    alone = _alone(op)
    if alone is None:
        return _least_bytes(op, device)
    aliases = aliases_of(alone, device, PlanRequest())
    return head_lower_bound(description_of(alone, device), aliases)


def _alone(op: Op) -> Model | None:
    """A model of the operator; None where it calls subgraphs, has handles, or not one output."""
    handles = any(value is not None and value.dtype is DType.RESOURCE for value in op.inputs)
    if len(op.outputs) != 1 or handles or called(op) or not isinstance(op.options, Options | None):
        return None
    b, known = Builder(), dict[Value, Value]()
    for value in op.inputs:
        if value is not None and value not in known:
            known[value] = b.value(value.shape, value.dtype, value.quant)
            known[value].buffer, known[value].is_variable = value.buffer, value.is_variable
            if not (value.is_constant or value.is_variable):
                b.graph.inputs.append(known[value])
    inputs = [None if value is None else known[value] for value in op.inputs]
    output = op.output
    made = b.op(op.code, inputs, output.shape, options=op.options, dtype=output.dtype)
    made.quant = output.quant
    b.output(made)
    return b.model


def _least_bytes(op: Op, device: Device) -> int:
    """Scratch, and its inputs or its outputs: as if one lay over the other."""
    scratch = sum(align_up(size, 16) for size in kernel_use(op, device).scratch_bytes or ())
    return scratch + max(_planned_bytes(op.inputs), _planned_bytes(op.outputs))


def _planned_bytes(values: Sequence[Value | None]) -> int:
    """Of those that the memory planner places."""
    present = [value for value in dict.fromkeys(values) if value is not None]
    kept = [v for v in present if not (v.is_constant or v.is_variable)]
    return sum(align_up(runtime_bytes(v), 16) for v in kept if v.dtype is not DType.RESOURCE)
