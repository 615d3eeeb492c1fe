"""What forms may spend: the original's size, or the user's limits, as estimates see them."""

from __future__ import annotations

from dataclasses import replace

from tflopt.config import Config, Goal, Limits
from tflopt.errors import ModelError, UnsupportedError
from tflopt.io import WriteOptions, write_bytes
from tflopt.ir import Model
from tflopt.search.cost import Cost
from tflopt.search.objective import Budget
from tflopt.search.worth import Worth
from tflopt.target.memory import PlanRequest, memory_of, plan_memory, why_no_memory

UNLIMITED = 1 << 62
PLAN_BYTES = 88
PLAN_BYTES_PER_TENSOR = 4
ANNOTATION_BYTES = 64
ANNOTATION_BYTES_PER_OPERATOR = 3
BESIDE_DESCRIPTION_BYTES = 48
"""What the plan and the annotation take later, at most for common models
(``benchmarks/annotation.py``); more where the model keeps a description of its own."""


def original_cost(model: Model, worth: Worth) -> Cost:
    """What the model takes before any rule ran; unknown instructions count as none."""
    size = model.source_bytes or len(write_bytes(model, WriteOptions(share=True)))
    return replace(worth.total(model), flash_bytes=size, arena_bytes=_arena(model, worth, None))


def unplanned_cost(model: Model, stripped: Model, worth: Worth) -> Cost:
    """What the model takes once its fields are stripped, but for the arena, which counts as none.

    Args:
        stripped: a copy of ``model`` without what is dropped at the end.
    """
    size = len(write_bytes(stripped, WriteOptions(share=True))) + _extras(stripped)
    return replace(worth.total(model), flash_bytes=size, arena_bytes=0)


def planned_cost(cost: Cost, stripped: Model, worth: Worth, plan: PlanRequest | None) -> Cost:
    """The same with the arena.

    Args:
        plan: the memory plan that will be written, None for none.
    """
    return replace(cost, arena_bytes=_arena(stripped, worth, plan))


def make_budget(now: Cost, estimate: Cost, original: Cost, config: Config) -> Budget:
    """The budget at the moment when all other rules have run.

    Args:
        now: what the model takes, as :func:`planned_cost` says.
        estimate: the same as :class:`Worth` estimates it; all ceilings are in its terms.
    """
    flash, arena = UNLIMITED, UNLIMITED
    if config.goal is Goal.BALANCED:
        flash = estimate.flash_bytes + max(0, original.flash_bytes - now.flash_bytes)
        arena = estimate.arena_bytes + max(0, original.arena_bytes - now.arena_bytes)
    return Budget(original, flash, arena, _limits(now, estimate, config.limits))


def _limits(now: Cost, estimate: Cost, limits: Limits) -> Limits:
    flash, arena = limits.flash_bytes, limits.arena_bytes
    return Limits(
        None if arena is None else arena + estimate.arena_bytes - now.arena_bytes,
        None if flash is None else flash + estimate.flash_bytes - now.flash_bytes,
        limits.instructions,
    )


def _arena(model: Model, worth: Worth, plan: PlanRequest | None) -> int:
    """The arena that a model needs, with the best plan if one is to be written.

    An estimate where the runtime refuses the model's plan, or a type has no size.
    """
    if why_no_memory(model):
        return worth.total(model).arena_bytes
    try:
        arena = memory_of(model, worth.device).arena
    except (ModelError, UnsupportedError):
        return worth.total(model).arena_bytes
    if plan is None or plan.restricts:
        return arena.minimum_bytes
    request = PlanRequest(in_place=plan.in_place, overlap=plan.overlap)
    head = plan_memory(model, worth.device, request, head_only=True).head_bytes
    return arena.minimum_bytes - max(0, arena.head_bytes - head)


def _extras(model: Model) -> int:
    tensors = sum(len(graph.values) for graph in model.graphs)
    plan = PLAN_BYTES + PLAN_BYTES_PER_TENSOR * tensors
    operators = ANNOTATION_BYTES_PER_OPERATOR * sum(1 for _ in model.ops())
    beside = BESIDE_DESCRIPTION_BYTES if model.description else 0
    return plan + ANNOTATION_BYTES + operators + beside
