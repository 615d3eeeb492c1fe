"""What to remove so that nothing gets worse: fewer channels may take a kernel off its fast path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tflopt.config import Goal
from tflopt.facts.convolution import convolution
from tflopt.ir import Model, Op
from tflopt.ir.clone import clone
from tflopt.ranges import ranges_of
from tflopt.rewrite import Reason, Rewriter, Why
from tflopt.rules.channels.plan import Plan
from tflopt.rules.channels.remove import carry_out, plan_of
from tflopt.rules.forms.convolution_forms import as_depthwise
from tflopt.search.book import Book, Page
from tflopt.search.cost import Cost, flash_estimate
from tflopt.search.objective import Budget
from tflopt.search.worth import Worth
from tflopt.target.hazards import hazards_at
from tflopt.target.kernel_sets import CMSIS_NN_SETS, on
from tflopt.target.kernels import kernel_use

ROUNDS = 6
"""Operators that lose by it are spared in the next round; if that doesn't help, all are."""
SPEEDS = frozenset({Goal.BALANCED, Goal.SPEED})
ZERO_POINT_BYTES = 8
Pairs = Sequence[tuple[Op, Op]]


@dataclass(frozen=True)
class Choice:
    """What to remove, and the operators that keep all channels of what they read and produce."""

    plan: Plan | None
    spared: dict[Op, Reason] = field(default_factory=dict)


def choose(model: Model, index: int, worth: Worth, *, shared_zeros: bool = True) -> Choice:
    """All that can go of a graph and doesn't make a resource that counts worse.

    Args:
        shared_zeros: the file has a vector of zero points for each length of per-channel scales,
            as LiteRT demands it.
    """
    graph, before = model.graphs[index], _Weighed(model, worth)
    ranges, spared = ranges_of(graph), dict[Op, Reason]()
    for _ in range(ROUNDS):
        plan = plan_of(graph, ranges, spared)
        if plan is None:
            return Choice(None, spared)
        trial = clone(model)
        copy = trial.graphs[index]
        carry_out(plan.on(copy), copy, Rewriter(trial))
        pairs = list(zip(graph.ops, copy.ops, strict=True))
        after = _Weighed(trial, worth)
        culprits = _culprits(pairs, (before, after), _grows(before, after))
        if culprits is None and shared_zeros and _is_too_dear(before, after):
            culprits = _wasteful(model, pairs)
        if culprits is None:
            return Choice(plan, spared)
        if not culprits.keys() - spared.keys():
            break
        spared.update(culprits)
    return Choice(None, spared)


@dataclass(frozen=True, eq=False)
class _Weighed:
    """A model and what it takes, looked at once."""

    model: Model
    worth: Worth

    @cached_property
    def page(self) -> Page:
        """What its operators cost."""
        return Book().page(self.model, self.worth.device, self.worth.sharing)

    @cached_property
    def arena_bytes(self) -> int:
        """As far as operators decide it."""
        return self.page.total.arena_bytes

    @cached_property
    def work(self) -> dict[Op, int | None]:
        """The instructions of each operator, None where nothing is known of its kernel."""
        pages = self.page.graphs.values()
        counts = {op: cost.instructions for page in pages for op, cost in page.costs.items()}
        return {op: self._least(op, count) for op, count in counts.items()}

    def _least(self, op: Op, count: int | None) -> int | None:
        """As it is, or as it will be: a group for each channel runs as a depthwise layer later."""
        conv = convolution(op)
        if count is None or conv is None or conv.is_depthwise or conv.is_dense:
            return count
        if conv.groups != conv.input_c:
            return count
        other = self.worth.instructions(as_depthwise(conv).graph.ops) if conv.is_int8 else None
        return count if other is None else min(count, other)

    @cached_property
    def cost(self) -> Cost:
        """With the zero points that the file keeps for LiteRT."""
        zeros = ZERO_POINT_BYTES * sum(_lengths(self.model))
        flash = flash_estimate(self.model) + zeros
        return Cost(sum(count or 0 for count in self.work.values()), flash, self.arena_bytes)

    def gain(self, after: _Weighed) -> float:
        """What another one gains in all resources together."""
        return Budget(self.cost, 0, 0).gain(self.cost, after.cost)


