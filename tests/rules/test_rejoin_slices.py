"""``rejoin-slices``: a CONCATENATION of slices that make up a tensor reads the tensor."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.graphs import Net
from tests.support.worth import Always, Never, check_declines_by
from tflopt.ir import Quantization
from tflopt.rewrite import BETWEEN_PORTS
from tflopt.rules.movement.rejoin_slices import RejoinSlices

pytestmark = pytest.mark.runtime
RULE = RejoinSlices(Always())
Build = Callable[[Net], None]


def halves(n: Net, axis: int = 3, at: int = 4) -> None:
    x = n.relu(n.feed(1, 4, 4, 8))
    begins, sizes = [0, 0, 0, 0], list(x.shape)
    sizes[axis] = at
    first = n.slice(x, begins, sizes)
    begins[axis], sizes[axis] = at, x.shape[axis] - at
    second = n.slice(x, begins, sizes)
    n.output(n.concat(first, second, n.relu(second), axis=axis))


def test_a_block_of_yolo() -> None:
    n = Net()
    halves(n)
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,4,4,8]{0.05,3}) -> %4
          %1: i8[1,4,4,8]{0.05,3} = RELU(%0)
          %2: i8[1,4,4,4]{0.05,3} = SLICE(%1, [0, 0, 0, 4], [1, 4, 4, 4])
          %3: i8[1,4,4,4]{0.05,3} = RELU(%2)
          %4: i8[1,4,4,12]{0.05,3} = CONCATENATION(%1, %3) axis=3
        """,
        hits=1,
    )


@pytest.mark.parametrize(("axis", "at"), [(1, 1), (2, 3), (3, 5)])
def test_along_any_axis_and_in_unequal_parts(axis: int, at: int) -> None:
    n = Net()
    halves(n, axis, at)
    copy = check_rule(n.model, RULE, hits=1)
    assert len(copy.main.ops[-1].inputs) == 2


def test_strided_slices_and_parts_of_a_split() -> None:
    n = Net()
    x, y = n.relu(n.feed(1, 6)), n.relu(n.feed(1, 4))
    low, high = n.strided(x, [0, 0], [1, 2]), n.strided(x, [0, 2], [1, 6])
    one, two = n.split(y, 2, axis=1)
    n.output(n.concat(one, low, high, one, two, axis=1))
    copy = check_rule(n.model, RULE, hits=2)
    join = copy.main.ops[-1]
    assert [value.shape[1] for value in join.inputs if value is not None] == [2, 6, 4]


def test_what_nothing_else_is_joined_with() -> None:
    n = Net()
    x = n.relu(n.feed(1, 6))
    low, high = n.slice(x, [0, 0], [1, 2]), n.slice(x, [0, 2], [1, 4])
    n.output(n.relu(n.concat(low, high, axis=1)))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.opcode.label for op in copy.main.ops] == ["RELU", "RELU"]


def test_the_models_output_is_a_tensor_of_its_own() -> None:
    n = Net()
    x = n.feed(1, 6)
    low, high = n.slice(x, [0, 0], [1, 2]), n.slice(x, [0, 2], [1, 4])
    n.output(n.concat(low, high, axis=1))
    check_declines(n.model, RULE, str(BETWEEN_PORTS))


def wrong_order(n: Net) -> None:
    x = n.relu(n.feed(1, 6))
    low, high = n.slice(x, [0, 0], [1, 2]), n.slice(x, [0, 2], [1, 4])
    n.output(n.concat(high, low, axis=1))


def with_a_gap(n: Net) -> None:
    x = n.relu(n.feed(1, 6))
    low, high = n.slice(x, [0, 0], [1, 2]), n.slice(x, [0, 3], [1, 3])
    n.output(n.concat(low, high, axis=1))


def a_part(n: Net) -> None:
    x = n.relu(n.feed(1, 6))
    low, high = n.slice(x, [0, 0], [1, 2]), n.slice(x, [0, 2], [1, 2])
    n.output(n.concat(low, high, axis=1))


def of_two_tensors(n: Net) -> None:
    x, y = n.relu(n.feed(1, 6)), n.relu(n.feed(1, 6))
    low, high = n.slice(x, [0, 0], [1, 2]), n.slice(y, [0, 2], [1, 4])
    n.output(n.concat(low, high, axis=1))


def along_another_axis(n: Net) -> None:
    x = n.relu(n.feed(1, 4, 4))
    low, high = n.slice(x, [0, 0, 0], [1, 2, 4]), n.slice(x, [0, 2, 0], [1, 2, 4])
    n.output(n.concat(low, high, axis=2))


@pytest.mark.parametrize(
    "build", [wrong_order, with_a_gap, a_part, of_two_tensors, along_another_axis]
)
def test_leaves_alone(build: Build) -> None:
    n = Net()
    build(n)
    check_leaves_alone(n.model, RULE)


def test_a_quantization_of_its_own() -> None:
    n = Net()
    halves(n)
    n.graph.ops[1].output.quant = Quantization.per_tensor(0.1, 3)
    check_declines(n.model, RULE, "a slice changes the quantization")


def test_only_where_it_is_better() -> None:
    n = Net()
    halves(n)
    check_declines_by(n.model, RejoinSlices(Never()), "joining the whole tensor")
