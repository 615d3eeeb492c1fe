"""Drop quantization that no kernel reads: of biases, and of constants that steer an operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tflopt.config import Config, Runtime
from tflopt.facts.operators import DENSE, facts_of
from tflopt.ir import DType, Model, Op, Use
from tflopt.rewrite import ModelRule, Rewriter, Stage

INTEGERS = frozenset({DType.INT32, DType.INT64})
RATIO_LIMIT = 0.02


@dataclass(frozen=True)
class StripUnreadQuantization(ModelRule):
    """Drop the quantization of biases and of shapes, axes and paddings: no kernel reads it.

    Exact: convolutions take the bias as it is (``PopulateConvolutionQuantizationParams``), and
    so does FULLY_CONNECTED with per-channel weights. With per-tensor weights FULLY_CONNECTED
    compares the bias scale with input scale x weight scale and refuses a model where they are
    further apart than 2 % of the output scale; without quantization the bias scale counts as 0,
    so it goes only where the product itself is within that limit. SVDF and LSTM keep theirs.

    For LiteRT the biases of int8 layers keep theirs: its default path (XNNPACK) takes a layer only
    with it, and rounds differently from the kernels that run the layer instead.
    """

    name: ClassVar[str] = "strip-unread-quantization"
    number: ClassVar[int] = 74
    stages: ClassVar[tuple[Stage, ...]] = (Stage.STRIP,)
    rank: ClassVar[int] = 50
    runtime: Runtime = Runtime.BOTH

    @classmethod
    def from_config(cls, config: Config) -> StripUnreadQuantization:
        """The rule for the runtimes that load the file."""
        return cls(config.runtime)

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Clear the quantization where every reader ignores it."""
        dropped = 0
        for graph in model.graphs:
            for value in graph.values:
                if value.quant is None or not value.is_constant or value.dtype not in INTEGERS:
                    continue
                if self.runtime is Runtime.BOTH and any(
                    is_delegated_bias(use) for use in value.uses
                ):
                    continue
                if value.uses and all(ignores_quantization(use) for use in value.uses):
                    rw.update(value, quant=None)
                    dropped += 1
        if dropped:
            rw.note(f"dropped the quantization of {dropped} constants that kernels don't read")


def is_delegated_bias(use: Use) -> bool:
    """Whether LiteRT's default path looks at the quantization of this bias (int8 layers)."""
    op = use.op
    if op is None or facts_of(op).bias != use.position:
        return False
    data = op.input(facts_of(op).data)
    return data is not None and data.dtype is DType.INT8


def ignores_quantization(use: Use) -> bool:
    """Whether this reader takes only a constant's numbers."""
    op = use.op
    if op is None:
        return False
    if use.position in facts_of(op).controls:
        return True
    if op.code in DENSE and use.position == 2:
        return _dense_bias_is_free(op)
    if facts_of(op).bias != use.position:
        return False
    data = op.input(facts_of(op).data)
    return data is not None and data.dtype in (DType.INT8, DType.INT16)


def _dense_bias_is_free(op: Op) -> bool:
    data, weights = op.input(0), op.input(1)
    if data is None or weights is None or data.dtype is not DType.INT8:
        return False
    quants = (data.quant, weights.quant, op.output.quant)
    if any(quant is None or not quant.is_set for quant in quants):
        return False
    if weights.quant is not None and weights.quant.is_per_channel:
        return True
    scales = [
        float(quant.scale[0]) for quant in quants if quant is not None and quant.scale is not None
    ]
    return len(scales) == 3 and scales[0] * scales[1] / scales[2] <= RATIO_LIMIT
