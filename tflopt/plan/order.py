"""The order of operators that keeps the fewest bytes live at the worst moment.

::

    op:        a   b   c   d          Any topological order computes the same. What differs is
    live:      #   ##  ###  #         how many tensors wait for a reader that comes late.
                       ^ peak

A partial order is a set of operators that have run; the bytes that are live then depend on the
set alone, so the search walks over sets, always from the one with the lowest peak so far
(Dijkstra with "max" in place of "+"): the first complete set that it reaches is optimal. Wide
graphs have too many sets, even of what is left to be placed (:mod:`tflopt.plan.contract`); there a
beam of the best is kept, and nothing is proven.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tflopt.plan.contract import contracted
from tflopt.plan.order_problem import OrderProblem as OrderProblem
from tflopt.plan.order_problem import Task as Task
from tflopt.plan.recent import Recent

MAX_SETS = 100_000
BEAM = 64
EFFORT = 1_000_000
"""Trials of an operator in one search of a small graph."""
SMALL = 128
"""Operators up to which that effort is nearly kept; then it falls with their square, as there are
more of them to run and each trial looks at more of them."""
BITS = 1024
"""Operators up to which sets of them are looked at: larger ones are numbers of many words."""
LOOK = 64
"""Ready operators that a greedy order compares."""


@dataclass(frozen=True)
class Order:
    """Indices of tasks in order, the peak of live bytes, and whether no order has a lower one."""

    tasks: tuple[int, ...]
    peak_bytes: int
    proven: bool


@dataclass
class _Search:
    """Sets of tasks as bits of an integer: who must precede a task, who reads a tensor."""

    problem: OrderProblem
    readers: list[int] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    followers: list[list[int]] = field(default_factory=list)
    touched: list[list[int]] = field(default_factory=list)
    made_bytes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        problem, kept = self.problem, set(self.problem.kept)
        self.readers = [0] * len(problem.size_bytes)
        self.followers = [[] for _ in problem.tasks]
        for index, task in enumerate(problem.tasks):
            for tensor in task.reads:
                self.readers[tensor] |= 1 << index
            self.before.append(sum(1 << other for other in set(task.after)))
            for other in set(task.after):
                self.followers[other].append(index)
            self.touched.append([t for t in {*task.reads, *task.makes} if t not in kept])
            self.made_bytes.append(sum(problem.size_bytes[t] for t in task.makes))

    def start_bytes(self) -> int:
        return sum(self.problem.size_bytes[t] for t in set(self.problem.alive))

    def first_ready(self) -> tuple[int, ...]:
        """What may run first, in the order given."""
        return tuple(i for i, before in enumerate(self.before) if not before)

    def ready_after(self, ready: tuple[int, ...], done: int, index: int) -> tuple[int, ...]:
        """What may run once ``index`` has, of those in ``done`` the last."""
        fresh = [i for i in self.followers[index] if self.before[i] & done == self.before[i]]
        rest = [i for i in ready if i != index]
        return tuple(sorted(rest + fresh) if fresh else rest)

    def step(self, done: int, live: int, index: int) -> tuple[int, int]:
        """(bytes while the task runs, bytes live afterwards)."""
        sizes, during = self.problem.size_bytes, live + self.made_bytes[index]
        after, now = during, done | 1 << index
        for tensor in self.touched[index]:
            readers = self.readers[tensor]
            if readers & now == readers:
                after -= sizes[tensor]
        return during + self.problem.tasks[index].scratch_bytes, after


def peak_of(problem: OrderProblem, order: Sequence[int]) -> int:
    """The most bytes that are live at once in an order."""
    return max(_timeline(problem, order), default=0)


def _timeline(problem: OrderProblem, order: Sequence[int]) -> Iterator[int]:
    """The bytes that are live while each task runs."""
    walk = _Walk(problem)
    for index in order:
        yield walk.during(index)
        walk.run(index)


class _Walk:
    """One order as it grows: tasks run, and tensors count their readers down."""

    def __init__(self, problem: OrderProblem) -> None:
        self.problem = problem
        self.immortal = set(problem.kept)
        self.live = sum(problem.size_bytes[t] for t in set(problem.alive))
        self.waiting = [0] * len(problem.size_bytes)
        for task in problem.tasks:
            for tensor in set(task.reads):
                self.waiting[tensor] += 1

    def during(self, index: int) -> int:
        """The bytes while a task runs, if it runs next."""
        task, sizes = self.problem.tasks[index], self.problem.size_bytes
        return self.live + sum(sizes[t] for t in task.makes) + task.scratch_bytes

    def freed(self, index: int) -> int:
        """By how much the bytes are fewer once it has run."""
        task, sizes = self.problem.tasks[index], self.problem.size_bytes
        own = set(task.reads)
        gone = (
            t
            for t in {*own, *task.makes}
            if self.waiting[t] - (t in own) <= 0 and t not in self.immortal
        )
        return sum(sizes[t] for t in gone) - sum(sizes[t] for t in task.makes)

    def run(self, index: int) -> None:
        """Let a task run."""
        self.live -= self.freed(index)
        for tensor in set(self.problem.tasks[index].reads):
            self.waiting[tensor] -= 1


def is_least(problem: OrderProblem) -> bool:
    """Whether it is plain that no order has a lower peak than the given one."""
    return peak_of(problem, range(len(problem.tasks))) <= _floor(problem)


def best_order(problem: OrderProblem, max_sets: int = MAX_SETS, beam: int = BEAM) -> Order:
    """The order with the lowest peak: proven where the search ends within ``max_sets``.

    Ties go to the order in which the tasks are given, so an order that can't be improved stays.
    The effort is bounded, whatever the graph: sets, then states of the beam get fewer the more
    tasks there are, and what is left is one greedy order.
    """
    if len(problem.tasks) > BITS:
        return _best_order(problem, max_sets, beam)
    question = problem, max_sets, beam
    return _ORDERS.of(question, lambda: _best_order(*question))


_ORDERS: Recent[tuple[OrderProblem, int, int], Order] = Recent()


def _best_order(problem: OrderProblem, max_sets: int, beam: int) -> Order:
    count = len(problem.tasks)
    given = tuple(range(count))
    given_peak = peak_of(problem, given)
    if given_peak <= _floor(problem):
        return Order(given, given_peak, True)
    effort = EFFORT * SMALL**2 // (SMALL**2 + count**2)
    best = _exact(problem, given_peak, max_sets, effort) if count <= BITS else None
    if best is None:
        greedy, trials = _greedy(problem)
        width = min(beam, effort // max(1, trials))
        best = _beam(problem, width) if width > 1 else greedy
        best = min((best, greedy), key=lambda order: order.peak_bytes)
    return best if best.peak_bytes < given_peak else Order(given, given_peak, best.proven)


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


def _exact(problem: OrderProblem, limit: int, max_sets: int, effort: int) -> Order | None:
    """The order with the lowest peak, which is known to be ``limit`` at most; None if to prove it
    takes more effort.

    No peak counts that is below what the largest task needs anyway: then the search goes straight
    down. A task that raises neither the peak nor the bytes that stay runs at once: those that
    another order has before it then see no more bytes than there, as it frees the more the later
    it runs.
    """
    problem, members = contracted(problem)
    search, floor = _Search(problem), _floor(problem)
    everything = (1 << len(problem.tasks)) - 1
    best: dict[int, int] = {0: floor}
    came: dict[int, tuple[int, int]] = {}
    queue = [(floor, 0, 0, search.start_bytes(), search.first_ready())]
    ticket = 0
    while queue:
        peak, _, done, live, ready = heapq.heappop(queue)
        if done == everything:
            return Order(tuple(i for n in _path(came, done) for i in members[n]), peak, True)
        if peak > best[done]:
            continue
        effort -= _trials(ready)
        if len(best) > max_sets or effort < 0:
            return None
        steps = [(index, *search.step(done, live, index)) for index in ready]
        free = (step for step in steps if step[1] <= peak and step[2] <= live)
        first = next(free, None)
        for index, during, after in steps if first is None else [first]:
            now, highest = done | 1 << index, max(peak, during)
            if highest > limit or highest >= best.get(now, limit + 1):
                continue
            best[now], came[now] = highest, (done, index)
            ticket -= 1  # among equals the deepest and latest: it ends soonest
            following = search.ready_after(ready, now, index)
            heapq.heappush(queue, (highest, ticket, now, after, following))
    return None


def _trials(ready: Sequence[int]) -> int:
    """What it takes to try each that is ready; each gives a list of those that then are."""
    return len(ready) * (1 + len(ready) // 16)


def _path(came: dict[int, tuple[int, int]], done: int) -> tuple[int, ...]:
    order: list[int] = []
    while done:
        done, index = came[done]
        order.append(index)
    return tuple(reversed(order))


def _greedy(problem: OrderProblem) -> tuple[Order, int]:
    """Always what keeps the bytes lowest, of the first few that are ready; and how many trials a
    search over all that are ready has for each of its states.
    """
    walk, waiting = _Walk(problem), [len(set(task.after)) for task in problem.tasks]
    followers: list[list[int]] = [[] for _ in problem.tasks]
    for index, task in enumerate(problem.tasks):
        for other in set(task.after):
            followers[other].append(index)
    ready = [index for index, count in enumerate(waiting) if not count]
    order: list[int] = []
    peak = trials = 0
    while ready:
        trials += _trials(ready)
        some = heapq.nsmallest(LOOK, ready) if len(ready) > LOOK else sorted(ready)
        index = min(some, key=lambda i: (max(peak, walk.during(i)), -walk.freed(i), i))
        ready.remove(index)
        peak = max(peak, walk.during(index))
        walk.run(index)
        order.append(index)
        for other in followers[index]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    return Order(tuple(order), peak, False), trials


@dataclass(frozen=True)
class _State:
    """A set that the beam keeps; ``rank`` orders the orders that led to sets of this size."""

    peak: int
    live: int
    done: int
    ready: tuple[int, ...]
    came: _State | None = None
    last: int = -1
    rank: int = 0


def _beam(problem: OrderProblem, width: int) -> Order:
    search = _Search(problem)
    states = [_State(0, search.start_bytes(), 0, search.first_ready())]
    for _ in problem.tasks:
        reached: dict[int, tuple[int, int, int, _State, int]] = {}
        ticket = 0
        for state in sorted(states, key=lambda state: state.rank):
            for index in state.ready:
                during, after = search.step(state.done, state.live, index)
                now, peak = state.done | 1 << index, max(state.peak, during)
                ticket += 1
                if now not in reached or peak < reached[now][0]:
                    reached[now] = (peak, after, ticket, state, index)
        kept = heapq.nsmallest(width, reached.items(), key=lambda pair: pair[1][:3])
        states = [
            _State(peak, after, now, search.ready_after(came.ready, now, last), came, last, rank)
            for now, (peak, after, rank, came, last) in kept
        ]
    return Order(_order_of(states[0]), states[0].peak, False)


def _order_of(state: _State) -> tuple[int, ...]:
    order: list[int] = []
    current: _State | None = state
    while current is not None and current.came is not None:
        order.append(current.last)
        current = current.came
    return tuple(reversed(order))
