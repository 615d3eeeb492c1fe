"""Whether another form of some operators is worth taking: the one place that weighs resources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from tflopt.config import Config, Goal
from tflopt.facts.work import moved_bytes
from tflopt.ir import Graph, Model, Op, Value
from tflopt.plan.tflm_sizes import ARM32
from tflopt.rewrite import Reason, Rule, Stage, Why
from tflopt.rewrite.reason import Number
from tflopt.rewrite.sketch import Sketch
from tflopt.search.lives import Lives, aligned
from tflopt.target.cortex_m import Target
from tflopt.target.cost import Basis, predict_instructions
from tflopt.target.hazards import hazards_at, is_routed_by
from tflopt.target.kernels import kernel_use
from tflopt.target.memory import ONE_OF_EACH, Device

if TYPE_CHECKING:
    from typing_extensions import Self

OP_FLASH_BYTES = 40
"""An operator's table, its vectors and its options: the mean of what the writer makes of them."""
TENSOR_FLASH_BYTES = 56
"""A tensor's table with shape and quantization, of which some are shared."""
MOST_ELEMENTS = 1 << 22
"""Of a new constant: no firmware has flash for more, and a file may ask for any size."""
WEIGHTS = (1.0, 0.1, 0.1)
"""Of instructions, flash and arena: within the original's size, speed counts most."""
MARGIN = 0.03
"""By how much a form has to be faster: predictions err by some percent (docs/cost-model.md)."""

PER_MOVED_BYTE = 4
"""Instructions that a balanced form saves for each byte that it copies more: instructions are
what is predicted, and a memory slower than those measured makes copies dearer than these say."""


@dataclass(frozen=True)
class Cost:
    """What some operators take: predicted instructions, bytes of the file, bytes of the arena.

    ``instructions`` is None where an operator's cost is not known.
    """

    instructions: int | None
    flash_bytes: int
    arena_bytes: int

    @property
    def numbers(self) -> tuple[int, int, int]:
        """The three; unknown instructions count as none."""
        return self.instructions or 0, self.flash_bytes, self.arena_bytes

    def __str__(self) -> str:
        work = "unknown" if self.instructions is None else f"{self.instructions:,}"
        return (
            f"{work} instructions, {self.flash_bytes:,} bytes of flash, "
            f"{self.arena_bytes:,} of arena"
        )


@dataclass(frozen=True)
class Budget:
    """What a balanced choice may spend: never more than the original model takes.

    Args:
        original: of the whole model before any rule ran.
        flash_bytes: the limit of :func:`flash_estimate`.
        arena_bytes: the limit of :meth:`Worth.arena_estimate`.
    """

    original: Cost
    flash_bytes: int
    arena_bytes: int

    def gain(self, before: Cost, after: Cost) -> float:
        """What is gained in each resource, as parts of the original model's, by weight."""
        pairs = zip(before.numbers, after.numbers, self.original.numbers, WEIGHTS, strict=True)
        return sum(weight * (old - new) / max(whole, 1) for old, new, whole, weight in pairs)


def worth_it(goal: Goal, before: Cost, after: Cost, budget: Budget | None = None) -> bool:
    """Whether ``after`` is strictly better; never both ways round, so no two rules undo each other.

    Balanced, with a budget: it is faster by more than a prediction errs, and the gain in all
    resources together is positive. Balanced without one:
    none of the three is worse, and one is better. Else the goal's resource decides, and where it
    is equal the other two in the order instructions, arena, flash.
    """
    if before.instructions is None or after.instructions is None:
        return False
    if goal is not Goal.BALANCED:
        return _ranked(goal, after) < _ranked(goal, before)
    if budget is not None:
        faster = after.instructions <= before.instructions * (1 - MARGIN)
        return faster and budget.gain(before, after) > 0
    pairs = list(zip(before.numbers, after.numbers, strict=True))
    return all(new <= old for old, new in pairs) and any(new < old for old, new in pairs)


def _ranked(goal: Goal, cost: Cost) -> tuple[int, ...]:
    work, flash, arena = cost.numbers
    if goal is Goal.MEMORY:
        return arena, work, flash
    if goal is Goal.FLASH:
        return flash, work, arena
    return work, arena, flash


