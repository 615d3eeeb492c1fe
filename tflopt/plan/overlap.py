"""Diagonal overlap: how closely a convolution's output may follow the input it consumes.

::

    address  O          I
             |==output==>........           written in raster order, granule by granule
                        |####====input====| what later windows still need: from N on
    safe iff no granule writes up to or beyond the first byte that is still needed

All CMSIS-NN kernels emit output pixels in raster order. Let W(p) be the offset of the first input
byte in the window of pixel p, and N(p) the least W from p on. A kernel writes in granules
[p0, p1). If it copies the windows of the whole granule before its first write it still needs
N(p1), else N(p0). So the least distance between input and output addresses is::

    I - O >= max over granules of p1 * output_pixel_bytes - N(p1 or p0)

It may be negative: then the output may begin above the input. The granules are facts about kernels
and differ by ISA (CMSIS-NN 4ab83cc) and between CMSIS-NN and TFLM's reference kernels, so such a
plan is right only for the kernels it was made for, or for all with the greatest distance. int8,
batch 1. What isn't listed may not overlap.

TFLM's reference kernels (tflite-micro 90b983c, ``lite/kernels/internal/reference/integer_ops``)
write element by element and copy nothing aside: a convolution or dense layer reads the whole
window for each channel (``conv.h``, ``fully_connected.h``), a depthwise layer or pooling only what
it still has to do of its input channels (``depthwise_conv.h``, ``pooling.h``). That gap is exact
to the byte: one less corrupts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tflopt.facts.windows import Axis

Array = npt.NDArray[np.int64]
_NOTHING = np.iinfo(np.int64).max
MOST_PIXELS = 1 << 19
"""Pixels of a layer that are looked at one by one; the layers of larger images don't overlap."""
MVE_DEPTHWISE_BLOCK = 124
"""Channels that arm_depthwise_conv_s8_opt processes at a time on MVE."""


@dataclass(frozen=True)
class Window:
    """The geometry of a convolution, pooling or dense layer on one image, in NHWC.

    A FULLY_CONNECTED over B rows is a 1x1 window over an image of B x 1 pixels.
    """

    h: Axis
    w: Axis
    in_c: int
    out_c: int

    @property
    def pixels(self) -> int:
        """Output pixels."""
        return self.h.out * self.w.out

    def first_byte(self, pixel: int) -> int:
        """The offset of the first input byte that the window of an output pixel reads."""
        row, column = divmod(pixel, self.w.out)
        y, x = self.h.first(row), self.w.first(column)
        return (min(y, self.h.size) * self.w.size + min(x, self.w.size - 1)) * self.in_c


@dataclass(frozen=True)
class Granules:
    """How a kernel groups output pixels: ``size`` at a time, restarting at each row if ``per_row``.

    ``buffered``: the inputs of a whole granule are copied aside before its first write.
    ``single_tail``: pixels that don't fill a granule are done one by one.
    ``sliding``: where they begin isn't known, so they begin everywhere. That holds for
    arm_convolve_1_x_n_s8 on MVE, which computes the outputs that meet padding on the left from a
    copy, then those in the middle by four, then those on the right from another copy.
    """

    size: int
    buffered: bool
    per_row: bool = False
    single_tail: bool = False
    sliding: bool = False

    def split(self, window: Window) -> tuple[Array, Array]:
        """The granules of a layer, as half-open ranges of pixels: where each begins and ends."""
        pixels = window.pixels
        if self.sliding:
            first = np.arange(pixels)
            return first, np.minimum(first + self.size, pixels)
        run = window.w.out if self.per_row else pixels
        full = run // self.size * self.size
        whole, tail = (
            np.arange(0, full, self.size),
            np.arange(full, run, 1 if self.single_tail else max(run, 1)),
        )
        first = np.concatenate([whole, tail])
        end = np.append(first[1:], run) if len(first) else first
        starts = np.arange(0, pixels, max(run, 1))[:, np.newaxis]
        return (starts + first).ravel(), (starts + end).ravel()


REFERENCE = "reference"
"""In place of an ISA: TFLM's own kernels, which are the same on all of them."""
WHOLE_WINDOW = "reads the whole window for each channel"
OWN_CHANNEL = "reads the window's part of its own input channel"


@dataclass(frozen=True)
class Kernel:
    """A CMSIS-NN function on one ISA (``scalar``, ``dsp`` or ``mve``), and the layer's groups.

    On `REFERENCE` the function is `WHOLE_WINDOW` or `OWN_CHANNEL`.
    """

    function: str
    isa: str
    groups: int = 1


