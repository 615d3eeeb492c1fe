"""Which operators may write their output over an input: a table of facts, with their reasons.

Every entry holds for TFLM's reference kernels and for CMSIS-NN's alike, on every core, for
tflite-micro 90b983c and CMSIS-NN 4ab83cc; paths are relative to ``tensorflow/lite/micro`` unless
they begin with another top folder. What isn't listed isn't proven, and stays off. Known to corrupt:
MEAN, SUM and REDUCE_* (they initialise the output before they read the input), and every
operator that reads in another order than it writes (TRANSPOSE, GATHER, RESIZE, PACK, ...).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from tflopt.ir import OpCode


class Overlap(Enum):
    """How input (I) and output (O) may lie.

    ``VIEW``: O at I, and both keep the same content. ``ASCENDING``: O at or below I, as elements
    are read once, in rising order, each before the output at its index is written.
    """

    VIEW = "view"
    ASCENDING = "ascending"


@dataclass(frozen=True)
class InPlaceRule:
    """One operator kind: how it may overlap, which operands, why, and where that is seen.

    ``operands`` are input indices; an operand must have as many elements as the output (a
    broadcast one is read repeatedly). ``may_narrow`` allows output elements smaller than the
    input's; wider ones overtake the reads. ``int8_only`` restricts the proof to int8 activations.
    """

    overlap: Overlap
    operands: tuple[int, ...]
    argument: str
    source: str
    may_narrow: bool = False
    int8_only: bool = False


_LOOP = "one ascending loop over elements, each loaded before it is stored"
_VECTOR = "ascending by vectors or single elements, each loaded whole before it is stored"
_BROADCAST = "output indices ascend, and the full-shape operand is read once, just before its write"


def _unary(source: str, argument: str = _LOOP) -> InPlaceRule:
    return InPlaceRule(Overlap.ASCENDING, (0,), argument, source)


def _binary(source: str, argument: str) -> InPlaceRule:
    return InPlaceRule(Overlap.ASCENDING, (0, 1), f"{argument}; {_BROADCAST}", source)


IN_PLACE: Mapping[OpCode, InPlaceRule] = {
    OpCode.RESHAPE: InPlaceRule(
        Overlap.VIEW, (0,), "the copy is skipped if both addresses agree", "kernels/reshape.cc:44"
    ),
    OpCode.SQUEEZE: InPlaceRule(
        Overlap.VIEW, (0,), "memcpy onto itself, which changes nothing", "kernels/squeeze.cc:108"
    ),
    OpCode.EXPAND_DIMS: InPlaceRule(
        Overlap.VIEW, (0,), "an ascending loop that copies", "kernels/expand_dims.cc:112"
    ),
    OpCode.QUANTIZE: InPlaceRule(
        Overlap.ASCENDING,
        (0,),
        _LOOP,
        "lite/kernels/internal/reference/requantize.h:55",
        may_narrow=True,
    ),
    OpCode.ADD: _binary("CMSIS-NN arm_elementwise_add_s8.c:72; broadcast_loop.h:29", _VECTOR),
    OpCode.MUL: _binary("CMSIS-NN arm_elementwise_mul_s8.c; broadcast_loop.h:29", _VECTOR),
    OpCode.SUB: _binary("lite/kernels/internal/reference/sub.h:126", _LOOP),
    OpCode.MAXIMUM: _binary("CMSIS-NN arm_maximum_s8.c", _VECTOR),
    OpCode.MINIMUM: _binary("CMSIS-NN arm_minimum_s8.c", _VECTOR),
    OpCode.PRELU: InPlaceRule(Overlap.ASCENDING, (0,), _BROADCAST, "broadcast_loop.h:29"),
    OpCode.RELU: _unary("kernels/activations.h:41"),
    OpCode.RELU6: _unary("kernels/activations.h:56"),
    OpCode.LEAKY_RELU: _unary("lite/kernels/internal/reference/leaky_relu.h:56"),
    OpCode.LOGISTIC: _unary("lite/kernels/internal/reference/integer_ops/logistic.h:37"),
    OpCode.TANH: _unary("lite/kernels/internal/reference/integer_ops/tanh.h"),
    OpCode.HARD_SWISH: _unary("lite/kernels/internal/reference/hard_swish.h:68"),
    OpCode.ELU: _unary("kernels/elu.cc"),
    OpCode.ABS: _unary("kernels/elementwise.cc"),
    OpCode.NEG: _unary("kernels/neg.cc"),
    OpCode.SOFTMAX: InPlaceRule(
        Overlap.ASCENDING,
        (0,),
        "a row's maximum and sum are finished before its first write, then elements ascend",
        "CMSIS-NN arm_softmax_s8.c:94, arm_nn_softmax_common_s8.c:70",
        int8_only=True,
    ),
}

CONCATENATION_SOURCE = "lite/kernels/internal/reference/concatenation.h:63: memcpy per input"
SPLIT_SOURCE = "kernels/split.cc:56: memcpy per output"


def slice_displacements(
    part_bytes: Sequence[int], shape: Sequence[int], axis: int, alignment: int = 16
) -> list[int | None]:
    """Where each part of a CONCATENATION or SPLIT lies in the whole, None if it can't lie there.

    ``shape`` is that of the whole. It works if every dimension before ``axis`` is 1: then a part
    is one run of bytes, and the kernel's memcpy is onto itself. The runtime needs offsets that
    are multiples of ``alignment``.
    """
    axis = axis + len(shape) if axis < 0 else axis
    whole = all(size == 1 for size in shape[:axis])
    found: list[int | None] = []
    position = 0
    for size in part_bytes:
        found.append(position if whole and position % alignment == 0 else None)
        position += size
    return found


def pad_gap(
    in_shape: Sequence[int], before: Sequence[int], after: Sequence[int], element_bytes: int = 1
) -> int | None:
    """The least I - O at which an NHWC PAD of batch 1 may overlap: padding written before the end.

    Output is written in rising order, and input row by row; the last row is the tightest. None
    where channels or batch are padded. Source: CMSIS-NN ``arm_pad_s8.c:68``.
    """
    if len(in_shape) != 4 or in_shape[0] != 1 or before[0] or after[0] or before[3] or after[3]:
        return None
    _, height, width, channels = in_shape
    row = before[2] + width + after[2]
    elements = before[1] * row + (height - 1) * (before[2] + after[2]) + before[2]
    return elements * channels * element_bytes
