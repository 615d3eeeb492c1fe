"""Answers that are given again for equal questions, and only for those."""

from __future__ import annotations

import pytest

from tflopt.plan import offline, plan_offline
from tflopt.plan.greedy import GreedyPlacement, Requirement, simulate_greedy
from tflopt.plan.lifetimes import GraphDesc, ModelDesc, OpDesc, TensorDesc
from tflopt.plan.recent import Recent

pytestmark = pytest.mark.unit


def test_an_equal_question_has_the_same_answer_until_others_came() -> None:
    recent, asked = Recent[list[int], int](2), list[int]()

    def ask(*question: int) -> int:
        def make() -> int:
            asked.append(sum(question))
            return asked[-1]

        return recent.of(list(question), make)

    assert [ask(1, 2), ask(1, 2), ask(3), ask(1, 2)] == [3, 3, 3, 3]
    assert asked == [3, 3]
    ask(4)
    assert ask(1, 2) == 3
    assert asked == [3, 3, 4, 3]


def test_a_plan_is_made_once_for_equal_models(monkeypatch: pytest.MonkeyPatch) -> None:
    placed: list[int] = []

    def counted(requirements: list[Requirement]) -> GreedyPlacement:
        placed.append(len(requirements))
        return simulate_greedy(requirements)

    monkeypatch.setattr(offline, "simulate_greedy", counted)
    first, again, other = (plan_offline(_model(size)) for size in (4_711, 4_711, 4_727))
    once = len(placed)
    assert first is again
    assert first.head_bytes < other.head_bytes
    plan_offline(_model(4_711))
    assert len(placed) == once


def _model(size: int) -> ModelDesc:
    tensors = [TensorDesc(each) for each in (size, 1_000, size)]
    return ModelDesc([GraphDesc(tensors, [0], [2], [OpDesc([0], [1]), OpDesc([1], [2])])])
