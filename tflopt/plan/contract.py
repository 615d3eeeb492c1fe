"""Operators that may as well run right before another one: an order needn't place them.

::

    READ --- CONCATENATION        A READ raises the bytes that are live and frees none, so the
             |                    later it runs the better, until somebody waits for it: it and its
    other ---+                    first reader become one task, and there are fewer sets of tasks.

A task joins the first of those that wait for it where all others wait for that one too, where it
never is the last to read anything, and where its scratch isn't what needs most. In any order it
can be moved there: those that it moves behind see fewer bytes, and while it runs, no more are
live than while the other one does.
"""

from __future__ import annotations

from collections.abc import Sequence

from tflopt.plan.order_problem import OrderProblem, Task


def contracted(problem: OrderProblem) -> tuple[OrderProblem, list[tuple[int, ...]]]:
    """The problem with joined tasks, and for each of its tasks those that it stands for, in order.

    The lowest peak is the same. Tasks are given in an order that is possible.
    """
    joins = _joins(problem)
    groups: dict[int, list[int]] = {}
    root = list(range(len(problem.tasks)))
    for index in reversed(root):
        root[index] = root[joins[index]] if index in joins else index
        groups.setdefault(root[index], []).insert(0, index)
    place = {last: number for number, last in enumerate(sorted(groups))}
    members = [tuple(groups[last]) for last in sorted(groups)]
    tasks = []
    for number, group in enumerate(members):
        parts = [problem.tasks[index] for index in group]
        after = {place[root[other]] for part in parts for other in part.after} - {number}
        reads = dict.fromkeys(tensor for part in parts for tensor in part.reads)
        makes = [tensor for part in parts for tensor in part.makes]
        tasks.append(Task(list(reads), makes, parts[-1].scratch_bytes, sorted(after)))
    return OrderProblem(tasks, problem.size_bytes, problem.alive, problem.kept), members


def _joins(problem: OrderProblem) -> dict[int, int]:
    """For each task that joins another one, which."""
    later = _later(problem)
    followers: list[list[int]] = [[] for _ in problem.tasks]
    readers: list[set[int]] = [set() for _ in problem.size_bytes]
    for index, task in enumerate(problem.tasks):
        for other in set(task.after):
            followers[other].append(index)
        for tensor in task.reads:
            readers[tensor].add(index)
    joins = {}
    for index, waiting in enumerate(followers):
        first = min(waiting, default=None)
        if first is None or not all(
            other == first or later[first] >> other & 1 for other in waiting
        ):
            continue
        if _raises_only(problem, index, first, later[index], readers):
            joins[index] = first
    return joins


def _later(problem: OrderProblem) -> list[int]:
    """For each task those that can only run after it, as bits."""
    later = [0] * len(problem.tasks)
    for index in range(len(problem.tasks) - 1, -1, -1):
        for other in problem.tasks[index].after:
            later[other] |= later[index] | 1 << index
    return later


def _raises_only(
    problem: OrderProblem, index: int, first: int, later: int, readers: Sequence[set[int]]
) -> bool:
    """Whether a task frees nothing when it runs, and needs no more than the one that waits."""
    task, other, sizes = problem.tasks[index], problem.tasks[first], problem.size_bytes
    if task.scratch_bytes > other.scratch_bytes + sum(sizes[tensor] for tensor in other.makes):
        return False
    touched = [t for t in {*task.reads, *task.makes} if sizes[t] and t not in problem.kept]
    return all(any(later >> reader & 1 for reader in readers[tensor]) for tensor in touched)