@dataclass(frozen=True)
class Worth:
    """Weighs a sketch against the operators that it would replace.

    Args:
        goal: which resource decides.
        device: the build whose kernels count.
        in_place: a plan lets views share their input's bytes.
        budget: what a balanced choice may spend, None for nothing.
        route_around: a form that the device computes right is taken whatever it costs.
    """

    goal: Goal = Goal.BALANCED
    device: Device = field(default_factory=Device)
    in_place: bool = True
    budget: Budget | None = None
    route_around: bool = True

    @classmethod
    def from_config(cls, config: Config) -> Worth:
        """As the options ask."""
        return cls(config.goal, config.device, config.in_place, route_around=config.route_around)

    def compare(self, old: Sequence[Op], sketch: Sketch) -> Choice:
        """The cost of both forms.

        The arena is that of the whole graph with either form, as far as it depends on them: the
        bytes alive at its fullest operator, and what the two forms keep in the tail.
        """
        graph = old[0].graph
        same = {copy: value for value, copy in sketch.stand_ins.items()}
        for value, result in sketch.results.items():
            known = same.get(result)
            same.update({result: value} if known is None else {value: known})
        new = sketch.graph.ops
        position = graph.ops.index(old[-1])
        rest = [op for op in graph.ops[:position] if op not in old]
        tail = [op for op in graph.ops[position:] if op not in old]
        before = self._cost(old, _owned(old, set(old)), self._peak(graph, graph.ops, {}))
        drawn = {v for op in new for v in op.inputs if v is not None and v.has_data}
        kept = {copy for value, copy in sketch.stand_ins.items() if not _only_in(value, set(old))}
        after = self._cost(new, drawn - kept, self._peak(graph, [*rest, *new, *tail], same))
        over = self._over_budget(graph, before, after) or self._moves(old, new)
        return Choice(self.goal, before, after, self._new_hazard(old, new), self.budget, over)

    def arena_estimate(self, model: Model) -> int:
        """The bytes alive at the fullest operator, and the tail: less than any real arena."""
        peaks = [self._peak(graph, graph.ops, {}) for graph in model.graphs]
        tensors = sum(len(graph.values) for graph in model.graphs)
        tail = sum(self._tail(op) for op in model.ops())
        return max(peaks, default=0) + tail + tensors * ARM32.eval_tensor

    def _over_budget(self, graph: Graph, before: Cost, after: Cost) -> Reason | None:
        """The resource of which a balanced choice would take too much, in words, or None."""
        if self.budget is None or self.goal is not Goal.BALANCED:
            return None
        flash = after.flash_bytes - before.flash_bytes
        if flash > 0 and flash_estimate(graph.model) + flash > self.budget.flash_bytes:
            return Why.OVER_BUDGET("would take more flash than the original model")
        arena = after.arena_bytes - before.arena_bytes
        if arena > 0 and self.arena_estimate(graph.model) + arena > self.budget.arena_bytes:
            return Why.OVER_BUDGET("would take more arena than the original model")
        return None

    def _moves(self, old: Sequence[Op], new: Sequence[Op]) -> Reason | None:
        """What a balanced form copies without saving much more, in words.

        A view of the output alone is no objection: mostly its reader needs none.
        """
        moved = sum(map(moved_bytes, new)) - sum(map(moved_bytes, old))
        written = sum(value.size_bytes or 0 for value in old[-1].outputs)
        if self.goal is not Goal.BALANCED or self.budget is None or moved <= written:
            return None
        saved = (self.instructions(old) or 0) - (self.instructions(new) or 0)
        if saved >= PER_MOVED_BYTE * moved:
            return None
        return Why.CHEAPER_ORDER("would move {moved:,} bytes more", moved=moved)

    def best(self, old: Sequence[Op], sketches: Sequence[Sketch]) -> tuple[Sketch, Choice]:
        """The sketch that is worth it and best for the goal, else the one that comes closest."""
        choices = [(sketch, self.compare(old, sketch)) for sketch in sketches]
        return min(choices, key=lambda pair: pair[1].rank)

    def _cost(self, ops: Sequence[Op], constants: set[Value], peak: int) -> Cost:
        tables = len(ops) * OP_FLASH_BYTES
        inner = len(constants) + sum(len(op.outputs) for op in ops)
        flash = tables + inner * TENSOR_FLASH_BYTES + sum(_flash_bytes(v) for v in constants)
        tail = sum(self._tail(op) for op in ops) + inner * ARM32.eval_tensor
        return Cost(self.instructions(ops), flash, peak + tail)

    def instructions(self, ops: Sequence[Op]) -> int | None:
        """The sum of the predictions, None where nothing is known of a kernel."""
        predictions = [predict_instructions(op, self.device) for op in ops]
        if any(each.basis is Basis.UNKNOWN for each in predictions):
            return None
        return sum(each.instructions for each in predictions)

    def _tail(self, op: Op) -> int:
        use = kernel_use(op, self.device.target, self.device.cmsis_nn)
        buffers = [use.op_data_bytes or 0, *(each.size_bytes for each in use.persistent)]
        fixed = ARM32.node_and_registration + ARM32.parameters.get(op.code, 0)
        handles = ARM32.scratch_handle * len(use.scratch_bytes or ())
        return fixed + handles + sum(aligned(size) for size in buffers)

    def _peak(self, graph: Graph, ops: Sequence[Op], same: dict[Value, Value]) -> int:
        """The most bytes that are alive at one operator: no plan of the head can be smaller."""
        scratch = [self._scratch(op) for op in ops]
        return Lives(graph, ops, same, self.in_place).peak(scratch)

    def _scratch(self, op: Op) -> int:
        use = kernel_use(op, self.device.target, self.device.cmsis_nn)
        return sum(aligned(size) for size in use.scratch_bytes or ())

    def _new_hazard(self, old: Sequence[Op], new: Sequence[Op]) -> str | None:
        """What the kernels compute wrongly in the other form only, on any core."""
        for name in ONE_OF_EACH.values():
            device = replace(self.device, target=Target.parse(name))
            known = {hazard.name for op in old for hazard in hazards_at(op, device)}
            for hazard in (hazard for op in new for hazard in hazards_at(op, device)):
                if hazard.name not in known:
                    return hazard.name
        return None


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

    def within(self, budget: Budget) -> Self:
        """The rule with what a balanced choice may spend."""
        return replace(self, worth=replace(self.worth, budget=budget))

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
    """

    goal: Goal
    before: Cost
    after: Cost
    hazard: str | None = None
    budget: Budget | None = None
    over: Reason | None = None

    @property
    def is_worth_it(self) -> bool:
        """Whether the second form is to be taken."""
        if self.hazard is not None or self.over is not None:
            return False
        return worth_it(self.goal, self.before, self.after, self.budget)

    @property
    def rank(self) -> tuple[float, ...]:
        """Lower is better."""
        if self.after.instructions is None or self.hazard is not None:
            return (2,)
        if self.goal is Goal.BALANCED and self.budget is not None:
            return (not self.is_worth_it, -self.budget.gain(self.before, self.after))
        return (not self.is_worth_it, *_ranked(self.goal, self.after))

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
        if self.over is not None:
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


def flash_estimate(model: Model) -> int:
    """Constants and tables, without names and whatever else may be dropped."""
    constants = {v for graph in model.graphs for v in graph.values if v.is_constant}
    tensors = sum(len(graph.values) for graph in model.graphs)
    ops = sum(len(graph.ops) for graph in model.graphs)
    tables = tensors * TENSOR_FLASH_BYTES + ops * OP_FLASH_BYTES
    return tables + sum(_flash_bytes(value) for value in constants)


def _owned(ops: Sequence[Op], region: set[Op]) -> set[Value]:
    """The constants that nobody else reads."""
    read = (value for op in ops for value in op.inputs)
    return {v for v in read if v is not None and v.is_constant and _only_in(v, region)}


def _only_in(value: Value, region: set[Op]) -> bool:
    return all(use.op in region for use in value.uses)


def _flash_bytes(value: Value) -> int:
    """Data and scales; zero points of weights are all zero and shared."""
    scales = 0 if value.quant is None else 4 * value.quant.count
    return (value.size_bytes or 0) + (scales if scales > 4 else 0)
