"""Small networks as an ideal exporter would write them: no operator only moves data needlessly."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.support.kit import Kit
from tests.support.paths import TESTDATA
from tflopt.config import Config
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model, OpCode, Padding
from tflopt.ir.types import Activation
from tflopt.rules.pipeline import run_pipeline

RELU, RELU6 = Activation.RELU, Activation.RELU6
VALID = Padding.VALID
TESTED_FILES = (
    "ds_cnn",
    "har_cnn",
    "inception",
    "resnet8",
    "squeeze_excite",
    "tcn_causal_dilated",
    "torch_cnn",
    "two_inputs_three_outputs",
    "unet",
    "wav2letter",
)


def _quant(rng: random.Random) -> tuple[float, int]:
    return rng.choice((0.02, 0.05, 0.11)), rng.choice((-128, -20, 0, 3, 50))


def tcn(rng: random.Random) -> Model:
    """Dilated causal 1-D convolutions with residuals, height 1."""
    n = Kit(rng.getrandbits(32))
    channels = rng.choice((4, 6, 8))
    x = n.conv2d(n.feed(1, 1, rng.randint(12, 24), 3), channels, (1, 3), quant=_quant(rng))
    for block in range(rng.randint(1, 3)):
        step, dilation = rng.choice((2, 3)), (1, 1 << block)
        padded = n.pad(x, (0, 0), (0, 0), ((step - 1) * dilation[1], 0), (0, 0))
        y = n.conv2d(padded, channels, (1, step), dilation=dilation, padding=VALID, activation=RELU)
        x = n.binary(OpCode.ADD, x, y, quant=_quant(rng))
    n.output(n.fully_connected(n.reduce(OpCode.MEAN, x, [1, 2], keep=False), 5))
    return n.model


def gated(rng: random.Random) -> Model:
    """1-D convolutions with gates of LOGISTIC and TANH, batch 2."""
    n = Kit(rng.getrandbits(32))
    x = n.feed(2, 1, rng.randint(9, 16), 4)
    for _ in range(rng.randint(1, 2)):
        gate = n.unary(OpCode.LOGISTIC, n.conv2d(x, 4, (1, 3)), quant=(1 / 256, -128))
        flow = n.unary(OpCode.TANH, n.conv2d(x, 4, (1, 5)), quant=(1 / 128, 0))
        y = n.binary(OpCode.MUL, gate, flow, quant=(1 / 128, 3))
        x = n.binary(OpCode.ADD, x, n.conv2d(y, 4, (1, 1)), quant=_quant(rng))
    n.output(n.unary(OpCode.RELU, x))
    return n.model


def residual(rng: random.Random) -> Model:
    """A 2-D CNN with residual blocks, SAME padding, a stride and a mean."""
    n = Kit(rng.getrandbits(32))
    x = n.conv2d(n.feed(1, rng.randint(7, 11), rng.randint(6, 10), 3), 8, activation=RELU)
    for _ in range(rng.randint(1, 2)):
        y = n.conv2d(n.conv2d(x, 8, activation=RELU), 8, quant=_quant(rng))
        x = n.unary(OpCode.RELU, n.binary(OpCode.ADD, x, y, quant=_quant(rng)))
    x = n.conv2d(x, 12, stride=(2, 2), activation=RELU6)
    x = n.reduce(OpCode.MEAN, x, [1, 2], keep=False, quant=_quant(rng))
    n.output(n.softmax(n.fully_connected(x, 4)))
    return n.model


def branches(rng: random.Random) -> Model:
    """Parallel branches of several windows and a pool, joined by CONCATENATION."""
    n = Kit(rng.getrandbits(32))
    x = n.conv2d(n.feed(1, rng.randint(6, 9), rng.randint(6, 9), 4), 6, activation=RELU)
    for _ in range(rng.randint(1, 2)):
        small = n.conv2d(x, 4, (1, 1), activation=RELU)
        large = n.conv2d(n.conv2d(x, 4, (1, 1)), 4, (3, 3))
        pooled = n.conv2d(n.pool(OpCode.MAX_POOL_2D, x, (3, 3)), 4, (1, 1))
        x = n.concat(small, large, pooled, axis=3)
    n.output(n.pool(OpCode.AVERAGE_POOL_2D, x, (2, 2), stride=(2, 2), padding=VALID))
    return n.model


def separable(rng: random.Random) -> Model:
    """Depthwise separable blocks with strides, an average pool and a dense layer."""
    n = Kit(rng.getrandbits(32))
    x = n.conv2d(n.feed(1, 12, rng.randint(9, 12), 1), 8, (5, 3), stride=(2, 2), activation=RELU)
    for _ in range(rng.randint(1, 3)):
        x = n.depthwise(x, (3, 3), activation=RELU6, stride=rng.choice(((1, 1), (2, 2))))
        x = n.conv2d(x, rng.choice((8, 12)), (1, 1), activation=RELU)
    x = n.pool(OpCode.AVERAGE_POOL_2D, x, (x.shape[1], x.shape[2]), padding=VALID)
    n.output(n.fully_connected(x, 3))
    return n.model


def dense(rng: random.Random) -> Model:
    """An autoencoder of dense layers on two inputs."""
    n = Kit(rng.getrandbits(32))
    x = n.binary(OpCode.ADD, n.feed(1, 24), n.feed(1, 24), quant=_quant(rng))
    for units in (12, rng.choice((4, 6)), 12, 24):
        x = n.fully_connected(x, units, activation=RELU if units < 24 else Activation.NONE)
    n.output(n.unary(OpCode.LOGISTIC, x, quant=(1 / 256, -128)))
    return n.model


def pooled(rng: random.Random) -> Model:
    """Convolutions and pools of both kinds, broadcast scales, two outputs."""
    n = Kit(rng.getrandbits(32))
    x = n.conv2d(n.feed(1, 10, 8, 2), 4, activation=RELU, quant=_quant(rng))
    x = n.pool(OpCode.MAX_POOL_2D, x, (2, 2), stride=(2, 2), padding=VALID)
    side = n.reduce(OpCode.MEAN, x, [1, 2])
    scaled = n.binary(OpCode.MUL, x, n.unary(OpCode.LOGISTIC, side, quant=(1 / 256, -128)))
    shifted = n.binary(OpCode.ADD, scaled, n.level((1, 1, 1, 4)), quant=_quant(rng))
    x = n.conv2d(shifted, 6, (3, 3), padding=VALID)
    n.output(n.unary(OpCode.HARD_SWISH, x, quant=_quant(rng)), side)
    return n.model


def hourglass(rng: random.Random) -> Model:
    """Down and up again with RESIZE_NEAREST_NEIGHBOR and a skip connection."""
    n = Kit(rng.getrandbits(32))
    height, width = 2 * rng.randint(3, 5), 2 * rng.randint(3, 5)
    top = n.conv2d(n.feed(1, height, width, 3), 4, activation=RELU)
    low = n.conv2d(top, 6, stride=(2, 2), activation=RELU)
    up = n.resize_nearest(low, height, width)
    joined = n.concat(top, up, axis=3)
    n.output(n.conv2d(joined, 2, (1, 1)))
    return n.model


NETS: dict[str, Callable[[random.Random], Model]] = {
    net.__name__: net
    for net in (tcn, gated, residual, branches, separable, dense, pooled, hourglass)
}


def from_file(name: str) -> Model:
    """A generated model, optimized and written, with no plan and all its names."""
    model = read_bytes((TESTDATA / f"{name}.tflite").read_bytes())
    run_pipeline(model, config=Config(plan=None))
    return read_bytes(write_bytes(model))
