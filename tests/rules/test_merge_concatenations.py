from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.graphs import Net
from tflopt.ir import Model, Quantization
from tflopt.rules.movement.merge_concatenations import MergeConcatenations

pytestmark = pytest.mark.runtime
RULE = MergeConcatenations()


def test_split_and_joined_again() -> None:
    check_rule(
        """
        graph(%0: i8[1,4,6]{0.05,3}) -> %6
          %1: i8[1,4,6]{0.05,3} = RELU(%0)
          %2: i8[1,4,2]{0.05,3}, %3: i8[1,4,2]{0.05,3}, %4: i8[1,4,2]{0.05,3} = SPLIT([2], %1) \
num_splits=3
          %5: i8[1,4,6]{0.05,3} = CONCATENATION(%2, %3, %4) axis=2
          %6: i8[1,4,6]{0.05,3} = RELU(%5)
        """,
        RULE,
        """
        graph(%0: i8[1,4,6]{0.05,3}) -> %2
          %1: i8[1,4,6]{0.05,3} = RELU(%0)
          %2: i8[1,4,6]{0.05,3} = RELU(%1)
        """,
        hits=1,
    )


def test_parts_that_are_read_on_their_own() -> None:
    n = Net()
    x = n.relu(n.feed(1, 4, 6))
    first, second = n.split(x, 2, axis=1)
    n.output(n.concat(x, first, second, axis=-2), n.relu(first))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.opcode.label for op in copy.main.ops] == ["RELU", "SPLIT", "CONCATENATION", "RELU"]
    assert copy.main.ops[2].inputs == (copy.main.ops[0].output,) * 2


def test_joined_in_steps() -> None:
    n = Net()
    x, y = n.relu(n.feed(1, 4, 6)), n.relu(n.feed(1, 4, 6))
    n.output(n.concat(n.concat(x, y, axis=1), n.concat(y, x, x, axis=1), axis=1))
    copy = check_rule(n.model, RULE, hits=2)
    assert len(copy.main.ops[-1].inputs) == 5


def other_order() -> str:
    return """
    graph(%0: i8[1,4,6]{0.05,3}) -> %4
      %1: i8[1,4,6]{0.05,3} = RELU(%0)
      %2: i8[1,2,6]{0.05,3}, %3: i8[1,2,6]{0.05,3} = SPLIT([1], %1) num_splits=2
      %4: i8[1,4,6]{0.05,3} = CONCATENATION(%3, %2) axis=1
    """


def other_axis() -> str:
    return """
    graph(%0: i8[1,4,6]{0.05,3}) -> %4
      %1: i8[1,4,6]{0.05,3} = RELU(%0)
      %2: i8[1,8,6]{0.05,3} = CONCATENATION(%1, %1) axis=1
      %3: i8[1,8,6]{0.05,3} = CONCATENATION(%1, %1) axis=1
      %4: i8[1,8,12]{0.05,3} = CONCATENATION(%2, %3) axis=2
    """


@pytest.mark.parametrize("build", [other_order, other_axis])
def test_leaves_alone(build: Callable[[], str]) -> None:
    check_leaves_alone(build(), RULE)


def shared() -> Model:
    n = Net()
    x = n.relu(n.feed(1, 4, 6))
    inner = n.concat(x, x, axis=1)
    n.output(n.concat(inner, x, axis=1), n.relu(inner))
    return n.model


def too_many() -> Model:
    n = Net()
    x = n.relu(n.feed(1, 4, 6))
    n.output(n.concat(n.concat(*[x] * 6, axis=1), *[x] * 5, axis=1))
    return n.model


def requantized() -> Model:
    n = Net()
    parts = n.split(n.relu(n.feed(1, 4, 6)), 2, axis=1)
    for part in parts:
        part.quant = Quantization.per_tensor(0.5, 0)
    n.output(n.concat(*parts, axis=1))
    return n.model


def from_input_to_output() -> Model:
    n = Net()
    n.output(n.concat(*n.split(n.feed(1, 4, 6), 2, axis=1), axis=1))
    return n.model


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (shared, "another operator reads what is joined first"),
        (too_many, "TFLM joins at most 10 tensors, not 11"),
        (requantized, "the SPLIT changes the quantization"),
        (from_input_to_output, "it stands between an input or constant of the model and an output"),
    ],
)
def test_declines(build: Callable[[], Model], reason: str) -> None:
    check_declines(build(), RULE, reason)
