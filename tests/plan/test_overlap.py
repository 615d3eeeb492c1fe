"""The granule rules against a model of the kernels' order of reads and writes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflopt.facts.windows import Axis
from tflopt.plan.overlap import (
    OWN_CHANNEL,
    REFERENCE,
    WHOLE_WINDOW,
    Granules,
    Kernel,
    Window,
    granules_of,
    least_gap,
    portable_gap,
)

pytestmark = pytest.mark.unit


def split(granules: Granules, window: Window) -> list[tuple[int, int]]:
    first, end = granules.split(window)
    return list(zip(first.tolist(), end.tolist(), strict=True))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    dilation = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    sizes, outs, pads = [], [], []
    for k, s, d in zip(kernel, stride, dilation, strict=True):
        span = (k - 1) * d + 1
        size = draw(st.integers(1, 7))
        pad = draw(st.integers(0, span - 1))
        sizes.append(size)
        pads.append(pad)
        outs.append(max(1, (size + 2 * pad - span) // s + 1))
    in_c, out_c = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    shape = (sizes[0], sizes[1], in_c, outs[0], outs[1], out_c)
    return flat(*shape, *kernel, *stride, pads[0], pads[1], *dilation)


def flat(
    in_h: int, in_w: int, in_c: int, out_h: int, out_w: int, out_c: int, *steps: int
) -> Window:
    """Of sizes in NHWC, then kernel, stride, padding in front and dilation, two each."""
    defaults = (1, 1, 1, 1, 0, 0, 1, 1)
    kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w = (
        *steps,
        *defaults[len(steps) :],
    )
    h = Axis(in_h, kernel_h, stride_h, dilation_h, pad_h, out_h)
    w = Axis(in_w, kernel_w, stride_w, dilation_w, pad_w, out_w)
    return Window(h, w, in_c, out_c)


def _reads(window: Window, pixel: int) -> set[int]:
    row, column = divmod(pixel, window.w.out)
    found: set[int] = set()
    for i in range(window.h.kernel):
        for j in range(window.w.kernel):
            y = row * window.h.stride - window.h.before + i * window.h.dilation
            x = column * window.w.stride - window.w.before + j * window.w.dilation
            if 0 <= y < window.h.size and 0 <= x < window.w.size:
                start = (y * window.w.size + x) * window.in_c
                found.update(range(start, start + window.in_c))
    return found


def _is_safe(window: Window, granules: Granules, gap: int) -> bool:
    """Input byte ``i`` lies at address ``i + gap``, output byte ``o`` at ``o``."""
    written: set[int] = set()

    def intact(pixel: int) -> bool:
        return all(byte + gap not in written for byte in _reads(window, pixel))

    for first, end in split(granules, window):
        if granules.buffered:
            if not all(intact(pixel) for pixel in range(first, end)):
                return False
            written.update(range(first * window.out_c, end * window.out_c))
            continue
        for channel in range(window.out_c):
            if not all(intact(pixel) for pixel in range(first, end)):
                return False
            written.update(pixel * window.out_c + channel for pixel in range(first, end))
    return True


KERNELS = [
    Kernel("arm_convolve_s8", "mve"),
    Kernel("arm_convolve_s8", "dsp"),
    Kernel("arm_convolve_1x1_s8", "mve"),
    Kernel("arm_convolve_1x1_s8", "scalar"),
    Kernel("arm_depthwise_conv_s8_opt", "mve"),
    Kernel("arm_depthwise_conv_s8_opt", "dsp"),
    Kernel("arm_depthwise_conv_3x3_s8", "scalar"),
    Kernel("arm_max_pool_s8", "mve"),
    Kernel("arm_convolve_1_x_n_s8", "mve"),
]


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: f"{k.function}-{k.isa}")
@given(window=windows())
def test_the_least_gap_is_safe(kernel: Kernel, window: Window) -> None:
    granules, gap = granules_of(kernel, window), least_gap(kernel, window)
    assert granules is not None
    assert gap is not None
    for more in (0, 1, 16):
        assert _is_safe(window, granules, gap + more)


@given(window=windows())
def test_it_is_tight_for_dense_windows_that_are_copied_first(window: Window) -> None:
    kernel = Kernel("arm_convolve_s8", "dsp")
    granules, gap = granules_of(kernel, window), least_gap(kernel, window)
    assert granules is not None
    assert gap is not None
    dense = window.pixels > 2 and all(_reads(window, p) for p in range(window.pixels))
    if dense and window.h.dilation == window.w.dilation == 1 and gap > 0:
        assert not _is_safe(window, granules, gap - window.out_c)


def _bears(window: Window, reads: str, gap: int) -> bool:
    """TFLM's kernels: each element is computed from what memory then holds, and stored."""
    written: set[int] = set()
    for pixel in range(window.pixels):
        for channel in range(window.out_c):
            needed = _reads(window, pixel)
            if reads == OWN_CHANNEL:
                own = channel // (window.out_c // window.in_c)
                needed = {byte for byte in needed if byte % window.in_c == own}
            if any(byte + gap in written for byte in needed):
                return False
            written.add(pixel * window.out_c + channel)
    return True


