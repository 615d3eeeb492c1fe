"""What one more option would give: tried, with the numbers that come out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from tflopt.config import Config, Runtime
from tflopt.errors import TfloptError
from tflopt.io import write_bytes
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.product.budget import arena_with_overlap, least_with_overlap
from tflopt.product.choose import choose, make_draft
from tflopt.product.optimize import Result
from tflopt.product.settings import Settings
from tflopt.rewrite import Rule, Stage, Trace, Why
from tflopt.rules.pipeline import RULES, Selection, applies, run_pipeline
from tflopt.target.cost import predict_model
from tflopt.target.kernel_sets import THIS_ISA

MOST_OPERATORS = 150
"""Larger models are not tried: it takes as long as the optimization itself."""
LEAST_GAIN = 0.02
NOTABLE = 0.03
"""Of the arena or the instructions: what writing for TFLM alone has to save to be told besides."""
ARENA, FILE, INSTRUCTIONS = "arena", "file", "instructions"
FOR_TFLM, TFLM_ALONE = "for TFLM alone", "--runtime tflm"
TIDY = tuple(rule.name for rule in RULES if {Stage.STRIP, Stage.CLEAN} & set(rule.stages))


@dataclass(frozen=True)
class Effect:
    """What an option makes of a resource: bytes of arena or file, or predicted instructions."""

    resource: str
    before: int
    after: int

    @property
    def gain(self) -> float:
        """The part that it saves."""
        return 1 - self.after / max(self.before, 1)


@dataclass(frozen=True)
class Lever:
    """An option, and the resources that it lowers; ``price`` says what else changes."""

    option: str
    effects: tuple[Effect, ...]
    price: str

    @property
    def gain(self) -> float:
        """The largest part that it saves of a resource."""
        return max((effect.gain for effect in self.effects), default=0.0)


def find_levers(result: Result, settings: Settings) -> list[Lever]:
    """The option that saves the largest part of the arena or the file; none where none does.

    Options are estimated on the finished model first; that which promises most is tried from the
    original on, as the command would do it. Besides, what ``--runtime tflm`` saves of instructions
    and arena, where rules need it that LiteRT's default path doesn't bear.
    """
    if sum(1 for _ in result.original.ops()) > MOST_OPERATORS:
        return []
    trials = _Trials(result)
    alone = _alone(trials, settings)
    if alone is not None and max(_of(alone, ARENA), _of(alone, INSTRUCTIONS)) < NOTABLE:
        alone = None
    levers = [] if alone is None else [alone]
    waiting = list(_promises(trials, settings, alone))
    while waiting:
        first = max(waiting, key=lambda promise: promise.lever.gain)
        waiting.remove(first)
        if first.lever.gain < LEAST_GAIN:
            break
        if first.is_bound:
            waiting += _with_overlap(first, result.model)
            continue
        true = trials.of(first.lever.option, first.lever.price, first.settings)
        kept = () if true is None else _kept(true)
        if true is not None and kept and replace(true, effects=kept).gain >= LEAST_GAIN:
            return [replace(true, effects=kept), *levers]
    return levers


def _kept(lever: Lever) -> tuple[Effect, ...]:
    """What is told of an option: an inference may become faster by the way."""
    return tuple(effect for effect in lever.effects if effect.resource != INSTRUCTIONS)


def _of(lever: Lever, resource: str) -> float:
    return max(
        (effect.gain for effect in lever.effects if effect.resource == resource), default=0.0
    )


@dataclass(frozen=True)
class _Trials:
    """Options that were tried on what a result came from, each once: a trial takes as long as the
    result did.
    """

    result: Result
    tried: dict[str, Lever | None] = field(default_factory=dict)

    def of(self, option: str, price: str, settings: Settings) -> Lever | None:
        """What the command makes of it with ``option``, which ``settings`` have."""
        if option not in self.tried:
            self.tried[option] = _tried(option, price, self.result, settings)
        return self.tried[option]


def _alone(trials: _Trials, settings: Settings) -> Lever | None:
    """What the result would be for TFLM alone, where that lets a rule in."""
    config, result = settings.config, trials.result
    if config.runtime is not Runtime.BOTH:
        return None
    changed = replace(settings, config=replace(config, runtime=Runtime.TFLM))
    declined = any(miss.because.why is Why.LITERT for miss in result.trace.near_misses)
    if not declined and not _lets_in(result.model, config, changed):
        return None
    return trials.of(TFLM_ALONE, FOR_TFLM, changed)


def _lets_in(model: Model, config: Config, changed: Settings) -> bool:
    """Whether rules that don't run with ``config`` find anything in the finished model."""
    codes = {op.code for op in model.ops()}
    more = [
        rule.name
        for rule in RULES
        if isinstance(rule, Rule)
        and codes & rule.anchors
        and applies(rule, changed.config)
        and not applies(rule, config)
    ]
    again = _again(model, changed, tuple(more)) if more else None
    return again is not None and any(again[1].counts[name] for name in more)


