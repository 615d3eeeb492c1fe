"""The order of operators that keeps the fewest bytes live at the worst moment.

::

    op:        a   b   c   d          Any topological order computes the same. What differs is
    live:      #   ##  ###  #         how many tensors wait for a reader that comes late.
                       ^ peak

A partial order is a set of operators that have run; the bytes that are live then depend on the
set alone, so the search walks over sets, always from the one with the lowest peak so far
(Dijkstra with "max" in place of "+"): the first complete set that it reaches is optimal. Wide
graphs have too many sets; there a beam of the best is kept, and nothing is proven.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MAX_SETS = 100_000
BEAM = 64
MAX_CHECKS = 5_000_000
"""Readiness checks in a search; wide searches of large graphs are cut to it."""


@dataclass(frozen=True)
class Task:
    """One operator: what it reads and makes, its scratch, and the tasks that must precede it.

    Attributes:
        reads: indices of tensors that die after their last reader.
        makes: indices of tensors that it brings to life.
        after: indices of tasks that must have run.
    """

    reads: Sequence[int]
    makes: Sequence[int]
    scratch_bytes: int = 0
    after: Sequence[int] = ()


@dataclass(frozen=True)
class OrderProblem:
    """Tasks over tensors; ``alive`` are live from the start, ``kept`` to the end."""

    tasks: Sequence[Task]
    size_bytes: Sequence[int]
    alive: Sequence[int] = ()
    kept: Sequence[int] = ()


@dataclass(frozen=True)
class Order:
    """Indices of tasks in order, the peak of live bytes, and whether no order has a lower one."""

    tasks: tuple[int, ...]
    peak_bytes: int
    proven: bool


@dataclass
class _Search:
    """Sets of tasks are bit masks: of those that a task waits for, of those that read a tensor."""

    problem: OrderProblem
    waits: list[int] = field(default_factory=list)
    readers: list[int] = field(default_factory=list)
    touched: list[tuple[int, ...]] = field(default_factory=list)
    made_bytes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        tasks, sizes = self.problem.tasks, self.problem.size_bytes
        self.waits = [sum(1 << other for other in set(task.after)) for task in tasks]
        self.readers = [0] * len(sizes)
        for index, task in enumerate(tasks):
            for tensor in task.reads:
                self.readers[tensor] |= 1 << index
        for tensor in self.problem.kept:
            self.readers[tensor] |= 1 << len(tasks)  # a reader that never runs
        both = [sorted({*task.reads, *task.makes}) for task in tasks]
        self.touched = [tuple(t for t in tensors if sizes[t]) for tensors in both]
        self.made_bytes = [sum(sizes[t] for t in task.makes) for task in tasks]

    def start_bytes(self) -> int:
        return sum(self.problem.size_bytes[t] for t in set(self.problem.alive))

    def ready(self, done: int) -> Iterator[int]:
        for index, waits in enumerate(self.waits):
            if not done >> index & 1 and done & waits == waits:
                yield index

    def step(self, done: int, live: int, index: int) -> tuple[int, int]:
        """(bytes while the task runs, bytes live afterwards)."""
        during = after = live + self.made_bytes[index]
        left = ~(done | 1 << index)
        for tensor in self.touched[index]:
            if not self.readers[tensor] & left:
                after -= self.problem.size_bytes[tensor]
        return during + self.problem.tasks[index].scratch_bytes, after


def peak_of(problem: OrderProblem, order: Sequence[int]) -> int:
    """The most bytes that are live at once in an order."""
    search = _Search(problem)
    done, live, peak = 0, search.start_bytes(), 0
    for index in order:
        during, live = search.step(done, live, index)
        done |= 1 << index
        peak = max(peak, during)
    return peak


def best_order(problem: OrderProblem, max_sets: int = MAX_SETS, beam: int = BEAM) -> Order:
    """The order with the lowest peak: proven where the search ends within ``max_sets``.

    Ties go to the order in which the tasks are given, so an order that can't be improved stays.
    """
    count = len(problem.tasks)
    given = tuple(range(count))
    given_peak = peak_of(problem, given)
    if given_peak <= _floor(problem):
        return Order(given, given_peak, True)
    found = _exact(problem, given_peak, min(max_sets, MAX_CHECKS // max(1, count)))
    if found is None:
        found = _beam(problem, max(1, min(beam, MAX_CHECKS // (count * count))))
    return found if found.peak_bytes < given_peak else Order(given, given_peak, found.proven)


def _floor(problem: OrderProblem) -> int:
    """No order can do with less than its largest task."""
    sizes = problem.size_bytes
    return max(
        (
            sum(sizes[t] for t in {*task.reads, *task.makes}) + task.scratch_bytes
            for task in problem.tasks
        ),
        default=0,
    )


def _exact(problem: OrderProblem, limit: int, max_sets: int) -> Order | None:
    search = _Search(problem)
    everything = (1 << len(problem.tasks)) - 1
    best: dict[int, int] = {0: 0}
    came: dict[int, tuple[int, int]] = {}
    queue: list[tuple[int, int, int, int]] = [(0, 0, 0, search.start_bytes())]
    ticket = 0
    while queue:
        peak, _, done, live = heapq.heappop(queue)
        if done == everything:
            return Order(_path(came, done), peak, True)
        if peak > best[done]:
            continue
        if len(best) > max_sets:
            return None
        for index in search.ready(done):
            during, after = search.step(done, live, index)
            now, highest = done | 1 << index, max(peak, during)
            if highest > limit or highest >= best.get(now, limit + 1):
                continue
            best[now], came[now] = highest, (done, index)
            ticket -= 1  # among equals the deepest and latest: it ends soonest
            heapq.heappush(queue, (highest, ticket, now, after))
    return None


def _path(came: dict[int, tuple[int, int]], done: int) -> tuple[int, ...]:
    order: list[int] = []
    while done:
        done, index = came[done]
        order.append(index)
    return tuple(reversed(order))


def _beam(problem: OrderProblem, width: int) -> Order:
    search = _Search(problem)
    states: list[tuple[int, int, int, tuple[int, ...]]] = [(0, search.start_bytes(), 0, ())]
    for _ in problem.tasks:
        reached: dict[int, tuple[int, int, int, tuple[int, ...]]] = {}
        for peak, live, done, order in states:
            for index in search.ready(done):
                during, after = search.step(done, live, index)
                state = (max(peak, during), after, done | 1 << index, (*order, index))
                known = reached.get(state[2])
                if known is None or state[0] < known[0]:
                    reached[state[2]] = state
        states = sorted(reached.values(), key=lambda state: (state[0], state[1], state[3]))[:width]
    peak, _, _, order = states[0]
    return Order(order, peak, False)
