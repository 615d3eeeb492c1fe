"""``merge-transposes`` and ``transpose-to-reshape``."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.graphs import QUANT, Net
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.options import TransposeOptions
from tflopt.rules.constants.remove_noop import RemoveNoop
from tflopt.rules.movement.merge_transposes import MergeTransposes
from tflopt.rules.views.transpose_to_reshape import TransposeToReshape

pytestmark = pytest.mark.runtime
RULE = MergeTransposes()


def chain(*perms: tuple[int, ...], shape: tuple[int, ...] = (2, 3, 4)) -> Net:
    n = Net()
    x = n.relu(n.feed(*shape))
    for perm in perms:
        x = n.transpose(x, *perm)
    n.output(n.relu(x))
    return n


def test_two_transposes_become_one() -> None:
    check_rule(
        """
        graph(%0: i8[2,3,4]{0.05,3}) -> %4
          %1: i8[2,3,4]{0.05,3} = RELU(%0)
          %2: i8[3,2,4]{0.05,3} = TRANSPOSE(%1, [1, 0, 2])
          %3: i8[3,4,2]{0.05,3} = TRANSPOSE(%2, [0, 2, 1])
          %4: i8[3,4,2]{0.05,3} = RELU(%3)
        """,
        RULE,
        """
        graph(%0: i8[2,3,4]{0.05,3}) -> %3
          %1: i8[2,3,4]{0.05,3} = RELU(%0)
          %2: i8[3,4,2]{0.05,3} = TRANSPOSE(%1, [1, 2, 0])
          %3: i8[3,4,2]{0.05,3} = RELU(%2)
        """,
        hits=1,
    )


@pytest.mark.parametrize("first", list(permutations(range(3))))
def test_every_composition_is_right(first: tuple[int, ...]) -> None:
    """One model with all second permutations: each output is compared on both runtimes."""
    n = Net()
    x = n.relu(n.feed(2, 3, 4))
    for second in permutations(range(3)):
        n.output(n.relu(n.transpose(n.transpose(x, *first), *second)))
    copy = check_rule(n.model, RULE, hits=6)
    assert sum(op.code is OpCode.TRANSPOSE for op in copy.main.ops) == 6


def test_an_inverse_pair_vanishes() -> None:
    copy = check_rule(
        """
        graph(%0: i8[1,2,3,4]{0.05,3}) -> %4
          %1: i8[1,2,3,4]{0.05,3} = RELU(%0)
          %2: i8[1,3,4,2]{0.05,3} = TRANSPOSE(%1, [0, 2, 3, 1])
          %3: i8[1,2,3,4]{0.05,3} = TRANSPOSE(%2, [0, 3, 1, 2])
          %4: i8[1,2,3,4]{0.05,3} = RELU(%3)
        """,
        RULE,
        """
        graph(%0: i8[1,2,3,4]{0.05,3}) -> %2
          %1: i8[1,2,3,4]{0.05,3} = RELU(%0)
          %2: i8[1,2,3,4]{0.05,3} = RELU(%1)
        """,
        together_with=[RemoveNoop()],
    )
    assert len(copy.main.ops) == 2


def test_negative_axes_count_from_the_end() -> None:
    n = Net()
    x = n.relu(n.feed(2, 3, 4))
    perm = n.constant([-1, 0, 1])
    options = TransposeOptions()
    y = n.op(OpCode.TRANSPOSE, [x, perm], (4, 2, 3), options=options, version=2)
    n.output(n.relu(n.transpose(y, 0, 2, 1)))
    copy = check_rule(n.model, RULE, hits=1, runners=[])
    perm_value = copy.main.ops[1].inputs[1]
    assert perm_value is not None
    assert perm_value.ints() == (2, 1, 0)


def test_an_inverse_pair_vanishes_although_others_read_the_middle() -> None:
    n = Net()
    x = n.relu(n.feed(2, 3))
    middle = n.transpose(x, 1, 0)
    n.output(n.relu(n.transpose(middle, 1, 0)), n.relu(middle))
    copy = check_rule(n.model, RULE, together_with=[RemoveNoop()])
    assert sum(op.code is OpCode.TRANSPOSE for op in copy.main.ops) == 1


def shared(n: Net) -> None:
    middle = n.transpose(n.relu(n.feed(2, 3, 4)), 1, 0, 2)
    n.output(n.relu(n.transpose(middle, 0, 2, 1)), n.relu(middle))


def output(n: Net) -> None:
    middle = n.transpose(n.relu(n.feed(2, 3, 4)), 1, 0, 2)
    n.output(middle, n.relu(n.transpose(middle, 0, 2, 1)))


def variable(n: Net) -> None:
    state = n.value((2, 3, 4), DType.INT8, QUANT)
    state.is_variable = True
    n.output(n.transpose(n.transpose(state, 1, 0, 2), 0, 2, 1))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (shared, "another operator reads the tensor in between"),
        (output, "another operator reads the tensor in between"),
        (variable, "it copies a variable that may change later"),
    ],
)
def test_declines(build: object, reason: str) -> None:
    n = Net()
    assert callable(build)
    build(n)
    check_declines(n.model, RULE, reason)


def computed(n: Net, x: Value) -> Value:
    perm = n.input((3,), DType.INT32)
    return n.op(OpCode.TRANSPOSE, [x, perm], (3, 2, 4), options=TransposeOptions())


def invalid(n: Net, x: Value) -> Value:
    perm = n.constant([1, 1, 2])
    return n.op(OpCode.TRANSPOSE, [x, perm], (3, 2, 4), options=TransposeOptions())


def single(n: Net, x: Value) -> Value:
    return n.relu(n.transpose(x, 1, 0, 2))


@pytest.mark.parametrize("build", [computed, invalid, single])
def test_leaves_alone(build: object) -> None:
    n = Net()
    x = n.relu(n.feed(2, 3, 4))
    assert callable(build)
    n.output(n.relu(n.transpose(build(n, x), 0, 2, 1)))
    check_leaves_alone(n.model, RULE)


# --- transpose-to-reshape


@pytest.mark.parametrize(
    ("shape", "perm"),
    [((1, 4, 1, 3), (0, 2, 1, 3)), ((1, 4, 1, 3), (1, 3, 0, 2)), ((1, 1, 5), (2, 0, 1))],
)
def test_moving_ones_becomes_a_reshape(shape: tuple[int, ...], perm: tuple[int, ...]) -> None:
    copy = check_rule(chain(perm, shape=shape).model, TransposeToReshape(), hits=1)
    assert [op.code.name for op in copy.main.ops] == ["RELU", "RESHAPE", "RELU"]


@pytest.mark.parametrize(
    ("shape", "perm"),
    [
        ((1, 4, 2, 3), (0, 2, 1, 3)),
        ((2, 2), (1, 0)),
        ((3, 1, 3), (2, 1, 0)),
    ],
)
def test_moving_data_stays_a_transpose(shape: tuple[int, ...], perm: tuple[int, ...]) -> None:
    check_leaves_alone(chain(perm, shape=shape).model, TransposeToReshape())


def test_one_that_moves_nothing_becomes_a_reshape() -> None:
    """Some cores' kernels transpose it all the same (docs/hazards.md)."""
    check_rule(chain((0, 1, 2), shape=(1, 2, 3)).model, TransposeToReshape(), hits=1)


def test_a_computed_permutation_stays() -> None:
    n = Net()
    x = n.feed(2, 3, 4)
    n.output(n.relu(computed(n, x)))
    check_leaves_alone(n.model, TransposeToReshape())
