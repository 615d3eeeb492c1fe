"""Let a bias have its weights' scales, which are in the file anyway."""

from __future__ import annotations

from typing import ClassVar

from tflopt.facts.operators import DENSE, WEIGHTED, facts_of
from tflopt.ir import DType, Model, Op, Quantization, Use, Value
from tflopt.ir.quantization import Floats
from tflopt.rewrite import ModelRule, Rewriter, Stage
from tflopt.rules.flash.strip_unread_quantization import RATIO_LIMIT, is_delegated_bias
from tflopt.texts import counted


class ShareBiasScales(ModelRule):
    """Let biases have the scales of their weights: kernels only ask whether there are as many.

    What stays of a bias's quantization (``strip-unread-quantization``) is for LiteRT's default
    path, which takes a layer where the bias has one, with one scale for each that the weights have,
    and multiplies by input, weight and output scale. Equal vectors are stored once.

    Exact: no convolution reads a bias's scale, nor does FULLY_CONNECTED with per-channel weights.
    With per-tensor weights it compares it with input scale x weight scale, in single and in double
    precision, and refuses a difference above 2 % of the output scale; there the bias keeps its own.
    """

    name: ClassVar[str] = "share-bias-scales"
    number: ClassVar[int] = 95
    stages: ClassVar[tuple[Stage, ...]] = (Stage.STRIP,)
    rank: ClassVar[int] = 62

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Give each bias whose every reader allows it the one vector that they all have."""
        shared = 0
        for graph in model.graphs:
            for value in graph.values:
                of_weights = _scale_of_weights(value)
                if of_weights is not None and of_weights != value.quant:
                    rw.update(value, quant=of_weights)
                    shared += 1
        if shared:
            rw.note(f"{counted(shared, 'bias', 'biases')} with the scales of their weights")


def _scale_of_weights(bias: Value) -> Quantization | None:
    """The quantization of all its readers' weights, along its own dimension."""
    old = bias.quant
    if old is None or not old.is_set or not bias.is_constant or bias.dtype is not DType.INT32:
        return None
    scales = [_of_weights(use, old.count) for use in bias.uses]
    first = scales[0] if scales else None
    if first is None or any(other != first for other in scales):
        return None
    return first


def _of_weights(use: Use, count: int) -> Quantization | None:
    op = use.op
    if op is None or op.code not in WEIGHTED or not is_delegated_bias(use):
        return None
    position = facts_of(op).weights
    weights = None if position is None else op.input(position)
    quant = None if weights is None else weights.quant
    if quant is None or quant.scale is None or quant.zero_point is None or quant.count != count:
        return None
    if quant.zero_point.size != count or quant.zero_point.any():
        return None
    if op.code in DENSE and not quant.is_per_channel and not _is_near(op, quant.scale):
        return None
    return Quantization(quant.scale, quant.zero_point)


def _is_near(op: Op, scale: Floats) -> bool:
    """Whether FULLY_CONNECTED takes this scale of its bias."""
    data, result = op.input(0), op.output.quant
    if data is None or data.quant is None or data.quant.count != 1:
        return False
    if result is None or result.count != 1:
        return False
    source, target = data.quant.scales[0], float(result.scales[0])
    products = (float(source * scale[0]), float(source) * float(scale[0]))
    return all(abs(one - float(scale[0])) / target <= RATIO_LIMIT for one in products)
