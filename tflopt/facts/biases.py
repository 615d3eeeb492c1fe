"""The quantization of biases: no integer kernel reads it, LiteRT's default path asks for it.

XNNPACK takes an int8 layer only if its bias has a quantization, and rounds differently from the
kernels that run the layer otherwise. So a bias that a rule makes has one where the layer had. A
DEPTHWISE_CONV_2D without a bias ends its process (ai-edge-litert 2.3.0, signal 11), whatever its
weights: rules write none where LiteRT loads the file.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tflopt.ir import Quantization, Value

Picked = slice | npt.NDArray[np.int64] | npt.NDArray[np.bool_]


def bias_quantization(data: Value | None, weights: Value | None) -> Quantization | None:
    """Input scale x weight scales; None where one of them is missing."""
    if data is None or weights is None or data.quant is None or weights.quant is None:
        return None
    if not data.quant.count or not weights.quant.count:
        return None
    assert data.quant.scale is not None
    scale = np.asarray(data.quant.scale[0] * weights.quant.scale, dtype=np.float32)
    return Quantization(scale, np.zeros(scale.size, dtype=np.int64))


def part_of(quant: Quantization | None, picked: Picked) -> Quantization | None:
    """What is left of a bias's quantization for these of its elements."""
    if quant is None or quant.scale is None or not quant.is_per_channel:
        return quant
    scale, points = quant.scale[picked], quant.zero_point
    if points is not None and points.size == quant.scale.size:
        points = points[picked]
    return replace(quant, scale=scale, zero_point=points, min=None, max=None)
