"""Examples: channels that no input can change, or that nobody reads."""

from __future__ import annotations

from tests.support.kit import Kit
from tests.support.planted import ignore, kill, saturate, set_data, twin, weights_of
from tests.support.rule_examples.example import example
from tflopt.ir import Activation, Model, OpCode, Value


@example(
    note="Two of the eight channels are constant, and the last layer multiplies a third by zero."
)
def remove_channels(n: Kit) -> Value:
    x = n.conv2d(n.feed(1, 6, 6, 3), 8, activation=Activation.RELU)
    saturate(x, [2])
    y = n.depthwise(x, activation=Activation.RELU)
    kill(y, [5])
    z = n.conv2d(y, 4, (1, 1))
    ignore(z, [7])
    return z


def last_weights(model: Model) -> str:
    """The weights of the last layer, by output channel."""
    rows = weights_of(model.main.ops[-1]).array()
    return "\n".join(str(row.reshape(-1).tolist()) for row in rows)


@example(
    note="Channel 4 is computed as channel 1 is: these are the weights of the layer that reads "
    "both. `remove-channels` then takes channel 4 out.",
    show=last_weights,
)
def merge_twin_channels(n: Kit) -> Value:
    x = n.conv2d(n.feed(1, 6, 6, 3), 6, (1, 1), activation=Activation.RELU)
    twin(x, 4, 1)
    y = n.conv2d(x, 3, (1, 1))
    assert y.producer is not None
    weights = weights_of(y.producer)
    set_data(weights, weights.array() // 2)
    return y


@example()
def fold_constant_values(n: Kit) -> Value:
    x = n.fully_connected(n.feed(1, 9), 4, activation=Activation.RELU)
    saturate(x, range(4))
    return n.binary(OpCode.ADD, n.feed(1, 4), n.unary(OpCode.TANH, x, quant=(1 / 128, 0)))


@example(note="The outer rows and columns of the 3x3 kernel are zero.")
def shrink_kernel(n: Kit) -> Value:
    x = n.conv2d(n.feed(1, 8, 8, 4), 6)
    assert x.producer is not None
    weights = weights_of(x.producer)
    data = weights.array().copy()
    data[:, [0, 2]] = 0
    data[:, :, [0, 2]] = 0
    set_data(weights, data)
    return x
