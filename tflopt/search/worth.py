"""Whether another form of some operators is worth taking: the one place that weighs resources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from tflopt.config import Config, Goal
from tflopt.ir import Model, Op, Value
from tflopt.plan.timeline import Change, Timeline, ends_of_gap
from tflopt.rewrite import Reason, Rule, Stage, Why
from tflopt.rewrite.reason import Number
from tflopt.rewrite.sketch import Sketch
from tflopt.search.book import (
    ArenaParts,
    Book,
    OpCost,
    cost_of,
    instructions_of,
    owned,
    total_instructions,
)
from tflopt.search.cost import OP_FLASH_BYTES, TENSOR_FLASH_BYTES, Cost, constant_bytes
from tflopt.search.growth import Refusal
from tflopt.search.objective import MARGIN, Budget, excess, ranked, worth_it
from tflopt.target.device import Device
from tflopt.target.hazards import hazards_at, is_routed_by
from tflopt.target.kernel_sets import CMSIS_NN_SETS, on
from tflopt.target.sharing import Sharing

if TYPE_CHECKING:
    from typing_extensions import Self

MOST_ELEMENTS = 1 << 22
"""Of a new constant: no firmware has flash for more, and a file may ask for any size."""
OUT = (2,)
"""The rank of what is never taken."""
PER_MOVED_BYTE = 4
"""Instructions that a balanced form saves for each byte that it copies more: instructions are
what is predicted, and a memory slower than those measured makes copies dearer than these say."""


@dataclass(frozen=True)
class _Costs:
    """What was asked of a sketch: for which device, and which bytes a plan lets tensors share."""

    key: tuple[Device, Sharing]
    costs: Sequence[OpCost]


@dataclass(frozen=True)
class Worth:
    """Weighs a sketch against the operators that it would replace.

    Args:
        goal: which resource decides.
        device: the build whose kernels count.
        sharing: which bytes a plan lets tensors share.
        budget: what a choice may spend, None for nothing beyond what it takes now.
        route_around: a form that the device computes right is taken whatever it costs.
        book: what the model costs as it is, and what was refused for its growth.
    """

    goal: Goal = Goal.BALANCED
    device: Device = field(default_factory=Device)
    sharing: Sharing = Sharing.OVERLAPPING
    budget: Budget | None = None
    route_around: bool = True
    book: Book = field(default_factory=Book, compare=False, repr=False)

    def total(self, model: Model) -> Cost:
        """What a whole model costs, by the same estimates as single choices."""
        return self.book.page(model, self.device, self.sharing).total

    def arena_estimate(self, model: Model) -> int:
        """The arena of a whole model, as far as operators decide it."""
        return self.total(model).arena_bytes

    @classmethod
    def from_config(cls, config: Config) -> Worth:
        """As the options ask."""
        return cls(config.goal, config.device, config.sharing, route_around=config.route_around)

    def compare(self, old: Sequence[Op], sketch: Sketch) -> Choice:
        """The cost of both forms.

        Instructions and flash are those of the operators in question; the arena is that of the
        whole model with either form.
        """
        return self._checked(self._unchecked(old, sketch), old, sketch)

    def _checked(self, pair: tuple[Choice, Refusal], old: Sequence[Op], sketch: Sketch) -> Choice:
        """With the defects that only the other form meets; the book takes down what is good."""
        choice, refusal = replace(pair[0], hazard=self._new_hazard(old, sketch.graph.ops)), pair[1]
        if choice.is_refused_for_growth:
            self.book.refused.setdefault(old[0], []).append(refusal)
        return choice

    def _unchecked(self, old: Sequence[Op], sketch: Sketch) -> tuple[Choice, Refusal]:
        """Whatever defects the other form meets, and how it would grow."""
        page = self.book.page(old[0].graph.model, self.device, self.sharing)
        known = page.graphs[old[0].graph]
        new = sketch.graph.ops
        costs = self._costs(sketch)
        present = [known.costs[op] for op in old]
        before_values, after_values = owned(old), _drawn(old, sketch)
        now, now_parts = page.total, page.parts
        before = _local(old, present, before_values, now.arena_bytes).times(known.runs)
        parts = self._parts(now_parts, present, costs, (old, new), (before_values, after_values))
        peak = known.timeline.peak_after(_change(known.timeline, old, costs, sketch))
        parts = replace(parts, peak_bytes=page.peak_bytes(old[0].graph, peak))
        after = _local(new, costs, after_values, parts.arena_bytes).times(known.runs)
        choice = Choice(
            self.goal,
            before,
            after,
            None,
            self.budget,
            self._moves(old[-1], before, after, known.runs),
            (now, now.changed(before, after)),
        )
        return choice, _refusal(choice, (now_parts, parts))

    def _costs(self, sketch: Sketch) -> Sequence[OpCost]:
        """Of the operators of a sketch, which is asked again while it may take others' place."""
        key, known = (self.device, self.sharing), sketch.graph.derived.get(Worth)
        if isinstance(known, _Costs) and known.key == key:
            return known.costs
        costs = [cost_of(op, *key) for op in sketch.graph.ops]
        sketch.graph.derived[Worth] = _Costs(key, costs)
        return costs

    def _parts(
        self,
        parts: ArenaParts,
        present: Sequence[OpCost],
        costs: Sequence[OpCost],
        ops: tuple[Sequence[Op], Sequence[Op]],
        constants: tuple[set[Value], set[Value]],
    ) -> ArenaParts:
        """The arena with the new operators for the present ones, but for its peak."""
        made = [sum(len(op.outputs) for op in side) for side in ops]
        planned = made[1] - made[0]
        tail = sum(cost.tail_bytes for cost in costs) - sum(cost.tail_bytes for cost in present)
        scratch = sum(c.scratch_count for c in costs) - sum(c.scratch_count for c in present)
        return replace(
            parts,
            tail_bytes=parts.tail_bytes + tail,
            tensors=parts.tensors + planned + len(constants[1]) - len(constants[0]),
            planned=parts.planned + planned,
            scratch_count=parts.scratch_count + scratch,
        )

    def _moves(self, last: Op, before: Cost, after: Cost, runs: int) -> Reason | None:
        """What a balanced form copies without saving much more, in words.

        A view of the output alone is no objection: mostly its reader needs none.
        """
        moved = after.moved_bytes - before.moved_bytes
        written = runs * sum(value.size_bytes or 0 for value in last.outputs)
        if self.goal is not Goal.BALANCED or self.budget is None or moved <= written:
            return None
        saved = (before.instructions or 0) - (after.instructions or 0)
        if saved >= PER_MOVED_BYTE * moved:
            return None
        return Why.CHEAPER_ORDER("would move {moved:,} bytes more", moved=moved)

    def may_gain(self, old: Sequence[Op], sketch: Sketch) -> bool:
        """False where the instructions alone rule a form out, which is much cheaper to know."""
        slowest = {Goal.SPEED: 1.0, Goal.BALANCED: 1 - MARGIN if self.budget else 1.0}
        if self.goal not in slowest or (self.budget is not None and self.budget.limits):
            return True
        before = self.instructions(old)
        after = total_instructions(cost.instructions for cost in self._costs(sketch))
        return before is not None and after is not None and after <= before * slowest[self.goal]

    def best(self, old: Sequence[Op], sketches: Sequence[Sketch]) -> tuple[Sketch, Choice]:
        """The sketch that is worth it and best for the goal, else the one that comes closest.

        Defects are looked for where a choice is good, and where it is the answer.
        """
        pairs = [self._unchecked(old, sketch) for sketch in sketches]
        choices = [
            self._checked(pair, old, sketch) if pair[0].is_good else pair[0]
            for pair, sketch in zip(pairs, sketches, strict=True)
        ]
        for place in sorted(range(len(choices)), key=lambda place: choices[place].rank):
            if not pairs[place][0].is_good:
                choices[place] = self._checked(pairs[place], old, sketches[place])
            if choices[place].rank != OUT:
                return sketches[place], choices[place]
        return sketches[0], choices[0]

    def instructions(self, ops: Sequence[Op]) -> int | None:
        """The sum of the predictions, None where nothing is known of a kernel."""
        return total_instructions(instructions_of(op, self.device, self.sharing) for op in ops)

    def _new_hazard(self, old: Sequence[Op], new: Sequence[Op]) -> str | None:
        """What the kernels compute wrongly in the other form only, on any core."""
        for kernels in CMSIS_NN_SETS:
            device = on(self.device, kernels)
            met = [hazard.name for op in new for hazard in hazards_at(op, device)]
            known = {hazard.name for op in old for hazard in hazards_at(op, device)} if met else ()
            for name in met:
                if name not in known:
                    return name
        return None


