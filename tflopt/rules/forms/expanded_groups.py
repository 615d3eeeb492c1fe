"""A depthwise layer with a multiplier together with a layer with groups that reads it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tflopt.facts.convolution import Convolution, convolution
from tflopt.ir import DType
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.convolution_forms import (
    LARGEST,
    MOST_PARTS,
    as_dense,
    as_depthwise,
    conv_options,
    dense_array,
    wider,
)
from tflopt.rules.forms.split_groups import as_parts
from tflopt.search.worth import Worth


def expanded_order(conv: Convolution) -> npt.NDArray[np.int64]:
    """Which channel stands where once each multiple is a layer of its own."""
    order = np.arange(conv.output_c, dtype=np.int64).reshape(-1, conv.multiplier)
    return np.asarray(order.T.reshape(-1))


def grouped_reader(conv: Convolution) -> Convolution | None:
    """The only reader, where it is a CONV_2D with groups of several channels, constant and int8."""
    output = conv.op.output
    if output.is_graph_output or len(output.uses) != 1 or output.uses[0].position != 0:
        return None
    reader = convolution(output.users[0])
    if reader is None or reader.depth == 1 or reader.groups == 1 or not reader.is_int8:
        return None
    return reader if reader.dense_weights <= LARGEST else None


def with_reader(conv: Convolution, reader: Convolution, parts: Sketch) -> Sketch:
    """The reader without groups behind the parts of ``conv``, for their order of channels.

    Args:
        parts: the layers of ``conv`` and their CONCATENATION, which the reader joins.
    """
    data, weights = parts.results.pop(conv.op.output), dense_array(reader)
    kernel = parts.constant(weights[..., expanded_order(conv)], DType.INT8, reader.weights.quant)
    bias = reader.bias
    added = parts.constant(np.zeros(reader.output_c)) if bias is None else parts.read(bias)
    output = reader.op.output
    parts.results[output] = parts.convolution(
        [data, kernel, added], output.shape, conv_options(reader), output.quant
    )
    return parts


def apart_instructions(worth: Worth, conv: Convolution, reader: Convolution) -> int | None:
    """What both take in the fastest forms that each has by itself; None where that is unknown."""
    first = [] if conv.is_depthwise else [as_depthwise(conv)]
    first += [as_dense(conv, groups) for groups in (1, *wider(conv))]
    second = [as_dense(reader, groups) for groups in (1, *wider(reader))]
    second += [as_parts(reader)] if reader.groups <= MOST_PARTS else []
    total = 0
    for layer, forms in ((conv, first), (reader, second)):
        counts = [worth.instructions([layer.op]), *(worth.instructions(f.graph.ops) for f in forms)]
        known = [count for count in counts if count is not None]
        if not known:
            return None
        total += min(known)
    return total
