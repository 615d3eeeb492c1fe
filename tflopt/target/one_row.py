"""CMSIS-NN's function for images of one row, which computes some windows wrongly."""

from __future__ import annotations

from tflopt.facts.windows import Window
from tflopt.ir import Op, OpCode
from tflopt.target.cmsis_nn.dispatch_convolve import convolve_1_x_n_is_right
from tflopt.target.cmsis_nn.sizes_convolve import is_convolve_1_x_n
from tflopt.target.cmsis_nn.structs import ConvParams, Dims

WRONG_ON_MVE = "CMSIS-NN's function for one row would compute it wrongly on cores with MVE"


def wrong_on_mve(op: Op, window: Window) -> bool:
    """Whether ``arm_convolve_1_x_n_s8`` would compute ``op`` wrongly with another window."""
    source, weights = op.input(0), op.input(1)
    if op.code is not OpCode.CONV_2D or source is None or weights is None:
        return False
    height, width = window
    params = ConvParams(
        *(height.stride, width.stride, height.before, width.before),
        *(height.dilation, width.dilation),
    )
    batches, channels = source.shape[0], source.shape[3]
    input_ = Dims(batches, height.size, width.size, channels)
    filter_ = Dims(1, height.kernel, width.kernel, weights.shape[3])
    output = Dims(batches, height.out, width.out, op.output.shape[3])
    if not is_convolve_1_x_n(params, input_, filter_):
        return False
    return not convolve_1_x_n_is_right(params, input_, filter_, output)