def _refusal(choice: Choice, arenas: tuple[ArenaParts, ArenaParts]) -> Refusal:
    now, then = arenas
    tail = then.kept_bytes - now.kept_bytes
    return Refusal(
        (choice.before.instructions or 0) - (choice.after.instructions or 0),
        then.arena_bytes - now.arena_bytes - tail,
        tail,
        choice.after.flash_bytes - choice.before.flash_bytes,
        choice.totals,
    )


def _change(line: Timeline, old: Sequence[Op], costs: Sequence[OpCost], sketch: Sketch) -> Change:
    """The operators of a sketch stand where the last one of the old was."""
    graph, new, region = old[-1].graph, sketch.graph.ops, set(old)
    ends = ends_of_gap(graph.ops, graph.place(old[-1]), lambda op: op not in region)
    (room,) = line.rooms([(*ends, len(new))])
    came = dict(zip(new, room, strict=True))
    moments = {op: cost.moment for op, cost in zip(new, costs, strict=True)}
    return Change(old, came, moments, line.outputs, _same(sketch))


def _same(sketch: Sketch) -> dict[Value, Value]:
    """The real value that each value of a sketch stands for."""
    same = {copy: value for value, copy in sketch.stand_ins.items()}
    for value, result in sketch.results.items():
        known = same.get(result)
        same.update({result: value} if known is None else {value: known})
    return same


