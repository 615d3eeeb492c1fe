"""What a whole result costs, and where it takes more than the original for being faster."""

from __future__ import annotations

from tflopt.config import Goal
from tflopt.product.optimize import Result, Settings
from tflopt.search.cost import Cost
from tflopt.search.objective import Growth, growths
from tflopt.target.cost import predict_model

Costs = tuple[Cost, Cost]
"""Of the original and of the result."""
OPTIONS = {"arena": "--max-arena", "flash": "--max-flash"}


def costs(result: Result, settings: Settings) -> Costs:
    """The original and the result, without the annotation, which is no form's price."""
    device = settings.device
    memories = (result.memory_before, result.memory_after)
    before, after = (0 if memory is None else memory.arena.minimum_bytes for memory in memories)
    annotation = len(result.annotation) if result.annotates else 0
    return (
        Cost(predict_model(result.original, device).instructions, len(result.source), before),
        Cost(
            predict_model(result.model, device).instructions, len(result.data) - annotation, after
        ),
    )


def trades(result: Result, settings: Settings, known: Costs | None = None) -> list[Growth]:
    """Each resource of which a balanced result takes more, for fewer instructions.

    Args:
        known: what :func:`costs` says of the result, to not ask it again.
    """
    if settings.config.goal is not Goal.BALANCED:
        return []
    before, after = known or costs(result, settings)
    return [growth for growth in growths(before, before, after) if growth.saved_share > 0]


def trade_notes(result: Result, settings: Settings, known: Costs | None = None) -> list[str]:
    """One line for each of them."""
    return [_said(growth) for growth in trades(result, settings, known)]


def _said(growth: Growth) -> str:
    what = "arena" if growth.resource == "arena" else "file"
    return (
        f"the {what} takes {growth.grown_bytes:,} bytes more than the original's "
        f"({100 * growth.share:+.1f} %) for {100 * growth.saved_share:.1f} % fewer instructions; "
        f"{OPTIONS[growth.resource]} {growth.original_bytes} refuses it."
    )
