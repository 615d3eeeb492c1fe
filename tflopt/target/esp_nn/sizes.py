"""The scratch that ESP-NN's size functions return for an ESP32-S3, in bytes.

From ESP-NN 1.2.3 (d45b843): ``src/convolution/esp_nn_conv_esp32s3.c`` and
``esp_nn_depthwise_conv_s8_esp32s3.c``. The functions in plain C, which other chips run, have none.
"""

from __future__ import annotations

from tflopt.target.cmsis_nn.layers import ConvLayer, DepthwiseLayer
from tflopt.target.cmsis_nn.structs import round_up

VECTOR = 16
CONV_MARGIN = 64
DEPTHWISE_MARGIN = 16
WIDENED_MARGIN = 32
WHOLE_INPUT_BYTES = 40 * 1024
"""A padded input above this is worked off in strips of the filter's height."""
WHOLE_WIDENED_BYTES = 48 * 1024
"""The same for an input that is widened to 16 bits."""


def conv_scratch_bytes(layer: ConvLayer) -> int:
    """``esp_nn_get_conv_scratch_size_esp32s3``; it never looks at the dilation or the groups."""
    is_point = layer.kernel_h == layer.kernel_w == 1 and not (layer.pad_h or layer.pad_w)
    if is_point and layer.stride_h == layer.stride_w == 1:
        return _pointwise(layer)
    row = layer.kernel_w * layer.input_c
    window = row * layer.kernel_h
    if row < VECTOR <= window:
        copied = round_up(window, VECTOR)
        sums = 4 * layer.output_c + VECTOR
        return sums + layer.output_c * copied + VECTOR + copied + CONV_MARGIN
    return _general(layer, row)


def _pointwise(layer: ConvLayer) -> int:
    """Eight pixels are transposed at a time; channels that are no multiple of 8 are filled up."""
    pixels, channels = layer.input_h * layer.input_w, round_up(layer.input_c, 8)
    transposed = 16 * channels if pixels >= 8 else 0
    filled = pixels * channels if layer.input_c % 8 else 0
    return filled + channels * layer.output_c + transposed + CONV_MARGIN


def _general(layer: ConvLayer, row: int) -> int:
    """A copy of the filter twice, and of the input for each kind of padding, used or not."""
    filters = layer.kernel_h * layer.output_c
    twice = filters * (layer.kernel_w * round_up(layer.input_c, VECTOR) + round_up(row, VECTOR))
    padded = 0
    if layer.pad_h or layer.pad_w:
        padded = (layer.input_w + 2 * layer.pad_w) * (layer.input_h + 2 * layer.pad_h)
    right = _beyond(layer.output_w, layer.stride_w, layer.kernel_w, layer.input_w)
    below = _beyond(layer.output_h, layer.stride_h, layer.kernel_h, layer.input_h)
    if right or below:
        padded += (layer.input_w + right) * (layer.input_h + below)
    return padded * layer.input_c + twice + CONV_MARGIN + 4 * layer.output_c


def _beyond(output: int, stride: int, kernel: int, available: int) -> int:
    return max(0, output * stride + kernel - 1 - available)


def depthwise_scratch_bytes(layer: DepthwiseLayer) -> int:
    """``esp_nn_get_depthwise_conv_scratch_size_esp32s3``."""
    multiplier, channels = layer.depth_multiplier, layer.input_c
    if multiplier == 1 and channels % 8 == 0:
        if layer.kernel_h == layer.kernel_w == 3:
            return _three_by_three(layer)
        return _widened(layer, in_strips=True)
    if multiplier == 1 and channels > 3:
        return _filled_up(layer)
    if multiplier % 4 == 0:
        return _widened(layer, in_strips=False)
    return WIDENED_MARGIN


def _three_by_three(layer: DepthwiseLayer) -> int:
    channels = layer.input_c
    right = _beyond(layer.output_w, layer.stride_w, 3, layer.input_w)
    below = _beyond(layer.output_h, layer.stride_h, 3, layer.input_h)
    if channels % VECTOR == 0:
        if layer.pad_h or layer.pad_w:
            right, below = 2 * layer.pad_w, 2 * layer.pad_h
        width, height = layer.input_w + right, layer.input_h + below
        if not (right or below):
            return 9 * channels + DEPTHWISE_MARGIN
        whole = width * height * channels
        kept = whole if whole <= WHOLE_INPUT_BYTES else width * 3 * channels
        return 9 * channels + kept + DEPTHWISE_MARGIN
    if channels < 12:
        return _widened(layer, in_strips=False)
    filled = round_up(channels, VECTOR)
    width = layer.input_w + 2 * layer.pad_w + right
    height = layer.input_h + 2 * layer.pad_h + below
    return filled * (9 + width * height + layer.output_w * layer.output_h) + CONV_MARGIN


def _widened(layer: DepthwiseLayer, *, in_strips: bool) -> int:
    """Filter and input as 16-bit numbers; of a large input, the rows of one window."""
    taps = layer.kernel_h * layer.kernel_w * layer.input_c * layer.depth_multiplier
    row = layer.input_w * layer.input_c
    whole = 2 * (taps + row * layer.input_h)
    if in_strips and whole > WHOLE_WIDENED_BYTES:
        whole = 2 * (taps + row * layer.kernel_h)
    return whole + WIDENED_MARGIN


def _filled_up(layer: DepthwiseLayer) -> int:
    """Channels up to a multiple of 8: filter, input, output, and three numbers for each channel."""
    channels = round_up(layer.input_c, 8)
    taps = 2 * layer.kernel_h * layer.kernel_w * channels
    data = 2 * layer.input_h * layer.input_w * channels
    outputs = layer.output_h * layer.output_w * channels
    placed = sum(round_up(part, VECTOR) for part in (taps, data, outputs))
    return placed + 12 * channels + DEPTHWISE_MARGIN
