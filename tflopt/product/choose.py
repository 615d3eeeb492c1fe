"""The search over whole results: what comes out first, then others while something is wrong.

The forms inside of a result are chosen one by one, by estimates; here finished results, with
their plans and their bytes, are judged by what they really take. By default one is made, and
others only where it exceeds a limit of the user or, balanced, takes more than the original without
paying for it. For the least arena the goal's forms and balanced ones are planned, as an estimate
doesn't know how far outputs overlap inputs; bands are added to the better. More effort looks for
better ones in any case. The same model and settings give the same result every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from tflopt.annotation.annotate import attach, make_annotation
from tflopt.config import Config, Goal, Limits
from tflopt.io import write_bytes
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.product.settings import Settings
from tflopt.rewrite import Stage, Trace
from tflopt.rewrite.watch import Watch, verify_runs
from tflopt.rules.course import Course
from tflopt.rules.pipeline import RULES, go_on, run_pipeline
from tflopt.rules.tiling.tile_layers import FLASH_PER_RAM, TileLayers
from tflopt.search.cost import Cost
from tflopt.search.objective import excess, growths, ranked
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.hazards import find_hazards
from tflopt.target.memory import Memory, memory_of, why_no_memory
from tflopt.target.runs import find_refusals
from tflopt.texts import counted

TRIES = 8
"""Further results for each unit of effort."""
ALWAYS = 2
"""Of those, where the first result is over a limit: its goal within limits, then another goal."""
PADDING_BYTES = 64
"""A file may grow by so much without a reason: alignment, and codes that are written out."""
TIDY = {Stage.STRIP, Stage.CLEAN, Stage.STALE, Stage.PLAN, Stage.ORDER}
Progress = Callable[[str], None]
MakeDraft = Callable[[Model, bytes, "Settings", Watch], "Draft"]


@dataclass(frozen=True)
class Draft:
    """A finished result that nobody has verified: the model, its bytes, and what they take.

    ``settings`` are those that it was made with, ``course`` the way to it; ``cost`` doesn't count
    the annotation. It is the best of ``results``, and ``memory_before`` is the original's.
    """

    settings: Settings
    model: Model
    trace: Trace
    memory: Memory | None
    annotation: bytes
    annotates: bool
    data: bytes
    cost: Cost
    results: int = 1
    memory_before: Memory | None = None
    course: Course | None = None

    @property
    def whole(self) -> Cost:
        """What the user's limits are compared with: the file as it is written."""
        return replace(self.cost, flash_bytes=len(self.data))

    def is_result_of(self, settings: Settings) -> bool:
        """Whether other settings are sure to give it: they forbid growth that nobody tried."""
        config = replace(settings.config, exchange=self.settings.config.exchange)
        if replace(settings, config=config) != self.settings or self.course is None:
            return False
        return self.course.tried_no_growth


def memory_within(model: Model, settings: Settings) -> Memory | None:
    """None where the model has no arena that could be computed, unless a limit asks for it."""
    if settings.max_arena_bytes is None and why_no_memory(model):
        return None
    return memory_of(model, settings.device)


def make_draft(
    original: Model,
    data: bytes,
    settings: Settings,
    watch: Watch,
    known: Course | None = None,
) -> Draft:
    """One result.

    Args:
        known: the way to another result of this model, which isn't gone again.

    Raises:
        TfloptError: the model can't be rewritten without loss.
    """
    selection, config = settings.selection, settings.config
    course = Course.of(original, selection, config)
    begun = None if known is None else go_on(known, selection, config, watch)
    if begun is None:
        model = clone(original)
        begun = model, run_pipeline(model, selection, config, watch, course)
    model, trace = begun
    memory = memory_within(model, settings)
    annotation = b"" if memory is None else make_annotation(data, model, memory, trace.counts)
    output, annotates = _written(model, annotation, len(data), settings)
    flash = len(output) - (len(annotation) if annotates else 0)
    cost = _cost(model, memory, flash, settings)
    return Draft(settings, model, trace, memory, annotation, annotates, output, cost, course=course)


