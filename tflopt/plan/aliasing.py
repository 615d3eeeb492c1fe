"""Which tensors may share bytes by where they lie in another: parts, and a PAD's input.

Which operators may write their output over an input is in :mod:`tflopt.facts.tflm`. What isn't
listed isn't proven, and stays off.
"""

from __future__ import annotations

from collections.abc import Sequence

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
