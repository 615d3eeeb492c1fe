"""Tasks that join the one that waits for them: fewer to place, the same lowest peak."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.plan.test_order import is_legal, problems
from tflopt.plan.contract import contracted
from tflopt.plan.order import OrderProblem, Task, best_order, peak_of

pytestmark = pytest.mark.unit


@given(problems())
@settings(max_examples=150, deadline=None)
def test_the_lowest_peak_is_the_same(problem: OrderProblem) -> None:
    joined, members = contracted(problem)
    assert sorted(index for group in members for index in group) == list(range(len(problem.tasks)))
    order = best_order(joined).tasks
    spread = tuple(index for number in order for index in members[number])
    assert is_legal(problem, spread)
    assert peak_of(problem, spread) == peak_of(joined, order) == best_order(problem).peak_bytes


def states(count: int) -> OrderProblem:
    """READ, CONCATENATION with what came before, SLICE of the new state, ASSIGN: in a row, with all
    that is read read first."""
    sizes, tasks = [16], list[Task]()
    for _ in range(count):  # 0: what is computed; then handle, old, whole, new of each state
        sizes += [16, 320, 336, 320]
    for state in range(count):
        handle = 1 + 4 * state
        tasks.append(Task([handle], [handle + 1]))
    for state in range(count):
        handle, first = 1 + 4 * state, len(tasks)
        data = 0 if state == 0 else handle - 2
        after = {state} | ({first - 3} if state else set())
        tasks.append(Task([data, handle + 1], [handle + 2], after=sorted(after)))
        tasks.append(Task([handle + 2], [handle + 3], after=[first]))
        tasks.append(Task([handle, handle + 3], [], after=[first + 1, state]))
    alive = [0, *(1 + 4 * state for state in range(count))]
    return OrderProblem(tasks, sizes, alive, [4 * count - 1])


def test_reads_join_what_they_are_joined_with() -> None:
    joined, members = contracted(states(3))
    assert members == [(0, 3), (4,), (5,), (1, 6), (7,), (8,), (2, 9), (10, 11)]
    assert joined.tasks[0] == Task([1, 0, 2], [2, 3], 0, [])
    assert joined.tasks[3].after == [0]


def test_many_states_are_proven() -> None:
    problem = states(40)
    found = best_order(problem)
    assert found.proven
    assert found.peak_bytes == peak_of(problem, found.tasks) < peak_of(problem, range(160))


@pytest.mark.parametrize(
    "tasks",
    [
        [Task([0], [1]), Task([1], [2], after=[0])],  # the last that reads the input
        [Task([], [1]), Task([1], [2], after=[0]), Task([1], [3], after=[0])],  # who waits first?
        [Task([], [1], 160), Task([1], [2], after=[0])],  # what needs most is its scratch
        [Task([], [1, 3]), Task([1], [2], after=[0])],  # a part of it is freed at once
    ],
)
def test_others_stay_by_themselves(tasks: list[Task]) -> None:
    problem = OrderProblem(tasks, [16] * 4, alive=[0], kept=[2])
    assert contracted(problem)[1] == [(index,) for index in range(len(tasks))]
