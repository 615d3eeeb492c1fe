"""Store one zero point for all channels."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from tflopt.config import Config, Runtime
from tflopt.ir import Model
from tflopt.rewrite import ModelRule, Rewriter, Stage


class ShareZeroPoints(ModelRule):
    """Store one zero point instead of equal ones for every channel (--runtime tflm only).

    Exact: TFLM repeats ``zero_point[0]`` where there are fewer zero points than scales
    (``micro_allocator.cc``). LiteRT refuses such a file.
    """

    name: ClassVar[str] = "share-zero-points"
    number: ClassVar[int] = 75
    stages: ClassVar[tuple[Stage, ...]] = (Stage.STRIP,)
    rank: ClassVar[int] = 60

    @classmethod
    def suits(cls, config: Config) -> bool:
        """LiteRT refuses such a file."""
        return config.runtime is Runtime.TFLM

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Shorten the vectors."""
        changed = 0
        for graph in model.graphs:
            for value in graph.values:
                quant = value.quant
                if quant is None or not quant.is_per_channel or quant.zero_point is None:
                    continue
                points = quant.zero_point
                if points.size > 1 and (points == points[0]).all():
                    rw.update(value, quant=replace(quant, zero_point=points[:1]))
                    changed += 1
        if changed:
            rw.note(f"one zero point for all channels of {changed} tensors")
