"""``plan.order``: optimal against every permutation, legal always, stable where nothing is won."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tflopt.plan.order import Order, OrderProblem, Task, best_order, peak_of

pytestmark = pytest.mark.unit


@st.composite
def problems(draw: st.DrawFn, most: int = 6) -> OrderProblem:
    """Random graphs: tensor 0 is the input, task i makes tensor i + 1."""
    count = draw(st.integers(1, most))
    tasks = []
    for index in range(count):
        reads = draw(st.lists(st.integers(0, index), min_size=1, max_size=3, unique=True))
        chained = draw(st.booleans()) and index > 0
        after = {tensor - 1 for tensor in reads if tensor} | ({index - 1} if chained else set())
        scratch = draw(st.sampled_from([0, 0, 16, 160]))
        tasks.append(Task(reads, [index + 1], scratch, sorted(after)))
    sizes = draw(st.lists(st.integers(0, 20), min_size=count + 1, max_size=count + 1))
    kept = draw(st.lists(st.integers(0, count), max_size=2, unique=True))
    return OrderProblem(tasks, [16 * size for size in sizes], alive=[0], kept=kept)


def is_legal(problem: OrderProblem, order: tuple[int, ...]) -> bool:
    place = {task: position for position, task in enumerate(order)}
    return sorted(order) == list(range(len(problem.tasks))) and all(
        place[other] < place[index]
        for index, task in enumerate(problem.tasks)
        for other in task.after
    )


@given(problems())
@settings(max_examples=150, deadline=None)
def test_the_exact_search_finds_the_least_peak(problem: OrderProblem) -> None:
    legal = [p for p in permutations(range(len(problem.tasks))) if is_legal(problem, p)]
    least = min(peak_of(problem, order) for order in legal)
    found = best_order(problem)
    assert found.proven
    assert is_legal(problem, found.tasks)
    assert found.peak_bytes == peak_of(problem, found.tasks) == least


@given(problems(12))
@settings(max_examples=60, deadline=None)
def test_the_beam_is_legal_and_never_worse_than_the_given_order(problem: OrderProblem) -> None:
    found = best_order(problem, max_sets=0, beam=2)
    assert is_legal(problem, found.tasks)
    given_order = range(len(problem.tasks))
    assert peak_of(problem, found.tasks) == found.peak_bytes <= peak_of(problem, given_order)


def two_branches() -> OrderProblem:
    """Both wide tensors first is the worst order; one branch after the other is better."""
    tasks = [
        Task([0], [1]),
        Task([0], [2]),
        Task([1], [3], after=[0]),
        Task([2], [4], after=[1]),
        Task([3, 4], [5], after=[2, 3]),
    ]
    return OrderProblem(tasks, [16, 160, 160, 16, 16, 16], alive=[0], kept=[5])


def test_branches_are_finished_one_by_one() -> None:
    problem = two_branches()
    assert peak_of(problem, range(5)) == 16 + 160 + 160
    assert best_order(problem) == Order((0, 2, 1, 3, 4), 16 + 16 + 160, True)


def test_an_order_that_can_t_be_improved_stays() -> None:
    problem = OrderProblem([Task([0], [1]), Task([0], [2])], [16, 32, 32], [0], [1, 2])
    assert best_order(problem).tasks == (0, 1)


def test_a_large_graph_ends() -> None:
    tasks = [Task([max(0, i - 3)], [i + 1], after=[i - 4] if i > 3 else []) for i in range(600)]
    problem = OrderProblem(tasks, [16 * (1 + i % 7) for i in range(601)], alive=[0])
    assert is_legal(problem, best_order(problem).tasks)