def _written(
    model: Model, annotation: bytes, source_bytes: int, settings: Settings
) -> tuple[bytes, bool]:
    """The file, and whether it carries the annotation, which may not make it larger than before.

    A plan whose overlaps not all kernels bear keeps its mark all the same: nothing else tells.
    """
    if not (annotation and settings.annotates):
        return write_bytes(model, settings.layout), False
    before = list(model.buffers), model.metadata
    attach(model, annotation)
    annotated = write_bytes(model, settings.layout)
    plan = settings.config.plan
    if len(annotated) <= source_bytes or (plan is not None and plan.trusts_some):
        return annotated, True
    model.buffers, model.metadata = before
    return write_bytes(model, settings.layout), False


def _cost(model: Model, memory: Memory | None, flash: int, settings: Settings) -> Cost:
    work = predict_model(model, settings.device).instructions
    return Cost(work, flash, 0 if memory is None else memory.arena.minimum_bytes)


def choose(
    original: Model,
    data: bytes,
    settings: Settings,
    progress: Progress,
    watch: Watch,
    make: MakeDraft = make_draft,
) -> Draft:
    """The best result that the effort allows; see the module for what is tried.

    Args:
        progress: is told in a word what is done next.
        make: makes one result.
    """
    progress("rewriting")
    free = replace(settings, config=replace(_untiled(settings.config), limits=Limits()))
    memory = memory_within(original, settings)
    judge = _Judge(original, _cost(original, memory, len(data), settings), settings)
    first = best = make(original, data, _planned_forms(original, data, free, make), watch)
    least, results = judge.key(first), 1
    for number, tried in enumerate(_variants(first, settings, judge.before), 1):
        tries = TRIES * settings.effort if number > ALWAYS else TRIES
        if (judge.is_content(least) and (best is first or number > ALWAYS)) or number > tries:
            break
        progress(f"searching: {counted(number + 1, 'result')}")
        known = first.is_result_of(tried)
        draft, results = first if known else make(original, data, tried, watch), number + 1
        key = judge.key(draft)
        if key < least:
            best, least = draft, key
    chosen = replace(settings, selection=best.settings.selection)
    return replace(best, settings=chosen, results=results, memory_before=memory)


def _planned_forms(original: Model, data: bytes, free: Settings, make: MakeDraft) -> Settings:
    """The settings with the goal whose forms have the smaller arena by their plans."""
    config = free.config
    if config.goal is not Goal.MEMORY or config.plan is None:
        return free
    goals = (config, replace(config, goal=Goal.BALANCED))
    bare = [replace(free, config=replace(variant, tiling=None)) for variant in goals]
    costs = [make(original, data, variant, verify_runs).cost for variant in bare]
    best = min((ranked(Goal.MEMORY, cost), place) for place, cost in enumerate(costs))[1]
    return replace(free, config=goals[best])


def cost_of_original(original: Model, data: bytes, settings: Settings) -> Cost:
    """What the model takes as it is."""
    return _cost(original, memory_within(original, settings), len(data), settings)


