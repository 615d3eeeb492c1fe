"""How far a run with other options would go the same way, so that it needn't begin anew.

What an option would give is tried from the original on. Mostly it concerns the last phases only:
how the memory is planned, or which fields are dropped. A run keeps what it has come to in front of
some phases, and another one goes on from there if nothing before could have been different:

- rules are what their options make them, and those that compare equal do the same;
- rules that aren't the same find nothing in the model as it stands there, none of them has chosen
  between forms, and none has said on the way that it left something alone for a runtime;
- forms that were refused for their growth are refused again, and no growth is paid for: ceilings
  depend on what is stripped and planned in the end (:mod:`tflopt.search.rounds`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tflopt.config import Config
from tflopt.facts.large import is_large
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.rewrite import AnyRule, Rule, Stage, Trace, run_model_rule, run_rules
from tflopt.rewrite.trace import Hit
from tflopt.rules.phases import PHASES
from tflopt.rules.registry import Selection, applies, make_rules
from tflopt.search.book import Book
from tflopt.search.cost import Cost
from tflopt.search.objective import Budget
from tflopt.search.rounds import BudgetAt, Search
from tflopt.search.worth import FormRule

KEPT = ("forms", "kernels")
"""The phases in front of which a model is kept: what comes before takes longest."""


@dataclass(frozen=True)
class Stand:
    """What a run has come to in front of a phase.

    Args:
        model: as it is there; nobody edits it.
        hits: what the rules did.
        cautious: the rules that left something as it is for a runtime.
        is_stale: the model's own plan may be wrong.
        original: what the model took before any rule ran.
        budget: what forms could spend last, None for nothing beyond what they replace.
        search: what ceilings and limits have decided.
    """

    model: Model
    hits: tuple[Hit, ...]
    cautious: frozenset[str]
    is_stale: bool
    original: Cost | None
    budget: Budget | None
    search: Search


@dataclass
class Course:
    """A run's options, and where it stood in front of each of the phases that it ``keeps``."""

    selection: Selection
    config: Config
    keeps: Sequence[str] = KEPT
    stands: dict[str, Stand] = field(default_factory=dict)

    @classmethod
    def of(cls, model: Model, selection: Selection, config: Config) -> Course:
        """Nothing is kept yet; of a large model nothing will be, as each stand is a copy of it."""
        keeps = () if any(is_large(graph) for graph in model.graphs) else KEPT
        return cls(selection, config, keeps)

    @property
    def tried_no_growth(self) -> bool:
        """Whether the search is known to have ended below the ceilings that it began with."""
        stand = self.stands.get("kernels")
        return stand is not None and not stand.search.steered

    def latest(
        self, selection: Selection, config: Config, budget_at: BudgetAt
    ) -> tuple[str, Stand] | None:
        """The last phase up to which a run with these options does the same, and what it has come
        to there; None where it has to begin anew.

        Args:
            budget_at: what forms may spend on a model, with these options.
        """
        known = self.config
        same = replace(config, runtime=known.runtime, plan=known.plan) == known
        if not same or selection != self.selection or config.sharing is not known.sharing:
            return None
        for name in reversed(KEPT):
            stand = self.stands.get(name)
            others = self._others(config, _stages_before(name))
            if stand is None or not self._leads(stand, others):
                continue
            if stand.search.is_alike(budget_at):
                return name, stand
        return None

    def _leads(self, stand: Stand, others: Sequence[AnyRule]) -> bool:
        """Whether these other rules leave it at that."""
        chose = {hit.rule for hit in stand.hits}
        if stand.search.steered or any(rule.name in stand.cautious for rule in others):
            return False
        if any(isinstance(rule, FormRule) and rule.name in chose for rule in others):
            return False
        return not any(_finds(rule, stand) for rule in others)

    def _others(self, config: Config, stages: set[Stage]) -> list[AnyRule]:
        """The rules of these options that this run hasn't, or has with other ones."""
        mine, theirs = (rules_for(self.selection, side) for side in (self.config, config))
        known = {rule.name: rule for rule in mine}
        return [
            rule.later()
            for rule in theirs
            if known.get(rule.name) != rule and stages & set(rule.stages)
        ]


def applicable(config: Config) -> list[AnyRule]:
    """The rules that these options have, selected or not."""
    return [rule for rule in make_rules(config) if applies(rule, config)]


def rules_for(selection: Selection, config: Config) -> list[AnyRule]:
    """The rules that run."""
    return [rule for rule in applicable(config) if rule in selection]


def _stages_before(name: str) -> set[Stage]:
    names = [phase.name for phase in PHASES]
    before = PHASES[: names.index(name)]
    return {stage for phase in before for stage in (*phase.stages, *phase.after)}


def _finds(rule: AnyRule, stand: Stand) -> bool:
    """Whether a rule would change the model."""
    copy = clone(stand.model)
    if not isinstance(rule, Rule):
        return run_model_rule(copy, rule, Trace())
    ready = rule.within(stand.budget, Book()) if isinstance(rule, FormRule) else rule
    codes = {op.code for op in copy.ops()}
    return bool(codes & rule.anchors) and run_rules(copy, [ready], Trace())
