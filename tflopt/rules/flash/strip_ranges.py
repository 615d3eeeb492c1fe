"""Drop what calibration left in the quantization of tensors."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from tflopt.ir import Model, Quantization
from tflopt.rewrite import ModelRule, Rewriter, Stage

CUSTOM_DETAILS = 1
"""``CustomQuantization`` in the union of details; the others change how LiteRT computes."""


class StripRanges(ModelRule):
    """Drop min and max, custom details, and quantization tables that hold nothing else.

    Exact: kernels take scale and zero point; TFLM treats a table without both as absent.
    """

    name: ClassVar[str] = "strip-ranges"
    number: ClassVar[int] = 73
    stages: ClassVar[tuple[Stage, ...]] = (Stage.STRIP,)
    rank: ClassVar[int] = 40

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Clear the fields."""
        changed = 0
        for graph in model.graphs:
            for value in graph.values:
                if value.quant is None:
                    continue
                slim = slimmed(value.quant)
                if slim is not value.quant:
                    rw.update(value, quant=slim)
                    changed += 1
        if changed:
            rw.note(f"slimmed the quantization of {changed} tensors")


def slimmed(quant: Quantization) -> Quantization | None:
    """Without what nothing reads; the same object where there is nothing to drop."""
    custom = quant.details is not None and quant.details_type == CUSTOM_DETAILS
    details = quant.details is not None and not custom
    has_points = quant.zero_point is not None and quant.zero_point.size > 0
    if quant.count == 0 and not has_points and not details:
        return None
    dimension = quant.quantized_dimension if quant.is_per_channel or details else 0
    same_dimension = dimension == quant.quantized_dimension
    if quant.min is None and quant.max is None and not custom and same_dimension:
        return quant
    return replace(
        quant,
        min=None,
        max=None,
        details=None if custom else quant.details,
        details_type=0 if custom else quant.details_type,
        quantized_dimension=dimension,
    )
