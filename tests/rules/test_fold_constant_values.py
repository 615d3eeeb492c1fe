"""``fold-constant-values``: tensors that no input can change."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.planted import kill, saturate
from tflopt.ir import Activation, DType, OpCode, Value
from tflopt.report.notes import output_notes
from tflopt.rules.channels.fold_constant_values import FoldConstantValues

pytestmark = pytest.mark.runtime
RULE = FoldConstantValues()


def constant(n: Kit) -> Value:
    """A dense layer that gives the same for every input."""
    x = n.fully_connected(n.feed(1, 9), 4, activation=Activation.RELU)
    kill(x, [0, 1])
    saturate(x, [2, 3])
    return x


def test_rewrites() -> None:
    n = Kit()
    x = n.unary(OpCode.TANH, constant(n), quant=(1 / 128, 0))
    n.output(n.binary(OpCode.ADD, n.feed(1, 4), x))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,9]{0.05,3}, %1: i8[1,4]{0.05,3}) -> %2
          %2: i8[1,4]{0.05,3} = ADD(%1, const i8[1,4]{0.0078125,0})
        """,
        hits=1,
    )


def test_an_output_is_copied() -> None:
    n = Kit()
    n.output(n.softmax(constant(n)))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code for op in copy.main.ops] == [OpCode.RESHAPE]
    assert output_notes(n.model) == output_notes(copy) != []


def test_all_outputs_of_an_operator_are_copied() -> None:
    n = Kit()
    n.output(*n.split(constant(n), 2, axis=1))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code for op in copy.main.ops] == [OpCode.RESHAPE] * 2


def test_an_output_that_takes_more_room_is_computed() -> None:
    n = Kit()
    x = n.conv2d(n.feed(1, 12, 12, 1), 2, (1, 1))
    kill(x, [0, 1])
    n.output(x)
    reason = "it is the same for every input, but takes more than what computes it"
    check_declines(n.model, RULE, reason)


def test_an_output_with_an_open_batch_is_computed() -> None:
    n = Kit()
    x = constant(n)
    x.extra.shape_signature = (-1, 4)
    n.output(x)
    check_leaves_alone(n.model, RULE)


def test_notes_of_outputs() -> None:
    n = Kit()
    x = constant(n)
    n.output(n.dequantize(x), n.fully_connected(n.feed(1, 9), 2), x)
    notes = output_notes(n.model)
    assert notes == ["outputs 0 (t4), 2 (t3) are the same for every input."]
    n = Kit()
    n.output(n.fully_connected(n.feed(1, 9), 2))
    assert output_notes(n.model) == []


def test_declines_what_takes_more_room() -> None:
    n = Kit()
    x = n.conv2d(n.feed(1, 12, 12, 1), 2, (1, 1))
    kill(x, [0, 1])
    n.output(n.binary(OpCode.ADD, x, n.feed(1, 12, 12, 2)))
    reason = "it is the same for every input, but takes more than what computes it"
    check_declines(n.model, RULE, reason)


def test_leaves_alone_what_varies_and_what_is_copied() -> None:
    n = Kit()
    y = n.fully_connected(n.feed(1, 9), 4)
    kill(y, [0, 1, 2])
    n.output(n.reshape(n.level((1, 4)), 4), n.unary(OpCode.RELU, y))
    check_leaves_alone(n.model, RULE)


def test_leaves_alone_floats() -> None:
    n = Kit()
    x = n.input((1, 4), DType.FLOAT32, None)
    n.output(n.unary(OpCode.RELU, x))
    check_leaves_alone(n.model, RULE)
