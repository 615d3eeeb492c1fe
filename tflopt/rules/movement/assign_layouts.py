"""Arrange the axes of all tensors so that the least data moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from tflopt.config import Config, Goal, IoLayout
from tflopt.facts.large import is_large
from tflopt.ir import Graph, Model, Op
from tflopt.ir.clone import clone
from tflopt.layout.peak import live_bytes
from tflopt.layout.prices import Prices
from tflopt.layout.problem import (
    Problem,
    bill_of,
    make_problem,
    on_copy,
    original_bill,
    restricted,
    solve_problem,
    without_speed,
)
from tflopt.layout.reasons import explain
from tflopt.layout.rebuild import rebuild
from tflopt.layout.role import Form
from tflopt.rewrite import ModelRule, Rewriter, Stage
from tflopt.target.cost import predict_instructions
from tflopt.target.device import Device
from tflopt.target.sharing import Sharing

ATTEMPTS = 4
Faults = set[tuple[int, Form]]
"""Roles by their number, each with the form that it had better not take."""


@dataclass(frozen=True)
class AssignLayouts(ModelRule):
    """Arrange all tensors so that RESHAPE and TRANSPOSE move the least, and layers run fastest.

    One choice for the whole graph instead of pairs that cancel out: each operator runs with its
    axes in any order that its kernel computes alike, and a tensor is copied only where its
    producer and a reader differ. Exact: the same integers meet the same arithmetic, constants are
    rearranged ahead of time, and floats are never summed in another order. An arrangement in
    which a kernel of the target has a known defect is left, even where that costs a copy. Fewer
    copies are no gain where a kernel gets slower by more than they cost.
    """

    name: ClassVar[str] = "assign-layouts"
    number: ClassVar[int] = 49
    stages: ClassVar[tuple[Stage, ...]] = (Stage.SIMPLIFY,)
    rank: ClassVar[int] = 440

    device: Device = field(default_factory=Device)
    sharing: Sharing = Sharing.OVERLAPPING
    io_layout: IoLayout = IoLayout.KEEP
    route_around: bool = True
    goal: Goal = Goal.BALANCED

    @classmethod
    def from_config(cls, config: Config) -> AssignLayouts:
        """The rule with what it needs of the options."""
        route, goal = config.route_around, config.goal
        return cls(config.device, config.sharing, config.io_layout, route, goal)

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Solve and rebuild each subgraph that isn't too large."""
        for index, graph in enumerate(model.graphs):
            if is_large(graph):
                continue
            problem, values = self._best(model, index)
            assert problem.graph is graph
            if not rebuild(problem, values, rw):
                explain(problem, rw)

    def _best(self, model: Model, index: int) -> tuple[Problem, list[int]]:
        """The best assignment with which neither the arena nor the work grows.

        Where one would, the forms at fault are left out, then speed, then everything.
        """
        banned: Faults = set()
        whole = self._problem(model.graphs[index])
        for by_speed in (True, False):
            for _ in range(ATTEMPTS):
                problem = restricted(whole if by_speed else without_speed(whole), banned)
                values = solve_problem(problem)
                if not any(values):
                    return problem, values
                fits, at_fault = self._try(model, index, problem, values)
                if fits:
                    return problem, values
                if at_fault <= banned:
                    break
                banned |= at_fault
        return problem, [0] * len(problem.roles)

    def _problem(self, graph: Graph) -> Problem:
        prices = Prices(self.device, route_around=self.route_around)
        return make_problem(graph, prices, self._frees(graph))

    def _frees(self, graph: Graph) -> bool:
        return self.io_layout is IoLayout.NHWC and graph is graph.model.main

    def _try(
        self, model: Model, index: int, problem: Problem, values: Sequence[int]
    ) -> tuple[bool, Faults]:
        """Whether nothing grows, or a layer comes out right that didn't; else what is at fault."""
        if bill_of(problem, values).hazards < original_bill(problem).hazards:
            return True, set()
        trial = clone(model)
        graph = trial.graphs[index]
        copy = on_copy(problem, graph, self._frees(graph))
        before = max(live_bytes(graph, self.device, self.sharing), default=0)
        rebuild(copy, values, Rewriter(trial))
        live = dict(zip(graph.ops, live_bytes(graph, self.device, self.sharing), strict=True))
        if max(live.values(), default=0) > before:
            return False, _alive(copy, values, live, before)
        fast = self.goal in (Goal.BALANCED, Goal.SPEED)
        slower = fast and self._work(graph) > self._work(model.graphs[index])
        return not slower, _slowed(problem, values) if slower else set()

    def _work(self, graph: Graph) -> int:
        return sum(predict_instructions(op, self.device).instructions for op in graph.ops)


def _alive(problem: Problem, values: Sequence[int], live: Mapping[Op, int], most: int) -> Faults:
    """The forms of operators at which more is alive than ever was before."""
    return {
        (number, forms[value])
        for number, (role, forms, value) in enumerate(
            zip(problem.roles, problem.forms, values, strict=True)
        )
        if value and role.op is not None and live[role.op] > most
    }


def _slowed(problem: Problem, values: Sequence[int]) -> Faults:
    """The forms that make kernels slower by most, and what else would be as slow there."""
    rises = [
        [price.instructions - prices[0].instructions for price in prices]
        for prices in problem.prices
    ]
    worst = max((rise[value] for rise, value in zip(rises, values, strict=True)), default=0)
    return {
        (number, form)
        for number, (forms, rise, value) in enumerate(
            zip(problem.forms, rises, values, strict=True)
        )
        if worst > 0 and 2 * rise[value] >= worst
        for form, slowdown in zip(forms, rise, strict=True)
        if 2 * slowdown >= worst
    }
