"""Write an offline memory plan for TFLM where it lowers the arena."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.plan.describe import write_plan
from tflopt.rewrite import ModelRule, Rewriter
from tflopt.target.memory import Device, PlanRequest, memory_of, plan_memory, why_no_memory

FLASH_PER_RAM = 4
"""A plan must save a byte of RAM for every four bytes of flash that it takes: microcontrollers
have several times as much flash as RAM."""
ENTRY_BYTES = 76
"""Name, tables and vectors of a metadata entry, beside its 12 + 4 n bytes of offsets."""


@dataclass(frozen=True)
class PlanMemory(ModelRule):
    """Write an offline memory plan (OfflineMemoryAllocation) where it lowers the arena.

    Exact: the runtime takes each tensor's place in the arena from the plan. Tensors that live
    together don't overlap, except where the kernels are proven to allow it (a view that has its
    input's address, an elementwise operator in place). Scratch is placed by the runtime around
    the plan, on whatever core, so without --overlap the plan is right on every target.
    """

    name: ClassVar[str] = "plan-memory"
    device: Device = field(default_factory=Device)
    request: PlanRequest = field(default_factory=PlanRequest)

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Plan, simulate the runtime with the plan, and keep it if it is worth its flash."""
        if why_no_memory(model):
            return
        plan = plan_memory(model, self.device, self.request)
        wanted = bool(self.request.pins) or self.request.offline.preserve_inputs
        wanted = wanted or bool(self.request.offline.reserve_head_bytes)
        if plan.declined or not (plan.is_useful or wanted):
            return
        trial = clone(model)
        write_plan(trial, plan.offsets)
        before, after = (memory_of(each, self.device).arena for each in (model, trial))
        saved = before.minimum_bytes - after.minimum_bytes
        flash = ENTRY_BYTES + 12 + 4 * len(plan.offsets)
        if not wanted and saved * FLASH_PER_RAM < flash:
            return
        write_plan(model, plan.offsets)
        optimal = "optimal" if plan.proven_optimal else f"lower bound {plan.lower_bound}"
        rw.note(f"head {plan.online_head_bytes} -> {plan.head_bytes} bytes ({optimal})")
