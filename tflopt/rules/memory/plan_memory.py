"""Write an offline memory plan for TFLM where it lowers the arena."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from tflopt.config import Config
from tflopt.errors import UnsupportedError
from tflopt.ir import Model
from tflopt.plan.describe import read_plan
from tflopt.rewrite import ModelRule, Rewriter, Stage
from tflopt.target.device import Device
from tflopt.target.memory import Account, PlanRequest, plan_memory, why_no_memory
from tflopt.target.plan_check import is_plan_wrong

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
    input's address, an elementwise operator in place, an output that follows the input which it
    consumes). Scratch is placed by the runtime around the plan, on whatever core, so without
    --overlap the plan is right on every target, and on TFLM's own kernels. A plan
    that the model brings along and that is wrong on the target, such as one with the overlaps of
    another, is dropped; without a ``request`` that is all that happens.
    """

    name: ClassVar[str] = "plan-memory"
    number: ClassVar[int] = 79
    stages: ClassVar[tuple[Stage, ...]] = (Stage.PLAN,)
    device: Device = field(default_factory=Device)
    request: PlanRequest | None = field(default_factory=PlanRequest)

    @classmethod
    def from_config(cls, config: Config) -> PlanMemory:
        """The rule with what it needs of the options."""
        return cls(config.device, config.plan)

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Plan, simulate the runtime with the plan, and keep it if it is worth its flash."""
        if why_no_memory(model):
            return
        if is_plan_wrong(model, self.device):
            rw.set_plan(
                None, f"dropped a plan that is not known to be right on {self.device.target}"
            )
        if self.request is not None:
            self._plan(model, self.request, rw)

    def _plan(self, model: Model, request: PlanRequest, rw: Rewriter) -> None:
        plan = plan_memory(model, self.device, request)
        is_asked = request.restricts
        if plan.declined and is_asked:
            raise UnsupportedError(f"the memory can't be planned as asked: {plan.declined}")
        if plan.declined or not (plan.is_useful or is_asked):
            return
        present, account = read_plan(model), Account.of(model, self.device)
        before, after = (account.memory(offsets).arena for offsets in (present, plan.offsets))
        saved = before.minimum_bytes - after.minimum_bytes
        flash = ENTRY_BYTES + 12 + 4 * len(plan.offsets)
        if not is_asked and saved * FLASH_PER_RAM < flash:
            return
        if present == list(plan.offsets):
            return
        optimal = "optimal" if plan.proven_optimal else f"lower bound {plan.lower_bound}"
        said = f"head {plan.online_head_bytes:,} -> {plan.head_bytes:,} bytes ({optimal})"
        rw.set_plan(plan.offsets, said)
