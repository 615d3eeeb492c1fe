"""Rules that are tried: each firing on a copy, kept where the whole model is better for it.

What an operator calls may cost more or less where it is called, which shows only once the other
rules have simplified it: a counter is a constant then, and what was copied is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from tflopt.config import Config, Goal
from tflopt.facts.large import is_large
from tflopt.ir import Graph, Model, Op
from tflopt.ir.calls import called
from tflopt.ir.clone import adopt, clone
from tflopt.rewrite import Reason, Rule, Trace, Why, run_rule_at
from tflopt.rewrite.watch import Watch
from tflopt.search.cost import Cost
from tflopt.search.objective import Budget
from tflopt.search.worth import Choice
from tflopt.target.cost import predict_model

MOST_TRIALS = 16
"""Of one model: each copies, simplifies and plans it anew."""


@dataclass(frozen=True)
class Scales:
    """What weighs a model against another.

    Args:
        cost: what the model takes as it is.
        simplified: simplifies a copy, notes in the trace what was done, and says what it takes.
        original: what the model took before any rule ran, None where nothing depends on it.
        pays: whether the growth from one cost to another is paid for.
    """

    cost: Callable[[], Cost]
    simplified: Callable[[Model, Trace], Cost]
    original: Cost | None
    pays: Callable[[Cost, Cost], bool]


@dataclass
class Trials:
    """One model, what is done to it, and the operators that have had their turn."""

    model: Model
    trace: Trace
    config: Config
    scales: Scales
    watch: Watch
    tried: int = 0
    settled: set[Op] = field(default_factory=set)

    def run(self, rule: Rule) -> bool:
        """Try the rule at each operator, those that are called first; whether one was kept."""
        changed = False
        while (op := next(self._waiting(rule), None)) is not None:
            self.settled.add(op)
            changed |= self._try(rule, op)
        return changed

    def _waiting(self, rule: Rule) -> Iterator[Op]:
        for graph in callees_first(self.model):
            for op in graph.ops:
                if op.code in rule.anchors and op not in self.settled:
                    yield op

    def _try(self, rule: Rule, op: Op) -> bool:
        if is_large(op.graph) or self.tried == MOST_TRIALS:
            self.trace.decline(rule.name, op, _TOO_MANY, op)
            return False
        copy, trace = clone(self.model), Trace()
        twins = dict(zip(self.model.ops(), copy.ops(), strict=True))
        if not run_rule_at(copy, rule, twins[op], trace, self.watch):
            back = {twin: old for old, twin in twins.items()}
            for anchor, reason, at in trace.declined(rule.name):
                self.trace.decline(rule.name, back[anchor], reason, back[at])
            return False
        self.tried += 1
        grown = self.scales.simplified(copy, trace)
        objection = self._objection(op, grown)
        if objection is not None:
            self.trace.decline(rule.name, op, objection, op)
            return False
        self.settled = {twins[old] for old in self.settled if old in twins}
        self.trace.extend(trace)
        adopt(self.model, copy)
        return True

    def _objection(self, op: Op, grown: Cost) -> Reason | None:
        """Why the copy isn't better, None where it is."""
        now, budget = self.scales.cost(), None
        if self.scales.original is not None:
            first, balanced = self.scales.original, self.config.goal is Goal.BALANCED
            flash, arena = (size if balanced else _ANY for size in first.numbers[1:])
            budget = Budget(first, flash, arena, self.config.limits)
        work = _work(op, self.config)
        saved = (now.instructions or 0) - (grown.instructions or 0)
        parts = replace(now, instructions=work), replace(grown, instructions=work - saved)
        choice = Choice(self.config.goal, *parts, budget=budget, totals=(now, grown))
        if choice.is_worth_it:
            return None
        paid = choice.is_refused_for_growth and self.config.exchange
        if paid and self.scales.pays(now, grown):
            return None
        return choice.why_not("what it calls in its place")


_ANY = 1 << 62
_TOO_MANY = Why.OTHER("the model is too large, or has too many such operators, to try it")


def _work(op: Op, config: Config) -> int:
    """The instructions of an operator with all that it calls, in one inference."""
    told = predict_model(op.graph.model, config.device)
    row = next(row for row in told.rows if row.op is op)
    return max(1, row.runs.usual) * told.with_calls(row)


def callees_first(model: Model) -> list[Graph]:
    """The subgraphs, each behind all that it calls."""
    order: dict[Graph, None] = {}
    entered = set[int]()

    def enter(number: int) -> None:
        if number in entered or not 0 <= number < len(model.graphs):
            return
        entered.add(number)
        for op in model.graphs[number].ops:
            for index in called(op):
                enter(index)
        order[model.graphs[number]] = None

    for number in range(len(model.graphs)):
        enter(number)
    return list(order)
