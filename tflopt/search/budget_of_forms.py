"""What forms may spend, so that no resource of the result is worse than the original's."""

from __future__ import annotations

from tflopt.errors import ModelError, UnsupportedError
from tflopt.io import WriteOptions, write_bytes
from tflopt.ir import Model
from tflopt.search.worth import Budget, Cost, Worth, flash_estimate
from tflopt.target.kernels import kernel_use
from tflopt.target.memory import PlanRequest, memory_of, plan_memory, why_no_memory

PLAN_BYTES = 88
PLAN_BYTES_PER_TENSOR = 4
ANNOTATION_BYTES = 448
ANNOTATION_BYTES_PER_OPERATOR = 12
ANNOTATION_BYTES_PER_KERNEL = 32
"""What the plan and the annotation take later, at most for common models."""


def original_cost(model: Model, worth: Worth) -> Cost:
    """What the model takes before any rule ran; instructions count 0 where a kernel is unknown."""
    size = model.source_bytes or len(write_bytes(model, WriteOptions(share=True)))
    work = worth.instructions(list(model.ops()))
    return Cost(work or 0, size, _arena(model, worth, None))


def make_budget(
    model: Model, stripped: Model, original: Cost, worth: Worth, plan: PlanRequest | None = None
) -> Budget:
    """The budget at the moment when all other rules have run.

    Args:
        stripped: a copy of ``model`` without what is dropped at the end.
        plan: the memory plan that will be written, None for none.
    """
    size = len(write_bytes(stripped, WriteOptions(share=True))) + _extras(model, worth)
    flash = max(0, original.flash_bytes - size)
    arena = max(0, original.arena_bytes - _arena(stripped, worth, plan))
    return Budget(original, flash_estimate(model) + flash, worth.arena_estimate(model) + arena)


def _arena(model: Model, worth: Worth, plan: PlanRequest | None) -> int:
    """The arena that a model needs, with the best plan if one is to be written.

    An estimate where the runtime refuses the model's plan, or a type has no size.
    """
    if why_no_memory(model):
        return worth.arena_estimate(model)
    try:
        arena = memory_of(model, worth.device).arena
    except (ModelError, UnsupportedError):
        return worth.arena_estimate(model)
    if plan is None or plan.restricts:
        return arena.minimum_bytes
    head = plan_memory(model, worth.device, PlanRequest(in_place=plan.in_place)).head_bytes
    return arena.minimum_bytes - max(0, arena.head_bytes - head)


def _extras(model: Model, worth: Worth) -> int:
    ops = list(model.ops())
    device = worth.device
    kernels = {kernel_use(op, device.target, device.cmsis_nn).function for op in ops}
    tensors = sum(len(graph.values) for graph in model.graphs)
    plan = PLAN_BYTES + PLAN_BYTES_PER_TENSOR * tensors
    operators = ANNOTATION_BYTES_PER_OPERATOR * len(ops)
    return plan + ANNOTATION_BYTES + operators + ANNOTATION_BYTES_PER_KERNEL * len(kernels)
