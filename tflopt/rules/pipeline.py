"""Runs the phases: the selected rules on a model, and what they did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from tflopt.config import Config, Goal
from tflopt.facts.large import is_large
from tflopt.facts.state import writes_states
from tflopt.ir import Model, Op
from tflopt.ir.clone import adopt, clone
from tflopt.rewrite import AnyRule, ModelRule, Rule, Stage, Trace, run_model_rule, run_rules
from tflopt.rewrite.watch import Event, Moment, Watch, in_turn, verify_runs
from tflopt.rules.course import Course, Stand, applicable, rules_for
from tflopt.rules.flash.keep_names import check_names
from tflopt.rules.memory.program_plan import run_around_vendors
from tflopt.rules.memory.write_states_in_place import leave_states
from tflopt.rules.phases import AROUND_STATES, MOST_ROUNDS, PHASES, Mode, Phase
from tflopt.rules.refusals import refuse_stale, refuse_what_names_tensors_by_index
from tflopt.rules.registry import RULES, Selection, applies, find_rule, make_rules
from tflopt.rules.trials import Scales, Trials
from tflopt.search.book import Book
from tflopt.search.budget_of_forms import (
    make_budget,
    original_cost,
    planned_cost,
    unplanned_cost,
)
from tflopt.search.cost import Cost
from tflopt.search.growth import MOST_RAISES, Refusal, raised
from tflopt.search.objective import Budget, growths
from tflopt.search.rounds import Round, Search
from tflopt.search.worth import FormRule, Worth
from tflopt.target.vendor import places_are_fixed

__all__ = ["RULES", "Selection", "applies", "find_rule", "go_on", "make_rules", "run_pipeline"]
MOVES_TENSORS = frozenset({Stage.TILE, Stage.ORDER, Stage.STATES, Stage.PLAN})


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # scales may be as small as 1e-45
def run_pipeline(
    model: Model,
    selection: Selection | None = None,
    config: Config | None = None,
    watch: Watch = verify_runs,
    course: Course | None = None,
) -> Trace:
    """Rewrite ``model`` in place with the selected rules, and say what they did.

    Args:
        watch: is told of every change and of every phase.
        course: takes down what the model is like on the way.

    Raises:
        UnsupportedError: rewriting would make other parts of the model wrong.
        UsageError: ``config.keep`` names nothing in the model, or a plan that is wrong now may
            not be dropped.
    """
    selection, config = selection or Selection(), config or Config()
    check_names(model, config.keep)
    every = applicable(config)
    rules = [rule for rule in every if rule in selection]
    if rules:
        refuse_what_names_tensors_by_index(model)
    forbidden = [rule for rule in every if Stage.STALE in rule.stages and rule not in selection]
    run = partial(_run, forbidden=forbidden, config=config, watch=watch, course=course)
    if places_are_fixed(model):
        config = replace(config, exchange=False)  # its trials would be copies
        run = partial(run, config=config, course=None)
        around = [rule for rule in rules if not MOVES_TENSORS & set(rule.stages)]
        tidy = [r for r in around if isinstance(r, ModelRule) and Stage.STRIP in r.stages]
        return run_around_vendors(model, config, partial(run, rules=around), tidy)
    if writes_states(model):
        rules = [rule for rule in rules if AROUND_STATES.issuperset(rule.stages)]
        trace = run(model, rules, course=None)
        leave_states(model, trace)
        return trace
    return run(model, rules)


def _run(
    model: Model,
    rules: Sequence[AnyRule],
    forbidden: Sequence[AnyRule],
    config: Config,
    watch: Watch,
    course: Course | None = None,
    phases: Sequence[Phase] = PHASES,
    stand: Stand | None = None,
) -> Trace:
    run = _Run(model, rules, config, watch, keeps_rounds=course is not None and bool(course.keeps))
    if stand is not None:
        run.go_on(stand)
    for phase in phases:
        if course is not None and phase.name in course.keeps:
            course.stands[phase.name] = run.stand()
        run.phase(phase)
        if run.is_stale:
            refuse_stale(model, forbidden)
        watch(Event(Moment.PHASE, model, phase.name))
    return run.trace


@np.errstate(over="ignore", divide="ignore", invalid="ignore")
def go_on(
    course: Course, selection: Selection, config: Config, watch: Watch = verify_runs
) -> tuple[Model, Trace] | None:
    """What :func:`run_pipeline` makes with other options of the model that a run began with.

    Begins where the options first matter; None where that is the beginning.
    """
    rules = [rule.later() for rule in rules_for(selection, config)]
    latest = course.latest(selection, config, partial(_budget_at, rules, config, course))
    if latest is None:
        return None
    name, stand = latest
    names = [phase.name for phase in PHASES]
    model, phases = clone(stand.model), PHASES[names.index(name) :]
    return model, _run(model, rules, (), config, watch, phases=phases, stand=stand)


def _budget_at(
    rules: Sequence[AnyRule], config: Config, course: Course, model: Model
) -> Budget | None:
    """What forms may spend on a model from the course of a run."""
    run = _Run(model, rules, config, verify_runs)
    run.go_on(next(iter(course.stands.values())))
    return run.budget_now()


class _Run:
    """One model on its way through the phases; ``is_stale`` once its own plan may be wrong."""

    def __init__(
        self,
        model: Model,
        rules: Sequence[AnyRule],
        config: Config,
        watch: Watch,
        first: _Run | None = None,
        *,
        keeps_rounds: bool = False,
    ) -> None:
        self.model = model
        self.rules = list(rules)
        self.config = config
        self.told = watch
        self.trace = Trace()
        self.is_stale = False
        self.book: Book = Book(follows=True) if first is None else first.book
        self.watch: Watch = in_turn((self.book.told, watch))
        self.worth: Worth | None = None if first is None else first.worth
        self.original: Cost | None = None if first is None else first.original
        self.budget: Budget | None = None
        self.keeps_rounds = keeps_rounds
        self.rounds: list[Round] = []
        self.search = Search(steered=bool(config.limits))
        self.costed: tuple[int, Cost] | None = None
        self.changes = 0
        self.done: dict[str, tuple[ModelRule, int]] = {}
        """By name, rules of the whole model that changed nothing, and after how many changes."""

    def stand(self) -> Stand:
        """What it has come to."""
        model, hits, cautious = clone(self.model), self.trace.hits, self.trace.cautious
        search = self.original, self.budget, self.search
        return Stand(model, tuple(hits), frozenset(cautious), self.is_stale, *search)

    def go_on(self, stand: Stand) -> None:
        """Begin with what another run has come to."""
        self._weigh()
        self.trace.hits = list(stand.hits)
        self.is_stale, self.original = stand.is_stale, stand.original

    def _weigh(self) -> None:
        forms = [rule for rule in self.rules if isinstance(rule, FormRule)]
        if forms or any(Stage.CALLS in rule.stages for rule in self.rules):
            worth = forms[0].worth if forms else Worth.from_config(self.config)
            self.worth = replace(worth, book=self.book)

    def phase(self, phase: Phase) -> None:
        """Run it, and tidy up after it."""
        if phase.is_first:
            self._weigh()
            if self.worth is not None and self._is_bound():
                self.original = original_cost(self.model, self.worth)
        if phase.when.holds(self.config) and self._of(phase.stages[:1]):
            changed = self._run(phase)
            if changed:
                self._once((Stage.CLEAN,))
            self.is_stale |= changed and not phase.keeps_plan
        if self.is_stale and not phase.keeps_plan:
            self._once((Stage.STALE,))
        if phase.is_first:
            self.rules = [rule.later() for rule in self.rules]

    def _is_large(self) -> bool:
        return any(is_large(graph) for graph in self.model.graphs)

    def _note_size(self) -> None:
        """Take down how many operators a graph has that isn't looked at from all sides."""
        sizes = [len(graph.ops) for graph in self.model.graphs if is_large(graph)]
        self.trace.many = max([self.trace.many, *sizes])

    def _of(self, stages: Sequence[Stage]) -> list[AnyRule]:
        return [rule for rule in self.rules if any(stage in stages for stage in rule.stages)]

    def _run(self, phase: Phase) -> bool:
        """Whether something changed."""
        if phase.mode is Mode.ONCE:
            return self._once(phase.stages)
        if phase.mode is Mode.TRIAL:
            return self._try(phase)
        if phase.mode is Mode.SEARCH:
            return self._search(phase)
        return self._fixpoint(self._of((Stage.CLEAN, *phase.stages)), phase.mode is Mode.REPEAT)

    def _once(self, stages: Sequence[Stage]) -> bool:
        return self._run_rules(self._of(stages))

    def _run_rules(self, rules: Sequence[AnyRule]) -> bool:
        before = self.changes
        for rule in rules:
            if isinstance(rule, ModelRule) and self.done.get(rule.name) != (rule, self.changes):
                self._run_whole(rule)
        return self.changes > before

    def _run_whole(self, rule: ModelRule) -> None:
        if run_model_rule(self.model, rule, self.trace, self.watch):
            self.changes += 1
        else:
            self.done[rule.name] = rule, self.changes

    def _fixpoint(self, rules: Sequence[AnyRule], repeat: bool = False) -> bool:
        """A reader that is dead may keep a rule from its pattern, so the dead go each time."""
        local = [rule for rule in rules if isinstance(rule, Rule)]
        changed = False
        for _ in range(MOST_ROUNDS):
            fired = run_rules(self.model, local, self.trace, self.watch)
            self.changes += fired
            moved = self._run_rules(rules)
            changed |= fired or moved
            if not moved and not (repeat and fired):
                break
        return changed

    def _try(self, phase: Phase) -> bool:
        """What pays of what these rules would do, each firing on a copy."""
        rest = (Stage.CLEAN, *phase.stages[1:])

        def simplified(copy: Model, trace: Trace) -> Cost:
            run = _Run(copy, self.rules, self.config, self.told, self)
            run._fixpoint(run._of(rest))
            trace.extend(run.trace)
            return run._cost()

        scales = Scales(self._cost, simplified, self.original, self._pays)
        trials = Trials(self.model, self.trace, self.config, scales, self.told)
        before = self.changes
        for rule in self._of(phase.stages[:1]):
            self.changes += isinstance(rule, Rule) and trials.run(rule)
        if trials.tried:
            self.search = replace(self.search, steered=True)
            self.book.forget()
        return self.changes > before

    def _search(self, phase: Phase) -> bool:
        """What is worth it below the ceilings, then what pays for higher ones."""
        if self.config.goal is Goal.BALANCED:
            self._note_size()
        start = clone(self.model) if self._grows() and not self._is_large() else None
        changed = self._rounds(phase)
        self._note_search(start)
        first = budget = self.budget
        lost: list[Model | None] = []
        """The beginning, once nothing that was worth it has come of it below higher ceilings."""
        for _ in range(MOST_RAISES):
            tries = [pair for pair in self._raised(first, budget, start) if pair[1] not in lost]
            self.search = replace(self.search, steered=self.search.steered or bool(tries))
            taken = next((pair for pair in tries if self._grow(phase, *pair)), None)
            if taken is None:
                break
            if taken is not tries[0]:
                lost.append(start)
            budget, changed = taken[0], True
        return changed

    def _note_search(self, start: Model | None) -> None:
        """Take down what the rounds have decided, before anything grows."""
        if start is None or self.worth is None or not self.rounds:
            self.search = replace(self.search, rounds=tuple(self.rounds))
            return
        total, here = self.worth.total(self.model), self._refused_here()
        refused = dict(self.book.refused), here
        self.search = Search(tuple(self.rounds), self.search.steered, total, refused)

    def _rounds(self, phase: Phase, ceilings: Budget | None = None) -> bool:
        changed = False
        for _ in range(MOST_ROUNDS):
            self.budget = ceilings or self.budget_now()
            begun = clone(self.model) if self.keeps_rounds and self.budget is not None else None
            changed |= self._fixpoint(self._within_budget((Stage.CLEAN, *phase.stages)))
            if begun is not None and self.budget is not None:
                self.rounds.append(Round(begun, self.budget, dict(self.book.refused)))
            if not self._once(phase.after):
                break
            changed = True
        return changed

    def budget_now(self) -> Budget | None:
        """What forms may spend on the model as it is."""
        if self.original is None or self.worth is None or not self._is_bound():
            return None
        return make_budget(self._cost(), self.worth.total(self.model), self.original, self.config)

    def _is_bound(self) -> bool:
        """Whether forms have a budget: goals but balanced only have limits. In a large model a form
        may take no more than what it replaces: to know the rest costs a plan."""
        balanced = self.config.goal is Goal.BALANCED and not self._is_large()
        return balanced or bool(self.config.limits)

    def _cost(self) -> Cost:
        """Once it is stripped and planned; nothing is asked again before something has changed."""
        if self.costed is None or self.costed[0] != self.changes:
            cost = self._asked_cost()
            assert cost is not None
            self.costed = self.changes, cost
        return self.costed[1]

    def _asked_cost(self, pays: Callable[[Cost], bool] = lambda _: True) -> Cost | None:
        """None where it doesn't pay whatever the arena, as is known without a plan."""
        assert self.worth is not None
        stripped = clone(self.model)
        aside = _Run(stripped, self.rules, self.config, verify_runs)
        aside._once((Stage.CLEAN,))
        aside._once((Stage.STRIP,))
        cost = unplanned_cost(self.model, stripped, self.worth)
        return planned_cost(cost, stripped, self.worth, self.config.plan) if pays(cost) else None

    def _within_budget(self, stages: Sequence[Stage]) -> list[AnyRule]:
        """The rules, forms with what they may spend, and with one book for all of them."""
        self.book.refused.clear()
        return [
            rule.within(self.budget, self.book) if isinstance(rule, FormRule) else rule
            for rule in self._of(stages)
        ]

    def _grows(self) -> bool:
        return self.config.goal is Goal.BALANCED and self.config.exchange

    def _raised(
        self, first: Budget | None, budget: Budget | None, start: Model | None
    ) -> list[tuple[Budget, Model]]:
        """Higher ceilings, and the model to go on from below them: this one, or before that the one
        that the search began with, where what was refused a form has taken a lesser one since."""
        if start is None or first is None or budget is None or self.worth is None:
            return []
        now, here = self.worth.total(self.model), self._refused_here()
        again = self.book.refused if len(here) < len(self.book.refused) else {}
        tries = [
            (raised(budget, now, again, first, anew=True), start),
            (raised(budget, now, here, first), self.model),
        ]
        return [(higher, model) for higher, model in tries if higher is not None]

    def _refused_here(self) -> dict[Op, list[Refusal]]:
        """What was refused of the operators that are still there."""
        ops = set(self.model.ops())
        return {op: forms for op, forms in self.book.refused.items() if op in ops}

    def _grow(self, phase: Phase, budget: Budget, origin: Model) -> bool:
        """Go on below higher ceilings, on a copy that is kept if the growth is paid for."""
        trial = _Run(clone(origin), self.rules, self.config, self.told, self)
        if not trial._rounds(phase, budget):
            return False
        grown = trial._asked_cost(partial(self._pays, self._cost()))
        if grown is None or not self._pays(self._cost(), grown) or grown == self._cost():
            return False
        adopt(self.model, trial.model)
        self.changes += 1
        self.costed = self.changes, grown
        self.book.forget()
        self.trace.extend(trial.trace)
        return True

    def _pays(self, now: Cost, grown: Cost) -> bool:
        """Whether all growth is paid for, of what was there before any rule and of what is now."""
        assert self.original is not None
        judged = [
            *growths(self.original, now, grown),
            *growths(self.original, self.original, grown),
        ]
        return all(growth.is_paid for growth in judged)