def _drawn(old: Sequence[Op], sketch: Sketch) -> set[Value]:
    """The constants that a sketch adds to the model, or takes over from the old operators."""
    region = set(old)
    drawn = {v for op in sketch.graph.ops for v in op.inputs if v is not None and v.has_data}
    return drawn - {
        copy for value, copy in sketch.stand_ins.items() if not value.is_read_only_by(region)
    }


def _local(ops: Sequence[Op], costs: Sequence[OpCost], constants: set[Value], arena: int) -> Cost:
    """Flash: tables of the operators, what they give and their constants, and the data."""
    inner = len(constants) + sum(len(op.outputs) for op in ops)
    tables = len(ops) * OP_FLASH_BYTES + inner * TENSOR_FLASH_BYTES
    flash = tables + sum(constant_bytes(value) for value in constants)
    moved = sum(cost.moved_bytes for cost in costs)
    return Cost(total_instructions(cost.instructions for cost in costs), flash, arena, moved)


@dataclass(frozen=True)
class FormRule(Rule):
    """A rule that writes operators in another form where that is worth it.

    The pipeline runs such rules after the others have reached a fixpoint, on what is left.
    """

    stages: ClassVar[tuple[Stage, ...]] = (Stage.FORMS,)
    worth: Worth = field(default_factory=Worth)

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The rule with what decides between forms."""
        return cls(Worth.from_config(config))

    def within(self, budget: Budget | None, book: Book) -> Self:
        """The rule with what a choice may spend, and the book that all rules share."""
        return replace(self, worth=replace(self.worth, budget=budget, book=book))

    def takes(self, op: Op, choice: Choice) -> bool:
        """Whether the form is better, or the one that the device computes right."""
        if choice.is_worth_it:
            return True
        device = self.worth.device
        routes = self.worth.route_around and is_routed_by(self.name, op, device)
        return routes and choice.hazard is None


@dataclass(frozen=True)
class Choice:
    """Two forms with their costs, and what speaks against the second whatever its cost.

    Args:
        hazard: a defect of the kernels that only the second form meets.
        over: what a balanced choice may not do, in words.
        totals: the whole model's cost with either form, None where only the forms count.
    """

    goal: Goal
    before: Cost
    after: Cost
    hazard: str | None = None
    budget: Budget | None = None
    over: Reason | None = None
    totals: tuple[Cost, Cost] | None = None

    @property
    def above(self) -> str | None:
        """The resource of which the second form takes more than it may."""
        if self.budget is None or self.totals is None:
            return None
        return self.budget.above(*self.totals)

    @property
    def relief(self) -> float:
        """By how much the user's limits are exceeded less with the second form."""
        if self.budget is None or self.totals is None:
            return 0.0
        before, after = (excess(self.budget.limits, total) for total in self.totals)
        return before - after

    @property
    def is_worth_it(self) -> bool:
        """Whether the second form is to be taken."""
        if self.hazard is not None or self.relief < 0:
            return False
        if self.relief > 0:
            return None not in (self.before.instructions, self.after.instructions)
        return self.above is None and self._is_better

    @property
    def is_refused_for_growth(self) -> bool:
        """Whether the second form is good but for what it takes more than it may."""
        good = self.hazard is None and self.relief >= 0
        return good and self.above is not None and self._is_better

    @property
    def is_good(self) -> bool:
        """Whether it is to be taken, or would be but for its growth."""
        return self.is_worth_it or self.is_refused_for_growth

    @property
    def _is_better(self) -> bool:
        return self.over is None and worth_it(self.goal, self.before, self.after, self.budget)

    @property
    def rank(self) -> tuple[float, ...]:
        """Lower is better."""
        if self.after.instructions is None or self.hazard is not None:
            return OUT
        first = (not self.is_worth_it, -self.relief)
        if self.goal is Goal.BALANCED and self.budget is not None:
            return (*first, -self.budget.gain(self.before, self.after))
        return (*first, *ranked(self.goal, self.after))

    def why_not(self, form: str) -> Reason:
        """The reason against the second form."""
        if self.hazard is not None:
            text = f"as {form} it meets a defect of the kernels, {{defect}}"
            return Why.WRONG_KERNEL(text, defect=self.hazard)
        new, old = self.after.numbers, self.before.numbers
        known = None not in (self.after.instructions, self.before.instructions)
        idle = known and all(after >= before for after, before in zip(new, old, strict=True))
        kind, said = Why.OTHER_GOAL, f"isn't better for the goal {self.goal.value}"
        extra: dict[str, Number] = {}
        if self.relief < 0:
            kind, said = Why.OVER_BUDGET, "would exceed the limits"
        elif self.above is not None:
            kind, said = Why.OVER_BUDGET, f"would take more {self.above} than the original model"
        elif self.over is not None:
            kind, said, extra = self.over.why, self.over.message, dict(self.over.numbers)
        numbers = {**_named("", self.after), **_named("now_", self.before), **extra}
        text = f"{form} {said}: {_TAKES.format('')}; now {_TAKES.format('now_')}"
        return (Why.NO_GAIN if idle else kind)(text, **numbers)


_TAKES = (
    "{{{0}instructions}} instructions, {{{0}flash_bytes:,}} bytes of flash, "
    "{{{0}arena_bytes:,}} of arena"
)


def _named(prefix: str, cost: Cost) -> dict[str, Number]:
    work = "unknown" if cost.instructions is None else f"{cost.instructions:,}"
    return {
        f"{prefix}instructions": work,
        f"{prefix}flash_bytes": cost.flash_bytes,
        f"{prefix}arena_bytes": cost.arena_bytes,
    }
