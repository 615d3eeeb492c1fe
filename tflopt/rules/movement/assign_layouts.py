"""Arrange the axes of all tensors so that the least data moves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import ClassVar

from tflopt.config import IoLayout
from tflopt.ir import Graph, Model
from tflopt.ir.clone import clone
from tflopt.layout.peak import live_bytes
from tflopt.layout.prices import Prices
from tflopt.layout.problem import Problem, bill_of, make_problem, original_bill, solve_problem
from tflopt.layout.reasons import explain
from tflopt.layout.rebuild import rebuild
from tflopt.layout.role import Form
from tflopt.rewrite import ModelRule, Rewriter
from tflopt.target.memory import Device

ATTEMPTS = 4


@dataclass(frozen=True)
class AssignLayouts(ModelRule):
    """Arrange all tensors so that RESHAPE and TRANSPOSE move the least, and layers run fastest.

    One choice for the whole graph instead of pairs that cancel out: each operator runs with its
    axes in any order that its kernel computes alike, and a tensor is copied only where its
    producer and a reader differ. Exact: the same integers meet the same arithmetic, constants are
    rearranged ahead of time, and floats are never summed in another order. An arrangement in
    which a kernel of the target has a known defect is left, even where that costs a copy.
    """

    name: ClassVar[str] = "assign-layouts"

    device: Device = field(default_factory=Device)
    in_place: bool = True
    io_layout: IoLayout = IoLayout.KEEP
    route_around: bool = True

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Solve and rebuild each subgraph."""
        for index, graph in enumerate(model.graphs):
            problem, values = self._best(model, index)
            assert problem.graph is graph
            if not rebuild(problem, values, rw):
                explain(problem, rw)

    def _best(self, model: Model, index: int) -> tuple[Problem, list[int]]:
        """The best assignment with which the arena doesn't grow.

        Where it would, the forms at fault are left out, then speed, then everything.
        """
        banned: set[tuple[int, Form]] = set()
        for by_speed in (True, False):
            for _ in range(ATTEMPTS):
                problem = self._problem(model.graphs[index], by_speed, banned)
                values = solve_problem(problem)
                if not any(values):
                    return problem, values
                fits, at_fault = self._try(model, index, by_speed, banned)
                if fits:
                    return problem, values
                if at_fault <= banned:
                    break
                banned |= at_fault
        return problem, [0] * len(problem.roles)

    def _problem(
        self, graph: Graph, by_speed: bool, banned: Collection[tuple[int, Form]]
    ) -> Problem:
        prices = Prices(self.device, by_speed, self.route_around)
        frees = self.io_layout is IoLayout.NHWC and graph is graph.model.main
        return make_problem(graph, prices, frees, banned)

    def _try(
        self, model: Model, index: int, by_speed: bool, banned: Collection[tuple[int, Form]]
    ) -> tuple[bool, set[tuple[int, Form]]]:
        """Whether the arena doesn't grow, or a layer comes out right that didn't; else the forms
        of operators at which more is alive than ever was before."""
        trial = clone(model)
        graph = trial.graphs[index]
        problem = self._problem(graph, by_speed, banned)
        values = solve_problem(problem)
        if bill_of(problem, values).hazards < original_bill(problem).hazards:
            return True, set()
        before = max(live_bytes(graph, self.device, self.in_place), default=0)
        rebuild(problem, values, Rewriter(trial))
        live = dict(zip(graph.ops, live_bytes(graph, self.device, self.in_place), strict=True))
        at_fault = {
            (number, forms[value])
            for number, (role, forms, value) in enumerate(
                zip(problem.roles, problem.forms, values, strict=True)
            )
            if value and role.op is not None and live[role.op] > before
        }
        return max(live.values(), default=0) <= before, at_fault
