"""Compute the layers that need the most memory in bands of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from tflopt.config import Config, Tiling
from tflopt.facts.banded import banded_op
from tflopt.ir import Model
from tflopt.rewrite import ModelRule, Rewriter, Stage
from tflopt.search.cost import flash_estimate
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest, why_no_memory

if TYPE_CHECKING:
    from tflopt.tiling.measure import Measure
    from tflopt.tiling.search import SearchResult
    from tflopt.tiling.segment import Segment
    from tflopt.tiling.wish import Wish

FLASH_PER_RAM = 4
"""As for a plan: a byte of RAM may cost four bytes of flash."""
FIRST_BYTES, OPERATOR_BYTES = 590, 109
"""What bands take in the file, and each operator more of them, with its tensors and their places in
the plan: the first ones bring shapes and sizes that others have as well. Of the models measured
(`benchmarks/tiling.py`), with 7 to 118 operators more, none takes over 0.2 % more than that.
"""
MOST_GROWTH, FREE_GROWTH = 0.02, 2664
"""Of the file: this part of it without bands, but so many bytes at least."""


@dataclass(frozen=True)
class TileLayers(ModelRule):
    """Compute the layers that need the most memory in bands of rows, one band after the other.

    Exact: every row is computed by the same kernel from the same rows; they are only cut
    (SPLIT_V), joined (CONCATENATION) and padded with what the layer itself pads with (PAD, or SAME
    on more rows of which the wrong ones are cut off). An input is cut once, and its pieces die one
    by one while the output grows. Rows that two bands read are computed twice or kept.

    Args:
        tiling: what is looked for, None for no bands.
    """

    name: ClassVar[str] = "tile-layers"
    number: ClassVar[int] = 68
    stages: ClassVar[tuple[Stage, ...]] = (Stage.TILE,)
    device: Device = field(default_factory=Device)
    request: PlanRequest | None = field(default_factory=PlanRequest)
    tiling: Tiling | None = None

    @classmethod
    def from_config(cls, config: Config) -> TileLayers:
        """The rule with what it needs of the options."""
        return cls(config.device, config.plan, config.tiling)

    @classmethod
    def suits(cls, config: Config) -> bool:
        """Only where bands are asked for."""
        return config.tiling is not None

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Search, and write the bands that were found."""
        tiling, request, ops = self.tiling, self.request, model.main.ops
        if tiling is None or not ops or why_no_memory(model):
            return
        from tflopt.tiling.apply import tile
        from tflopt.tiling.costs import CostBook
        from tflopt.tiling.order import calmed
        from tflopt.tiling.search import search

        reason = _refusal(model, request)
        if reason or request is None:
            rw.remark(ops[0], reason)
            return
        trial, order = calmed(model, CostBook(self.device, request))
        flash = flash_estimate(model)
        outcome = search(trial, self.device, request, tiling_wish(tiling, flash), rw.say)
        if tiling.misses(outcome.after.arena_bytes) and tiling.max_slowdown is not None:
            anyhow = Tiling(None, tiling.max_arena_bytes)
            outcome = search(trial, self.device, request, tiling_wish(anyhow, flash), rw.say)
        if not _is_worth_it(outcome, tiling):
            if outcome.why_nothing:
                rw.remark(ops[order[outcome.peak]], outcome.why_nothing)
            return
        if order != sorted(order):
            rw.update(model.main, ops=[ops[index] for index in order])
        for segment in outcome.segments:
            rw.note(_describe(model, segment))
        tile(model, outcome.segments, rw)


def tiling_wish(tiling: Tiling, flash_bytes: int) -> Callable[[Measure], Wish]:
    """What to look for, by what the model takes without bands.

    Args:
        flash_bytes: of the model without bands, which say how much the file may grow.
    """

    from tflopt.tiling.wish import Wish

    def wish(before: Measure) -> Wish:
        slower = 1 + (3.0 if tiling.max_slowdown is None else tiling.max_slowdown)
        enough = tiling.max_arena_bytes if tiling.max_slowdown is None else None
        most = max(FREE_GROWTH, int(MOST_GROWTH * flash_bytes))
        room = (most - FIRST_BYTES) // OPERATOR_BYTES
        return Wish(int(before.instructions * slower), enough, before.operators + room)

    return wish


def _refusal(model: Model, request: PlanRequest | None) -> str:
    """Why the model isn't looked at, or nothing."""
    if request is None or not request.in_place:
        return "bands need an offline plan that works in place"
    if request.pins:
        return "tensors are pinned, so nothing else is moved"
    if len(model.graphs) > 1:
        return "the model has several subgraphs"
    banded = banded_op(model)
    if banded is not None:
        return "its layers are computed in bands already; start from the original model"
    return ""


def _is_worth_it(outcome: SearchResult, tiling: Tiling) -> bool:
    saved = outcome.before.arena_bytes - outcome.after.arena_bytes
    if not outcome.segments or saved <= 0:
        return False
    more = outcome.after.operators - outcome.before.operators
    flash = FIRST_BYTES + OPERATOR_BYTES * more
    return saved * FLASH_PER_RAM >= flash or tiling.misses(outcome.before.arena_bytes)


def _describe(model: Model, segment: Segment) -> str:
    ops = model.main.ops
    ends = [ops[segment.first].opcode.label, ops[segment.last].opcode.label]
    return f"{' to '.join(dict.fromkeys(ends))}: {segment}"
