"""Examples: channels that no input can change, or that nobody reads."""

from __future__ import annotations

from tests.support.kit import Kit
from tests.support.planted import ignore, kill, saturate
from tests.support.rule_examples.example import example
from tflopt.ir import Activation, Value


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
