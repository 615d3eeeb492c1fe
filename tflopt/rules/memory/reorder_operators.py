"""Run operators in the order that needs the least memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from tflopt.config import Config
from tflopt.facts.banded import banded_op
from tflopt.facts.large import is_large
from tflopt.facts.state import States
from tflopt.ir import Model, Value
from tflopt.ir.clone import clone
from tflopt.plan.describe import read_plan, runtime_bytes
from tflopt.plan.lifetimes import ARENA_ALIGNMENT
from tflopt.plan.offline import head_floor
from tflopt.plan.order import OrderProblem, Task, best_order, is_least
from tflopt.plan.problem import align_up
from tflopt.rewrite import ModelRule, Rewriter, Stage
from tflopt.target.device import Device
from tflopt.target.kernels import scratch_sizes
from tflopt.target.memory import (
    Account,
    PlanRequest,
    aliases_of,
    planned_arena,
    why_no_memory,
)


@dataclass(frozen=True)
class ReorderOperators(ModelRule):
    """Run operators in another order where that lowers the arena.

    Exact: every operator still runs after those whose outputs it reads. A variable is written in
    the same order and read between the same writes as before; calls, control flow and operators
    with other effects keep their place among all that touch state. Kept only if the least arena,
    with its plan, gets smaller. Bands run in the order that they were planned in: what they save is
    bytes that tensors share, which an order isn't judged by.
    """

    name: ClassVar[str] = "reorder-operators"
    number: ClassVar[int] = 78
    stages: ClassVar[tuple[Stage, ...]] = (Stage.ORDER,)
    device: Device = field(default_factory=Device)
    request: PlanRequest | None = None

    @classmethod
    def from_config(cls, config: Config) -> ReorderOperators:
        """The rule with what it needs of the options."""
        return cls(config.device, config.plan)

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Find the best order, and take it if the arena shrinks."""
        if why_no_memory(model) or banded_op(model):
            return
        problem = order_problem(model, self.device)
        if is_least(problem):
            return
        if not is_large(model.main) and not self._may_gain(model):  # of a large one: costs more
            return
        order = best_order(problem)
        if order.tasks == tuple(range(len(model.main.ops))):
            return
        ops = [model.main.ops[index] for index in order.tasks]
        trial = clone(model)
        trial.main.ops = [trial.main.ops[index] for index in order.tasks]
        if self._minimum(trial) >= self._minimum(clone(model)):
            return
        rw.update(model.main, ops=ops)
        proven = "no order needs less" if order.proven else "the best order found"
        rw.note(f"peak of live bytes {order.peak_bytes} ({proven})")

    def _may_gain(self, model: Model) -> bool:
        """False where the arena is as small as any order's: where the neediest operator decides it,
        or the runtime's planner, which needs more than the head while it works.
        """
        request, account = self.request, Account.of(model, self.device)
        if account.may_shrink_tail or (request is not None and request.restricts):
            return True
        present = account.memory(read_plan(model) if request is None else None).arena
        if account.least_bytes(0) >= present.minimum_bytes:
            return False
        aliases = [] if request is None else aliases_of(model, self.device, request)
        least = account.least_bytes(head_floor(account.description, aliases))
        return least < present.minimum_bytes and least < self._minimum(clone(model))

    def _minimum(self, trial: Model) -> int:
        """Without names, on which no plan depends but for pins: what was planned before they were
        dropped isn't planned again.
        """
        rw, pinned = Rewriter(trial), self.request is not None and self.request.pins
        for value in () if pinned else trial.main.values:
            rw.update(value, name=None)
        return planned_arena(trial, self.device, self.request).minimum_bytes


def order_problem(model: Model, device: Device) -> OrderProblem:
    """The main graph as tasks; only tensors that the runtime plans have a size."""
    graph = model.main
    index = {value: number for number, value in enumerate(graph.values)}
    scratch = scratch_sizes(device)
    position = {op: number for number, op in enumerate(graph.ops)}
    tasks, states = [], States()
    for number, op in enumerate(graph.ops):
        after = {position[v.producer] for v in op.inputs if v is not None and v.producer}
        after |= states.before(op, number)
        after.discard(number)  # which reads one variable twice
        tasks.append(
            Task(
                reads=[index[v] for v in op.inputs if v is not None],
                makes=[index[v] for v in op.outputs],
                scratch_bytes=sum(align_up(size, ARENA_ALIGNMENT) for size in scratch(op)),
                after=sorted(after),
            )
        )
    return OrderProblem(
        tasks,
        [_planned_bytes(value) for value in graph.values],
        alive=[index[value] for value in graph.inputs],
        kept=[index[value] for value in graph.outputs],
    )


def _planned_bytes(value: Value) -> int:
    if value.is_constant or value.is_variable:
        return 0
    return align_up(runtime_bytes(value), ARENA_ALIGNMENT)