@dataclass(frozen=True)
class _Promise:
    """An option with its effect on the finished model, or with a bound of it, which is cheaper."""

    lever: Lever
    settings: Settings
    is_bound: bool = False


def _promises(trials: _Trials, settings: Settings, alone: Lever | None) -> Iterator[_Promise]:
    """Each option that isn't used yet; one that was tried needs no estimate."""
    config, result = settings.config, trials.result
    memory = result.memory_after
    if memory is not None and config.plan is not None and not config.plan.trusts_some:
        changed = replace(config, plan=replace(config.plan, overlap=THIS_ISA))
        least = least_with_overlap(result.model, config)
        effect = Effect(ARENA, memory.arena.minimum_bytes, least)
        lever = Lever("--overlap", (effect,), f"for {settings.device.target} only")
        yield _Promise(lever, replace(settings, config=changed), is_bound=True)
    if config.runtime is Runtime.BOTH and alone is None:
        alike = replace(settings, config=replace(config, runtime=Runtime.TFLM))
        tried = trials.tried.get(TFLM_ALONE)
        known = None if tried is None else replace(tried, effects=_kept(tried))
        promise = known if TFLM_ALONE in trials.tried else _tidied(result, alike)
        if promise is not None:
            yield _Promise(promise, alike)


def _with_overlap(promise: _Promise, model: Model) -> list[_Promise]:
    """What a plan with overlaps saves in place of its bound; none where there is no such plan."""
    arena_bytes = arena_with_overlap(model, promise.settings.config)
    if arena_bytes is None:
        return []
    (effect,) = promise.lever.effects
    lever = replace(promise.lever, effects=(replace(effect, after=arena_bytes),))
    return [_Promise(lever, promise.settings)]


def _tidied(result: Result, settings: Settings) -> Lever | None:
    """What rules that tidy the file make of the finished model for TFLM alone."""
    again = _again(result.model, settings, TIDY)
    if again is None:
        return None
    effect = Effect(FILE, len(result.data), len(write_bytes(again[0], settings.layout)))
    return Lever(TFLM_ALONE, (effect,), FOR_TFLM)


def _again(model: Model, settings: Settings, only: tuple[str, ...]) -> tuple[Model, Trace] | None:
    """What these rules make of the finished model; None where that isn't allowed."""
    copy = clone(model)
    try:
        selection = Selection(only, settings.selection.disable)
        return copy, run_pipeline(copy, selection, settings.config)
    except TfloptError:
        return None


def _tried(option: str, price: str, result: Result, settings: Settings) -> Lever | None:
    """What the command makes of it with an option, None where that is slower or not allowed."""
    try:
        make = partial(make_draft, known=result.course)
        draft = choose(
            result.original, result.source, settings, lambda _: None, lambda _: None, make
        )
    except TfloptError:
        return None
    work = predict_model(result.model, settings.device).instructions
    cost, memory = draft.cost, result.memory_after
    if cost.instructions is None or cost.instructions > work * (1 + LEAST_GAIN):
        return None
    effects = [Effect(FILE, len(result.data), len(draft.data))]
    effects.append(Effect(INSTRUCTIONS, work, cost.instructions))
    if memory is not None and cost.arena_bytes is not None:
        effects.append(Effect(ARENA, memory.arena.minimum_bytes, cost.arena_bytes))
    better = (effect for effect in effects if effect.gain >= LEAST_GAIN)
    return Lever(option, tuple(sorted(better, key=lambda effect: -effect.gain)), price)