def granules_of(kernel: Kernel, window: Window) -> Granules | None:
    """How ``kernel`` groups its output; None if it may not overlap or isn't known."""
    mve = kernel.isa == "mve"
    match kernel.function:
        case "arm_convolve_1x1_s8_fast":
            return _pointwise(window, mve)
        case "arm_convolve_1x1_s8":
            row = Granules(max(window.w.out, 1), buffered=False, per_row=True)
            return Granules(4, False, per_row=True, single_tail=True) if mve else row
        case "arm_convolve_s8":
            return None if kernel.groups > 1 else Granules(4 if mve else 2, buffered=True)
        case "arm_convolve_1_x_n_s8" if kernel.groups == 1:
            return Granules(4, buffered=False, sliding=True) if mve else Granules(2, buffered=True)
        case "arm_depthwise_conv_s8_opt":
            return _depthwise(window, kernel.isa)
        case "arm_depthwise_conv_3x3_s8":
            return None if mve else Granules(1, buffered=False)
        case "arm_depthwise_conv_s8" | "arm_avgpool_s8" | "arm_max_pool_s8":
            return Granules(1, buffered=False)
        case "arm_fully_connected_s8":
            return Granules(1, buffered=False)
        case "arm_depthwise_conv_to_conv_s8":  # unless it ends in a pointwise or 1xN function
            plain = window.h.size > 1 and window.h.kernel > 1
            return Granules(4, buffered=True) if mve and plain else None
    return None


def _pointwise(window: Window, mve: bool) -> Granules | None:
    """Without MVE the outer loop is over pairs of output channels: one pass for two at most."""
    if mve:
        return Granules(4, buffered=False, single_tail=True)
    return Granules(window.out_c, buffered=True) if window.out_c in (1, 2) else None


def _depthwise(window: Window, isa: str) -> Granules | None:
    """Over 124 channels MVE goes over the image again for each block of channels."""
    if isa == "mve":
        return Granules(4, buffered=True) if window.out_c <= MVE_DEPTHWISE_BLOCK else None
    return Granules(1, buffered=True) if isa == "dsp" else Granules(1, buffered=False)


@lru_cache(maxsize=4096)
def least_gap(kernel: Kernel, window: Window) -> int | None:
    """The least I - O in bytes that is safe; None if the two may not overlap at all."""
    if window.pixels > MOST_PIXELS:
        return None
    if kernel.isa == REFERENCE:
        return _reference_gap(window, kernel.function) if window.pixels else None
    granules = granules_of(kernel, window)
    if granules is None or not window.pixels:
        return None
    # After its last pixel a kernel needs nothing: such a granule asks for no distance.
    needed = np.append(_still_needed(window), _NOTHING)
    first, end = granules.split(window)
    floor = needed[end if granules.buffered else first]
    asks = floor != _NOTHING
    # With one buffered granule everything is read before the first write: any distance is safe.
    if not asks.any():
        return -window.h.size * window.w.size * window.in_c
    return int((end * window.out_c - floor)[asks].max())


def _reference_gap(window: Window, reads: str) -> int:
    """Before a pixel's last element is written its window is needed, then that of the next ones.

    Element c of pixel p is written at p * out_c + c. The one before the last of them is the worst
    that a window outlives. Where a channel needs its own input channel alone, that is the offset at
    which the last input channel begins; with several outputs each it is still needed for the last.
    """
    needed = _still_needed(window)
    ends = np.arange(1, window.pixels + 1, dtype=np.int64) * window.out_c
    gaps = [ends[:-1] - needed[1:]]
    if window.out_c > 1:
        skipped = window.in_c - 1 if reads == OWN_CHANNEL else 0
        gaps.append(ends - 1 - _first_bytes(window) - skipped)
    nothing = -window.h.size * window.w.size * window.in_c
    return max((int(gap.max()) for gap in gaps if gap.size), default=nothing)


def _still_needed(window: Window) -> Array:
    """N(p) for each pixel."""
    return np.minimum.accumulate(_first_bytes(window)[::-1])[::-1]


def _first_bytes(window: Window) -> Array:
    """W(p) for each pixel."""
    rows = np.array([window.first_byte(y * window.w.out) for y in range(window.h.out)])
    columns = np.array([window.first_byte(x) for x in range(window.w.out)])
    first: Array = (rows[:, np.newaxis] + (columns - columns[0])).ravel()
    return first


def portable_gap(gaps: Iterable[int | None]) -> int | None:
    """The gap that is right on every ISA: the greatest, or None if any forbids overlap: then no
    others are asked for."""
    greatest = None
    for gap in gaps:
        if gap is None:
            return None
        greatest = gap if greatest is None else max(greatest, gap)
    return greatest
