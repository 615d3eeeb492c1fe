"""How far apart input and output must lie where an operator moves elements: plain numbers.

::

    address  O          I
             |==output==>........           written in rising order
                        |####input####|     what is still read: from N on

Which operators may write over an input element by element is in :mod:`tflopt.facts.tflm`. What
isn't listed isn't proven, and stays off. All distances are those of TFLM's reference kernels and
CMSIS-NN's alike; the sources are of tflite-micro 90b983c, relative to ``tensorflow/lite/micro``
unless they begin with another top folder.

A kernel that copies by ``memcpy`` may meet ranges that are the same, or whose source lies above:
then each byte is read before it is overwritten by a copy that goes upwards, as those of newlib,
glibc and CMSIS-NN do. PAD relies on that; all others that use it keep a copy and its source apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt

CONCATENATION_SOURCE = "lite/kernels/internal/reference/concatenation.h:63: memcpy per input"
SPLIT_SOURCE = "kernels/split.cc:56: an ascending loop per output"
PACK_SOURCE = "kernels/pack.cc:60: an ascending loop per input, all of it before the next"
UNPACK_SOURCE = "kernels/unpack.cc:60: an ascending loop per output, all of it before the next"
SLICE_SOURCE = "lite/kernels/internal/reference/slice.h: one element read, one written, ascending"
STRIDED_SOURCE = "lite/kernels/internal/reference/strided_slice.h: memcpy per run, ascending"
PAD_SOURCE = "arm_pad_s8.c:68, lite/kernels/internal/reference/pad.h: both sides ascend"
NEAREST_SOURCE = "lite/kernels/internal/reference/resize_nearest_neighbor.h: memcpy per pixel"
BILINEAR_SOURCE = "lite/kernels/internal/reference/resize_bilinear.h: ascending by element"
TRANSPOSE_SOURCE = "axes of one element move: each element is written where it was read"

Array = npt.NDArray[np.int64]


def slice_displacements(
    part_bytes: Sequence[int], shape: Sequence[int], axis: int, alignment: int = 16
) -> list[int | None]:
    """Where each part of a CONCATENATION or SPLIT lies in the whole, None if it can't lie there.

    ``shape`` is that of the whole. It works if every dimension before ``axis`` is 1: then a part
    is one run of bytes, and the kernel's copy is onto itself. The runtime needs offsets that
    are multiples of ``alignment``.
    """
    axis = axis + len(shape) if axis < 0 else axis
    whole = all(size == 1 for size in shape[:axis])
    displacements: list[int | None] = []
    position = 0
    for size in part_bytes:
        displacements.append(position if whole and position % alignment == 0 else None)
        position += size
    return displacements


def reading_gap(reads: Array) -> int:
    """The least I - O in elements, where element ``d`` of the output is copied from ``reads[d]``.

    Output is written in rising order, each element after its own is read. Before ``d`` is written
    all that is read later must lie at or above the end of what was written.
    """
    later = np.minimum.accumulate(reads[::-1])[::-1][1:]
    if not later.size:
        return -int(reads.max(initial=0))
    return int((np.arange(1, reads.size) - later).max())


def pad_gap(in_shape: Sequence[int], before: Sequence[int], after: Sequence[int]) -> int | None:
    """The least I - O in elements at which a PAD may overlap: padding written before the end.

    Output is written in rising order and input read in rising order, so the last element is the
    tightest: what comes before it in the output must not reach it. None for an empty input.
    """
    if not prod(in_shape):
        return None
    place = 0
    for size, first, last in zip(in_shape, before, after, strict=True):
        place = place * (first + size + last) + first + size - 1
    return place - (prod(in_shape) - 1)


def join_gaps(part_bytes: Sequence[int], outer: int) -> list[int]:
    """The least I - O of each part of a CONCATENATION that is joined ``outer`` times.

    The parts take turns. Part ``i`` begins ``p`` bytes into each turn of ``t`` bytes and has ``s``:
    before its last turn ``(outer - 1) * t + p`` bytes are written, and ``(outer - 1) * s`` of it
    are read. ``s`` more, and no copy meets its own source.
    """
    turn, place, gaps = sum(part_bytes) // outer, 0, []
    for size in (total // outer for total in part_bytes):
        gaps.append((outer - 1) * (turn - size) + place + size)
        place += size
    return gaps


def split_gaps(part_bytes: Sequence[int], outer: int) -> list[int]:
    """The least I - O of each part of a SPLIT: it begins no later than what it is copied from."""
    places = np.cumsum([0, *(total // outer for total in part_bytes)])[:-1]
    return [-int(place) for place in places]


def pack_gaps(part_bytes: int, count: int, outer: int) -> list[int]:
    """The least I - O of each input of a PACK, all of ``part_bytes``, written one after another.

    Before input ``i`` is read those before it are written, up to the last place of ``i - 1``.
    """
    size = part_bytes // outer
    last_turn = (outer - 1) * count * size
    own = last_turn - (outer - 1) * size
    return [own, *(last_turn + index * size for index in range(1, count))]


def unpack_gaps(part_bytes: int, count: int, outer: int) -> list[int]:
    """The least I - O of each output of an UNPACK, all of ``part_bytes``, written one by one.

    A part that is followed by others must end before the first of what they read; the last one
    begins no later than what it is copied from. With one turn the two are the same.
    """
    size = part_bytes // outer
    ends = [(index + 1) * size - part_bytes for index in range(count - 1)]
    return [-place for place in (*ends, (count - 1) * size)]


def widening_gap(elements: int, in_bytes: int, out_bytes: int) -> int:
    """The least I - O of one ascending loop whose elements may be of another size than it reads.

    Wider ones: before the last element is read, all but one are written. Narrower ones: the first
    is written before the second is read.
    """
    wider = out_bytes - in_bytes
    return wider * (elements - 1) if wider > 0 else wider


def nearest_gap(reads: Array, pixel_bytes: int, alignment: int = 16) -> int:
    """The least I - O of a RESIZE_NEAREST_NEIGHBOR: ``reads`` are pixels, each copied whole.

    Where distances are no multiples of a pixel it keeps one pixel more, so that no copy meets a
    part of its source.
    """
    apart = pixel_bytes if alignment % pixel_bytes else 0
    return reading_gap(reads) * pixel_bytes + apart


def bilinear_gap(first_reads: Array, channels: int) -> int:
    """The least I - O in elements of a RESIZE_BILINEAR, by the first pixel that each one reads.

    It goes through the channels of a pixel one by one and reads its pixels again for each.
    """
    own = int((np.arange(first_reads.size) - first_reads).max(initial=0)) if channels > 1 else None
    later = reading_gap(first_reads)
    return (later if own is None else max(own, later)) * channels