@pytest.mark.parametrize("reads", [WHOLE_WINDOW, OWN_CHANNEL])
@given(window=windows(), multiplier=st.integers(1, 3))
def test_the_gap_of_the_reference_kernels_is_exact(
    reads: str, window: Window, multiplier: int
) -> None:
    if reads == OWN_CHANNEL:
        window = replace(window, out_c=window.in_c * multiplier)
    gap = least_gap(Kernel(reads, REFERENCE), window)
    assert gap is not None
    for more in (0, 1, 16):
        assert _bears(window, reads, gap + more)
    if all(_reads(window, pixel) for pixel in range(window.pixels)) and window.pixels > 1:
        assert not _bears(window, reads, gap - 1)


def _same(size: int, kernel: int, in_c: int, out_c: int, stride: int = 1) -> Window:
    out = -(-size // stride)
    pad = max(0, (out - 1) * stride + kernel - size) // 2
    ends = (kernel, kernel, stride, stride, pad, pad)
    return flat(size, size, in_c, out, out, out_c, *ends)


def test_published_values() -> None:
    pointwise = flat(16, 16, 32, 16, 16, 8)
    assert least_gap(Kernel("arm_convolve_1x1_s8_fast", "mve"), pointwise) == 32
    assert least_gap(Kernel("arm_convolve_1x1_s8_fast", "dsp"), pointwise) is None
    assert (least_gap(Kernel("arm_convolve_s8", "dsp"), _same(16, 3, 8, 8, 2)) or 0) <= 0


@pytest.mark.parametrize(
    ("kernel", "window"),
    [
        (Kernel("arm_convolve_s8", "mve", groups=2), _same(8, 3, 4, 4)),
        (Kernel("arm_depthwise_conv_s8_opt", "mve"), _same(8, 3, 128, 128)),
        (Kernel("arm_depthwise_conv_3x3_s8", "mve"), _same(8, 3, 4, 4)),
        (Kernel("arm_convolve_1_x_n_s8", "mve", groups=2), flat(1, 8, 4, 1, 8, 4, 1, 3)),
        (Kernel("arm_transpose_conv_s8", "dsp"), _same(8, 3, 4, 4)),
        (Kernel("arm_depthwise_conv_to_conv_s8", "mve"), flat(1, 8, 1, 1, 8, 4, 1, 3)),
    ],
)
def test_what_is_not_proven_stays_apart(kernel: Kernel, window: Window) -> None:
    assert least_gap(kernel, window) is None


def test_a_dense_layer_over_rows() -> None:
    rows = flat(4, 1, 16, 4, 1, 8)
    assert least_gap(Kernel("arm_fully_connected_s8", "dsp"), rows) == 8
    assert least_gap(Kernel("arm_fully_connected_s8", "dsp"), flat(1, 1, 64, 1, 1, 10)) == 10


def test_one_plan_for_every_isa_takes_the_greatest_gap() -> None:
    assert portable_gap([16, 48, -32]) == 48
    assert portable_gap([16, None]) is None
    assert portable_gap([]) is None


def test_granules_restart_at_each_row() -> None:
    window = flat(2, 6, 1, 2, 6, 1)
    rows = Granules(4, buffered=False, per_row=True, single_tail=True)
    assert split(rows, window) == [(0, 4), (4, 5), (5, 6), (6, 10), (10, 11), (11, 12)]
    assert split(Granules(4, buffered=True), window) == [(0, 4), (4, 8), (8, 12)]
    assert split(Granules(5, buffered=True), window) == [(0, 5), (5, 10), (10, 12)]
