"""Examples: convolutions, pooling, and the padding around them; layers that go wrong."""

from __future__ import annotations

from tests.support.hazards import M4
from tests.support.kit import Kit
from tests.support.rule_examples.example import TFLM, example
from tflopt.ir import DType, OpCode, Padding, Value
from tflopt.ir.options import SoftmaxOptions
from tflopt.rules.defects.crop_transpose_conv import CropTransposeConv
from tflopt.rules.defects.widen_transpose_conv import WidenTransposeConv
from tflopt.rules.forms.extend_kernel import ExtendKernel

VALID = Padding.VALID
AROUND = ((0, 0), (1, 1), (1, 1), (0, 0))


def _steps(before: int, after: int) -> tuple[tuple[int, int], ...]:
    return ((0, 0), (0, 0), (before, after), (0, 0))


@example()
def fold_pad(n: Kit) -> Value:
    return n.conv2d(n.pad(n.feed(1, 6, 6, 4), *AROUND), 8, padding=VALID)


@example()
def narrow_pad(n: Kit) -> Value:
    """As PyTorch pads before a stride of 2: no window reads the last row and the last column."""
    return n.depthwise(n.pad(n.feed(1, 6, 6, 4), *AROUND), stride=(2, 2), padding=VALID)


@example()
def fold_pad_into_taps(n: Kit) -> Value:
    """PyTorch's Conv1d on samples of one channel."""
    x = n.pad(n.feed(1, 64, 1, 1), (0, 0), (3, 3), (0, 0), (0, 0))
    return n.conv2d(x, 16, (7, 1), stride=(2, 1), padding=VALID)


@example()
def fold_stride_into_channels(n: Kit) -> Value:
    """The first layer of an image network."""
    return n.conv2d(n.feed(1, 96, 96, 3), 8, (5, 5), stride=(2, 2))


@example()
def merge_pads(n: Kit) -> Value:
    return n.pad(n.pad(n.feed(1, 4, 4, 2), *AROUND), *_steps(0, 2))


@example()
def sink_pad(n: Kit) -> Value:
    return n.relu(n.pad(n.feed(1, 1, 8, 2), *_steps(2, 0)))


@example()
def trim_pad(n: Kit) -> Value:
    """PyTorch's way to a causal convolution: pad on both sides, drop the end."""
    return n.slice(n.pad(n.feed(1, 1, 6, 2), *_steps(2, 2)), [0, 0, 0, 0], [1, 1, 8, 2])


@example()
def hoist_slice_over_window(n: Kit) -> Value:
    y = n.conv2d(n.pad(n.feed(1, 1, 20, 4), *_steps(2, 2)), 4, (1, 3), padding=VALID)
    return n.slice(y, [0, 0, 0, 0], [1, 1, 20, 4])


@example()
def fold_space_to_batch(n: Kit) -> Value:
    x = n.space_to_batch(n.feed(1, 1, 20, 2), (1, 2), ((0, 0), (0, 0)))
    return n.batch_to_space(n.conv2d(x, 2, (1, 3), padding=VALID), (1, 2), ((0, 0), (0, 0)))


@example(ExtendKernel(), note="Only with `--goal memory`.")
def extend_kernel(n: Kit) -> Value:
    return n.depthwise(n.pad(n.feed(1, 80, 80, 16), *AROUND), stride=(2, 2), padding=VALID)


@example()
def remove_unit_window(n: Kit) -> Value:
    return n.relu(n.pool(OpCode.MAX_POOL_2D, n.relu(n.feed(1, 3, 4, 2)), (1, 1)))


@example(runners=TFLM)
def add_zero_bias(n: Kit) -> Value:
    return n.conv2d(n.feed(1, 5, 5, 8), 8, groups=2, bias=False)


@example(CropTransposeConv(M4), note="With CMSIS-NN 4ab83cc and older, among others.")
def crop_transpose_conv(n: Kit) -> Value:
    return n.transpose_conv(n.feed(1, 4, 4, 3), 2, (4, 4), (2, 2), Padding.SAME, (0.05, 0))


@example(WidenTransposeConv(M4))
def widen_transpose_conv(n: Kit) -> Value:
    return n.transpose_conv(n.feed(1, 4, 4, 8), 4, (1, 2), (1, 3), Padding.SAME, (0.05, 0))


@example()
def softmax_to_maximum(n: Kit) -> Value:
    x = n.input((3, 1), DType.INT16, quant=(0.05, 0))
    options, quant = SoftmaxOptions(1.0), (1 / 32768, 0)
    return n.op(OpCode.SOFTMAX, [x], (3, 1), options=options, quant=quant)


@example()
def per_channel_to_per_tensor(n: Kit) -> Value:
    return n.conv(n.feed(1, 4, 4, 3), 5)