def _grows(before: _Weighed, after: _Weighed) -> bool:
    """Whether the arena gets larger, by more than the rest gains where all resources count."""
    if after.arena_bytes <= before.arena_bytes:
        return False
    return before.worth.goal is not Goal.BALANCED or before.gain(after) <= 0


def _culprits(
    pairs: Pairs, weighed: tuple[_Weighed, _Weighed], grows: bool
) -> dict[Op, Reason] | None:
    """The operators that are to blame, with reasons; None where nothing is worse."""
    before, after = weighed
    worth = before.worth
    culprits = {old: reason for old, new in pairs if (reason := _defect(old, new, worth))}
    rises = {old: _rise(before.work[old], after.work[new]) for old, new in pairs}
    if worth.goal in SPEEDS and sum(rises.values()) > 0:
        slower = [old for old, rise in rises.items() if rise > 0]
        culprits.update(
            dict.fromkeys(slower, Why.NO_GAIN("with fewer channels its kernel is slower"))
        )
    if worth.goal is not Goal.SPEED and grows:
        larger = [old for old, new in pairs if _scratch(new, worth) > _scratch(old, worth)]
        culprits.update(
            dict.fromkeys(larger, Why.NO_GAIN("with fewer channels it takes more scratch"))
        )
        return culprits
    return culprits or None


def _rise(before: int | None, after: int | None) -> int:
    """By how many instructions a layer gets slower."""
    return 0 if before is None or after is None else after - before


def _scratch(op: Op, worth: Worth) -> int:
    use = kernel_use(op, worth.device)
    return sum(use.scratch_bytes or ())


def _defect(old: Op, new: Op, worth: Worth) -> Reason | None:
    """What the kernels compute wrongly only with fewer channels, on any core."""
    for kernels in CMSIS_NN_SETS:
        device = on(worth.device, kernels)
        known = {hazard.name for hazard in hazards_at(old, device)}
        for hazard in hazards_at(new, device):
            if hazard.name not in known:
                text = "with fewer channels it meets a defect of the kernels, {defect}"
                return Why.WRONG_KERNEL(text, defect=hazard.name)
    return None


def _is_too_dear(before: _Weighed, after: _Weighed) -> bool:
    """Whether the file grows by more than the rest gains: zero points of new lengths take room."""
    goal = before.worth.goal
    if goal not in (Goal.BALANCED, Goal.FLASH) or (
        after.cost.flash_bytes <= before.cost.flash_bytes
    ):
        return False
    return goal is Goal.FLASH or before.gain(after) <= 0


def _wasteful(model: Model, pairs: Pairs) -> dict[Op, Reason] | None:
    """The layers whose new width needs the most zero points for the bytes that they save."""
    old = _lengths(model)
    layers: dict[int, list[tuple[Op, Op]]] = {}
    for one, two in pairs:
        for length in _lengths_of(two) - old:
            layers.setdefault(length, []).append((one, two))
    worst = max(layers, key=lambda n: ZERO_POINT_BYTES * n - sum(map(_saved, layers[n])), default=0)
    text = "with fewer channels the zero points of its weights take more than is saved"
    return dict.fromkeys((one for one, _ in layers.get(worst, ())), Why.NO_GAIN(text)) or None


def _lengths(model: Model) -> set[int]:
    """The different numbers of per-channel scales, each with a vector of zero points."""
    return {length for op in model.ops() for length in _lengths_of(op)}


def _lengths_of(op: Op) -> set[int]:
    quants = [value.quant for value in op.inputs if value is not None and value.is_constant]
    return {quant.count for quant in quants if quant is not None and quant.is_per_channel}


def _saved(pair: tuple[Op, Op]) -> int:
    """Bytes of constants, of the layer and of those that read it."""
    one, two = pair
    layers = zip((one, *one.output.users), (two, *two.output.users), strict=True)
    return sum(_constant_bytes(old) - _constant_bytes(new) for old, new in layers)


def _constant_bytes(op: Op) -> int:
    constants = [value for value in op.inputs if value is not None and value.is_constant]
    return sum(value.size_bytes or 0 for value in constants)
