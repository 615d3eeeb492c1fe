from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plan.strategies import models
from tflopt.plan.lifetimes import GraphDesc, ModelDesc, OpDesc, TensorAlias, TensorDesc, TensorRef
from tflopt.plan.lint import Severity, lint
from tflopt.plan.offline import plan_offline

pytestmark = pytest.mark.unit

CHAIN = ModelDesc(
    [
        GraphDesc(
            [TensorDesc(20, name) for name in "abc"],
            [0],
            [2],
            [OpDesc([0], [1]), OpDesc([1, 0], [2])],
        )
    ]
)


def test_a_right_plan_is_clean() -> None:
    assert lint(CHAIN, [0, 32, 64]) == []
    assert lint(CHAIN, [-1, -1, -1]) == []


@pytest.mark.parametrize(
    ("offsets", "tensors", "reason"),
    [
        ([0, 16, 64], ("b", "a"), "overlap in 2 steps from 1 on"),
        ([8, 32, 64], ("a",), "not a multiple of 16"),
        ([-16, 32, 64], ("a",), "out of range"),
        ([2147483632, 32, 64], ("a",), "out of range"),
    ],
)
def test_errors(offsets: list[int], tensors: tuple[str, ...], reason: str) -> None:
    (finding,) = lint(CHAIN, offsets)
    assert finding.severity is Severity.ERROR
    assert finding.tensors == tensors
    assert reason in str(finding)


def test_possible_aliasing_is_a_note() -> None:
    (finding,) = lint(CHAIN, [0, 32, 32])
    assert finding.severity is Severity.NOTE
    assert "overlap in step 2, that of an operator" in finding.reason


def test_known_aliases_pass() -> None:
    alias = TensorAlias(TensorRef(0, 1), TensorRef(0, 2), 0, None)
    assert lint(CHAIN, [0, 32, 32], [alias]) == []
    assert lint(CHAIN, [64, 32, 48], [alias]) != []


def test_a_wrong_number_of_offsets() -> None:
    assert "2 offsets for 3 tensors" in str(lint(CHAIN, [0, 0])[0])


def test_within_sixteen_bytes_two_tensors_may_meet() -> None:
    tiny = ModelDesc([GraphDesc([TensorDesc(16)] * 2, [0], [1], [OpDesc([0], [1])])])
    assert lint(tiny, [0, 16]) == []


def test_variables_in_the_head() -> None:
    state = TensorDesc(16, "state", is_variable=True)
    graph = GraphDesc([TensorDesc(16), state, TensorDesc(16)], [0], [2], [OpDesc([0, 1], [2])])
    (note,) = lint(ModelDesc([graph]), [0, 64, 16])
    assert note.severity is Severity.NOTE
    found = lint(ModelDesc([graph, graph]), [0, 64, 16, -1, -1, -1])
    assert found[0].severity is Severity.ERROR


@given(models(), st.data())
def test_never_raises(model: ModelDesc, data: st.DataObject) -> None:
    count = model.tensor_count
    offsets = st.lists(st.integers(-(2**31), 2**31 - 1), min_size=count - 1, max_size=count)
    lint(model, data.draw(offsets))


@given(models())
def test_our_own_plans_are_clean(model: ModelDesc) -> None:
    assert lint(model, plan_offline(model).offsets) == []
