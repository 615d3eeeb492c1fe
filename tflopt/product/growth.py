"""Why a result takes more than its original: nothing grows without a reason that is told."""

from __future__ import annotations

from tflopt.errors import printable
from tflopt.facts.large import MANY
from tflopt.ir import Model
from tflopt.plan.describe import plan_bytes
from tflopt.product.facts import model_facts
from tflopt.product.optimize import Result, Settings
from tflopt.product.trades import Costs, costs, trade_notes, trades
from tflopt.rewrite import Stage, Trace
from tflopt.rules.pipeline import RULES
from tflopt.target.memory import Memory
from tflopt.target.runs import find_refusals
from tflopt.texts import counted

BESIDE = (
    "tflopt's annotation ({:,} bytes) would make the file larger than the original: it is in a "
    "file of its own beside the model, which ends in .tflopt."
)
TIDY = {Stage.STRIP, Stage.CLEAN, Stage.STALE, Stage.PLAN, Stage.ORDER}
MOST_NAMES = 4
LEAST_SHARE = 0.001
"""Of the original's predicted instructions; a smaller growth isn't told."""


def size_notes(result: Result, settings: Settings) -> list[str]:
    """What a user should know of sizes: where the annotation is, trades, and what grew and why."""
    beside = result.annotation and settings.annotates and not result.annotates
    moved = [BESIDE.format(len(result.annotation))] if beside else []
    known = costs(result, settings)
    told = [*trade_notes(result, settings, known), *growth_notes(result, settings, known)]
    return [*moved, *effort_notes(result.trace), *unknown_notes(result.memory_after), *told]


def effort_notes(trace: Trace) -> list[str]:
    """Where the graph was too large to be looked at from all sides."""
    if not trace.many:
        return []
    return [
        f"a graph of {trace.many:,} operators, more than {MANY:,}: tensors keep the order of their "
        "axes, values are followed through the first operators only, and other forms are taken "
        "only where they cost nothing."
    ]


def unknown_notes(memory: Memory | None) -> list[str]:
    """Where the arena is larger than every number that is stated of it."""
    if memory is None or not memory.unknown:
        return []
    names = ", ".join(map(printable, memory.unknown))
    return [f"the arena is unknown: more than is stated by what {names} needs."]


def growth_notes(result: Result, settings: Settings, known: Costs | None = None) -> list[str]:
    """A line for each resource that grew and that no trade tells of.

    Args:
        known: what :func:`~tflopt.product.trades.costs` says of the result, to not ask it again.
    """
    known = known or costs(result, settings)
    told = {growth.resource for growth in trades(result, settings, known)}
    notes = []
    grown = len(result.data) - len(result.source)
    if grown > 0 and "flash" not in told:
        notes.append(_said("file", grown, _file_reasons(result, settings)))
    if result.memory_before is not None and result.memory_after is not None:
        old, new = result.memory_before.arena, result.memory_after.arena
        grown = new.minimum_bytes - old.minimum_bytes
        if grown > 0 and "arena" not in told:
            notes.append(_said("arena", grown, _arena_reasons(result, settings)))
    return [*notes, *_instruction_notes(result, settings, known)]


def _instruction_notes(result: Result, settings: Settings, known: Costs) -> list[str]:
    old, new = (cost.instructions or 0 for cost in known)
    if new - old <= LEAST_SHARE * old:
        return []
    why = _why(result, settings) or f", for --goal {settings.config.goal.value}"
    share = f"{100 * (new - old) / old:+.1f} %" if old else f"{new:,}"
    return [
        f"an inference takes {counted(new - old, 'predicted instruction')} more than the "
        f"original's ({share}): {_forms(result)}{why}."
    ]


def _said(what: str, grown: int, reasons: list[str]) -> str:
    return f"the {what} takes {grown:,} bytes more than the original's: {'; '.join(reasons)}."


def _file_reasons(result: Result, settings: Settings) -> list[str]:
    reasons = []
    plan = _plan_size(result.model) - _plan_size(result.original)
    if plan > 0:
        reasons.append(f"{plan:,} are the memory plan{_saving(result)}")
    if result.annotates:
        mark = (
            " with which only the firmware knows the plan's core"
            if _is_overlapped(settings)
            else ""
        )
        reasons.append(f"{len(result.annotation):,} are tflopt's annotation{mark}")
    before, after = (
        model_facts(model, 0).constant_bytes - _extras(model, result)
        for model in (result.original, result.model)
    )
    if after > before:
        reasons.append(
            f"{after - before:,} are constants of {_forms(result)}{_why(result, settings)}"
        )
    aligned = settings.layout.data_alignment
    told = f"tables, and data aligned to {aligned} bytes" if aligned else "tables and alignment"
    return reasons or [told]


def _arena_reasons(result: Result, settings: Settings) -> list[str]:
    if _plan_size(result.original) and not _plan_size(result.model):
        return ["the original's memory plan fits neither other tensors nor another core: dropped"]
    return [f"{_forms(result)} need more while they run{_why(result, settings)}"]


def _forms(result: Result) -> str:
    """The rules that fired and change what is computed, not how it is stored."""
    counts = result.trace.counts
    names = [rule.name for rule in RULES if counts[rule.name] and not TIDY & set(rule.stages)]
    if not names:
        return "the operators that are left"
    more = (
        f" and {counted(len(names) - MOST_NAMES, 'more rule')}" if len(names) > MOST_NAMES else ""
    )
    return ", ".join(names[:MOST_NAMES]) + more


def _why(result: Result, settings: Settings) -> str:
    """What a result got for them."""
    if len(result.hazards) > len(result.hazards_left):
        return ", so that the device computes each layer rightly"
    models = (result.original, result.model)
    old, new = (len(find_refusals(model, settings.device)) for model in models)
    if old > new:
        return ", so that TFLM runs the model"
    return ""


def _saving(result: Result) -> str:
    if result.memory_before is None or result.memory_after is None:
        return ""
    old, new = result.memory_before.arena.minimum_bytes, result.memory_after.arena.minimum_bytes
    return f", with which the arena takes {old - new:,} less" if new < old else ""


def _is_overlapped(settings: Settings) -> bool:
    return settings.config.plan is not None and settings.config.plan.trusts_some


def _plan_size(model: Model) -> int:
    return len(plan_bytes(model) or b"")


def _extras(model: Model, result: Result) -> int:
    """Buffers that hold no constants of operators."""
    annotated = model is result.model and result.annotates
    return _plan_size(model) + (len(result.annotation) if annotated else 0)
