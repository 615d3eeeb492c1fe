"""Windows that slide over height and width: what convolutions and pooling read, and pad."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tflopt.ir import Op, Padding, Value
from tflopt.ir.options import Conv2DOptions, DepthwiseConv2DOptions, Pool2DOptions

RANK = 4
"""Of an image, with its batch and its channels."""
HEIGHT, WIDTH = 1, 2
SPATIAL = (HEIGHT, WIDTH)


@dataclass(frozen=True)
class Axis:
    """One axis of an NHWC window.

    Output ``o`` reads ``span`` elements of the input from ``o * stride - before`` on, every
    ``dilation``-th of them.
    """

    size: int
    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    before: int = 0
    out: int = 0

    @property
    def span(self) -> int:
        """Elements from the first tap to the last."""
        return span_of(self.kernel, self.dilation)

    @property
    def taps(self) -> int:
        """Outputs times taps."""
        return self.out * self.kernel

    @property
    def valid_taps(self) -> int:
        """Those that read the input and not the padding."""
        return self._taps_below(self.size) - self._taps_below(0)

    def _taps_below(self, end: int) -> int:
        """Taps of all outputs that read an element in front of ``end``.

        In the logarithm of their number: a file may declare any.
        """
        room = end - 1 + self.before
        whole = min(max(0, (room - self.span + 1) // self.stride + 1), self.out)
        some = min(max(whole, room // self.stride + 1), self.out)
        count, least = some - whole, room - (some - 1) * self.stride
        return whole * self.kernel + count + floor_sum(count, self.dilation, self.stride, least)

    def valid_taps_at(self, output: int) -> int:
        """Taps of one output that read the input."""
        start = output * self.stride - self.before
        first = max(0, -(start // self.dilation))
        last = min(self.kernel, -((start - self.size) // self.dilation))
        return max(0, last - first)

    def first(self, output: int) -> int:
        """The first element of the input that an output reads; may lie beyond the last."""
        start = output * self.stride - self.before
        return start if start >= 0 else start + -(start // self.dilation) * self.dilation

    def reads(self, first: int, stop: int) -> tuple[int, int]:
        """Where outputs ``[first, stop)`` begin and stop to read; may be outside the input."""
        start = first * self.stride - self.before
        return start, start + (stop - first - 1) * self.stride + self.span

    @property
    def last(self) -> int:
        """The input's element that the last tap of the last output reads; may lie beyond it."""
        return self.reads(0, self.out)[1] - 1

    @property
    def behind(self) -> int:
        """Elements behind the input that the last output reads."""
        return max(0, self.last + 1 - self.size)

    @property
    def as_same(self) -> Axis:
        """The axis with the padding and the outputs that SAME gives it."""
        before, out = extents(Padding.SAME, self.size, self.span, self.stride)
        return replace(self, before=before, out=out)


Window = tuple[Axis, Axis]


def window_of(op: Op) -> Window | None:
    """Height and width of a convolution or a pooling; None for another operator or shape."""
    source, options = op.input(0), op.options
    if source is None or len(source.shape) != 4 or len(op.output.shape) != 4:
        return None
    if isinstance(options, Pool2DOptions):
        kernels, dilations = (options.filter_height, options.filter_width), (1, 1)
    elif isinstance(options, Conv2DOptions | DepthwiseConv2DOptions):
        weights = op.input(1)
        if weights is None or len(weights.shape) != 4:
            return None
        kernels = (weights.shape[1], weights.shape[2])
        dilations = (options.dilation_h_factor, options.dilation_w_factor)
    else:
        return None
    strides = (options.stride_h, options.stride_w)
    if min(*kernels, *dilations, *strides) <= 0:
        return None
    rows = zip(SPATIAL, kernels, strides, dilations, strict=True)
    height, width = (_axis(source, axis, options.padding, *numbers) for axis, *numbers in rows)
    if (height.out, width.out) != (op.output.shape[HEIGHT], op.output.shape[WIDTH]):
        return None
    return height, width


def _axis(
    source: Value, axis: int, padding: Padding, kernel: int, stride: int, dilation: int
) -> Axis:
    size, span = source.shape[axis], span_of(kernel, dilation)
    return Axis(size, kernel, stride, dilation, *extents(padding, size, span, stride))


def floor_sum(count: int, by: int, step: int, start: int) -> int:
    """The sum of ``(start + i * step) // by`` for ``i`` below ``count``; none is negative."""
    total = 0
    while count > 0:
        total += count * (count - 1) // 2 * (step // by) + count * (start // by)
        step, start = step % by, start % by
        last = step * count + start
        count, start = last // by, last % by
        by, step = step, by
    return total


def span_of(kernel: int, dilation: int) -> int:
    """Elements from the first tap of a kernel to the last."""
    return (kernel - 1) * dilation + 1


def extents(padding: Padding, size: int, span: int, stride: int) -> tuple[int, int]:
    """(padding in front, output elements) that TFLM computes (``ComputePaddingHeightWidth``)."""
    if padding is Padding.VALID:
        return 0, (size + stride - span) // stride
    out = -(-size // stride)
    return max(0, (out - 1) * stride + span - size) // 2, out


def padding_before(padding: Padding, size: int, kernel: int, stride: int, dilation: int = 1) -> int:
    """The padding in front that TFLM computes, 0 for sizes that no kernel takes."""
    if min(kernel, stride, dilation) <= 0 or size < 0:
        return 0
    return extents(padding, size, span_of(kernel, dilation), stride)[0]


def padding_for(window: Window) -> Padding | None:
    """The padding under which a kernel arrives at these numbers, None where neither does."""
    for padding in (Padding.VALID, Padding.SAME):
        axis_extents = [extents(padding, axis.size, axis.span, axis.stride) for axis in window]
        if axis_extents == [(axis.before, axis.out) for axis in window]:
            return padding
    return None


def is_open(value: Value) -> bool:
    """Whether a reader that resizes may change height or width (-1 in the signature)."""
    signature = value.extra.shape_signature
    return signature is not None and any(signature[axis] == -1 for axis in SPATIAL)
