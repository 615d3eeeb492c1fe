"""What one more option would give: tried, with the numbers that come out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tflopt.config import Runtime
from tflopt.errors import TfloptError
from tflopt.io import write_bytes
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.product.budget import arena_with_overlap
from tflopt.product.choose import choose
from tflopt.product.optimize import Result
from tflopt.product.settings import Settings
from tflopt.rewrite import Stage
from tflopt.rules.pipeline import RULES, Selection, run_pipeline
from tflopt.target.cost import predict_model
from tflopt.target.kernel_sets import THIS_ISA

MOST_OPERATORS = 100
"""Larger models are not tried: it takes as long as the optimization itself."""
LEAST_GAIN = 0.02
ARENA, FILE = "arena", "file"
TIDY = tuple(rule.name for rule in RULES if {Stage.STRIP, Stage.CLEAN} & set(rule.stages))


@dataclass(frozen=True)
class Lever:
    """An option, and the bytes of the resource that it lowers; ``price`` says what else changes."""

    option: str
    resource: str
    before: int
    after: int
    price: str

    @property
    def gain(self) -> float:
        """The part that it saves."""
        return 1 - self.after / max(self.before, 1)


def find_lever(result: Result, settings: Settings) -> Lever | None:
    """The option that saves the largest part of the arena or the file; None where none does.

    Options are estimated on the finished model first; that which promises most is tried from the
    original on, as the command would do it.
    """
    if sum(1 for _ in result.original.ops()) > MOST_OPERATORS:
        return None
    promised = sorted(_promises(result, settings), key=lambda each: -each[0].gain)
    for lever, tried in promised:
        if lever.gain < LEAST_GAIN:
            break
        true = _true(lever, result, tried)
        if true is not None and true.gain >= LEAST_GAIN:
            return true
    return None


def _promises(result: Result, settings: Settings) -> Iterator[tuple[Lever, Settings]]:
    """Each option that isn't used yet with its effect on the finished model."""
    config, model = settings.config, result.model
    memory = result.memory_after
    if memory is not None and config.plan is not None and not config.plan.trusts_some:
        plan = replace(config.plan, overlap=THIS_ISA)
        wanted = replace(settings, config=replace(config, plan=plan))
        found = arena_with_overlap(model, config)
        if found is not None:
            sizes = memory.arena.minimum_bytes, found
            core = f"for {settings.device.target} only"
            yield Lever("--overlap", ARENA, *sizes, core), wanted
    if config.runtime is Runtime.BOTH:
        wanted = replace(settings, config=replace(config, runtime=Runtime.TFLM))
        again = _again(model, wanted, TIDY)
        if again is not None:
            sizes = len(result.data), len(write_bytes(again, settings.layout))
            yield Lever("--runtime tflm", FILE, *sizes, "for TFLM alone"), wanted


def _again(model: Model, settings: Settings, only: tuple[str, ...]) -> Model | None:
    copy = clone(model)
    try:
        run_pipeline(copy, Selection(only, settings.selection.disable), settings.config)
    except TfloptError:
        return None
    return copy


def _true(lever: Lever, result: Result, settings: Settings) -> Lever | None:
    """The lever with what the command makes of it, None where that is slower or not allowed."""
    try:
        draft = choose(result.original, result.source, settings, lambda _: None, lambda _: None)
    except TfloptError:
        return None
    work = predict_model(result.model, settings.device).instructions
    if draft.cost.instructions is None or draft.cost.instructions > work * (1 + LEAST_GAIN):
        return None
    after = len(draft.data) if lever.resource == FILE else draft.cost.arena_bytes
    return None if after is None else replace(lever, after=after)