@dataclass(frozen=True)
class _Judge:
    """Compares finished results; the first part of a key is what must not be."""

    original: Model
    before: Cost
    settings: Settings

    @cached_property
    def wrong(self) -> int:
        """Layers of the original that the device computes wrongly or that TFLM doesn't run."""
        return _wrong(self.original, self.settings.device)

    def key(self, draft: Draft) -> tuple[float, ...]:
        """Lower is better: what is wrong, the user's limits, the original's size, then the goal."""
        wrong = _wrong(draft.model, self.settings.device)
        over = excess(self.settings.limits, draft.whole)
        goal = self.settings.config.goal
        if goal is Goal.BALANCED:
            return wrong, over, self._unpaid(draft, wrong), self._balance(draft.cost)
        return wrong, over, 0.0, *ranked(goal, draft.cost)

    def is_content(self, key: tuple[float, ...]) -> bool:
        """Whether nothing is wrong, and no more effort is wanted."""
        return key[1] == key[2] == 0.0 and self.settings.effort <= 1

    def _unpaid(self, draft: Draft, wrong: int) -> float:
        """How much slower than the original it is, or larger without being paid for.

        What makes a layer come out right, or run at all, may cost what it likes, and bands that
        were asked for what the user allows them: instructions, and flash where they save the
        arena for it.
        """
        if wrong < self.wrong:
            return 0.0
        cost, work = draft.cost, self.before.instructions or 0
        allowed, spare = _allowed(draft), PADDING_BYTES
        if allowed is not None:
            saved = (self.before.arena_bytes or 0) - (cost.arena_bytes or 0)
            spare += FLASH_PER_RAM * max(0, saved)
        cost = replace(cost, flash_bytes=cost.flash_bytes - spare)
        slower = max(0.0, (cost.instructions or 0) / max(work, 1) - 1 - (allowed or 0.0))
        grown = growths(self.before, self.before, cost)
        return slower + sum(growth.share for growth in grown if not growth.is_paid)

    def _balance(self, cost: Cost) -> float:
        pairs = zip(cost.numbers, self.before.numbers, (1.0, 0.1, 0.1), strict=True)
        return sum(weight * new / max(old, 1) for new, old, weight in pairs)


def _wrong(model: Model, device: Device) -> int:
    return len(find_hazards(model, device)) + len(find_refusals(model, device))


def _variants(first: Draft, settings: Settings, before: Cost) -> Iterator[Settings]:
    """Other settings that may lead to a better result, the likeliest first.

    Args:
        before: what the original takes.
    """
    limits = settings.limits
    config = replace(_untiled(settings.config), limits=limits)
    steered = replace(settings, config=config)
    if limits:
        yield steered
        for goal in _goals(config, first.whole):
            yield replace(settings, config=replace(config, goal=goal))
        if config.tiling != settings.config.tiling:
            yield settings
            yield replace(settings, config=replace(settings.config, limits=limits))
        yield _tightened(first, steered, limits)
    else:
        frugal = replace(settings, config=replace(config, exchange=False))
        yield frugal
        yield _tightened(first, frugal, Limits(before.arena_bytes, before.flash_bytes))
    counts = first.trace.counts
    asked = set() if limits or config.tiling is None else {TileLayers.name}
    for rule in RULES:
        if rule.name not in asked and counts[rule.name] and not TIDY & set(rule.stages):
            disable = {*settings.selection.disable, rule.name}
            yield replace(steered, selection=replace(settings.selection, disable=disable))


def _untiled(config: Config) -> Config:
    """Without bands that are only there to reach an arena: forms cost less time, if they do."""
    fits = config.tiling is not None and config.tiling.max_slowdown is None
    return replace(config, tiling=None) if fits else config


def _allowed(draft: Draft) -> float | None:
    """The part of the instructions that bands in a result may cost; None without such bands."""
    tiling = draft.settings.config.tiling
    if tiling is None or not draft.trace.counts[TileLayers.name]:
        return None
    return tiling.max_slowdown


def _tightened(first: Draft, steered: Settings, limits: Limits) -> Settings:
    """Steered by limits that are lower by what the first result exceeds: estimates may be short."""
    config = steered.config
    pairs = zip(
        (limits.instructions, limits.flash_bytes, limits.arena_bytes),
        first.whole.numbers,
        strict=True,
    )
    work, flash, arena = (
        None if limit is None else max(0, limit - max(0, taken - limit)) for limit, taken in pairs
    )
    return replace(steered, config=replace(config, limits=Limits(arena, flash, work)))


def _goals(config: Config, need: Cost) -> Iterator[Goal]:
    """Other goals whose results may fit: the one between, and those for what is exceeded."""
    limits = (config.limits.instructions, config.limits.flash_bytes, config.limits.arena_bytes)
    goals = (Goal.SPEED, Goal.FLASH, Goal.MEMORY)
    candidates = [Goal.BALANCED] + [
        goal
        for goal, limit, taken in zip(goals, limits, need.numbers, strict=True)
        if limit is not None and taken > limit
    ]
    yield from (goal for goal in candidates if goal is not config.goal)
