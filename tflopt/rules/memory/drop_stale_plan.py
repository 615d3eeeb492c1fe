"""Drop an offline memory plan, and an annotation, that no longer fit the model."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.offline_plan import PLAN_NAME
from tflopt.ir import Model
from tflopt.rewrite import ModelRule, Rewriter, Stage
from tflopt.target.annotation import METADATA_NAME

STALE = frozenset({PLAN_NAME, METADATA_NAME})


class DropStalePlan(ModelRule):
    """Drop an offline memory plan and tflopt's annotation once rules have changed the model.

    Exact: TFLM then plans online. The plan holds one offset for each tensor by its index, and
    the runtime checks neither overlap nor meaning.
    """

    name: ClassVar[str] = "drop-stale-plan"
    number: ClassVar[int] = 69
    stages: ClassVar[tuple[Stage, ...]] = (Stage.STALE,)

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Remove the metadata entry."""
        kept = [entry for entry in model.metadata or () if entry.name not in STALE]
        if model.metadata is not None and len(kept) < len(model.metadata):
            rw.keep_metadata(kept, "it was made for the model before these changes")
