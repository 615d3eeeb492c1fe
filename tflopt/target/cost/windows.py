"""How many taps of a sliding window fall inside the input, counted without visiting each."""

from __future__ import annotations

from dataclasses import dataclass

from tflopt.facts.windows import Axis
from tflopt.target.cmsis_nn.layers import ConvLayer, DepthwiseLayer


@dataclass(frozen=True)
class Window:
    """Both spatial axes."""

    h: Axis
    w: Axis

    @property
    def pixels(self) -> int:
        """Output positions."""
        return self.h.out * self.w.out

    @property
    def kernel(self) -> int:
        """Taps of one position."""
        return self.h.kernel * self.w.kernel

    @property
    def taps(self) -> int:
        """Taps of all positions."""
        return self.h.taps * self.w.taps

    @property
    def valid_taps(self) -> int:
        """Taps of all positions that read the input."""
        return self.h.valid_taps * self.w.valid_taps

    @property
    def valid_rows(self) -> int:
        """Kernel rows inside the input, over all positions."""
        return self.h.valid_taps * self.w.out


def window_of(layer: ConvLayer | DepthwiseLayer) -> Window:
    """A convolution's window, for one batch."""
    return Window(
        Axis(
            *(layer.input_h, layer.kernel_h, layer.stride_h),
            *(layer.dilation_h, layer.pad_h, layer.output_h),
        ),
        Axis(
            *(layer.input_w, layer.kernel_w, layer.stride_w),
            *(layer.dilation_w, layer.pad_w, layer.output_w),
        ),
    )
