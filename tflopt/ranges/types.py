"""Which types of activations, weights and biases the sums of layers are known for."""

from __future__ import annotations

from tflopt.ir import DType, Value

BIASES = {DType.INT8: DType.INT32, DType.INT16: DType.INT64}
"""Of the bias, by the type of the activations."""


def activations_of(data: Value, weights: Value, output: Value, axis: int) -> DType | None:
    """The type of a layer's activations, INT8 or INT16; None where its sums aren't known.

    Weights are constants of int8 with zero points of zero, and one scale or one for each index of
    ``axis``. Activations of int16 have zero points of zero, too.
    """
    quants = [value.quant for value in (data, weights, output)]
    if any(quant is None or not quant.is_set for quant in quants):
        return None
    if data.dtype not in BIASES or output.dtype is not data.dtype:
        return None
    if weights.dtype is not DType.INT8 or not weights.has_data:
        return None
    if weights.extra.sparsity is not None or not _is_symmetric(weights):
        return None
    quant = weights.quant
    assert quant is not None
    along = quant.count == weights.shape[axis] and quant.quantized_dimension == axis
    if quant.count != 1 and not along:
        return None
    wide = data.dtype is DType.INT16
    return None if wide and not (_is_symmetric(data) and _is_symmetric(output)) else data.dtype


def _is_symmetric(value: Value) -> bool:
    points = None if value.quant is None else value.quant.zero_point
    return points is not None and not points.any()


def has_known_bias(bias: Value | None, activations: DType, channels: int) -> bool:
    """Whether there is no bias, or one of constants, one for each channel."""
    if bias is None:
        return True
    plain = bias.has_data and bias.extra.sparsity is None
    return plain and bias.dtype is BIASES[activations] and bias.elements == channels
