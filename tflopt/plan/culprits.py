"""Why something doesn't fit: a set of buffers that can't, from which none can be left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tflopt.plan.lower_bound import lower_bound, peak
from tflopt.plan.problem import Problem, restricted
from tflopt.plan.solvers.disjunctive import DisjunctiveSearch
from tflopt.plan.solvers.exact import NodeBudget, NodeLimitError

_NODES = 200
_SEARCHED_BUFFERS = 120


def culprits_of(problem: Problem, capacity: int) -> tuple[str, ...]:
    """Names of buffers that can't fit into ``capacity`` together, the largest first.

    Minimal under removal: without any one of them the others fit, or aren't known not to. Empty if
    nothing is proven. Buffers that live together and exceed the capacity are looked for first;
    otherwise an exhausted search is the proof, up to 120 buffers.
    """
    everything = range(len(problem.buffers))
    if lower_bound(problem) > capacity:
        bound, step = peak(problem)
        spans = [buffer.lifetime for buffer in problem.buffers]
        live = [i for i in everything if spans[i].start <= step < spans[i].end]
        start = live if bound > capacity else list(everything)
        kept = _reduced(problem, start, lambda part: lower_bound(part) > capacity)
    elif len(everything) <= _SEARCHED_BUFFERS and _cannot_fit(problem, capacity):
        kept = _reduced(problem, everything, lambda part: _cannot_fit(part, capacity))
    else:
        return ()
    kept.sort(key=lambda i: -problem.buffers[i].size_bytes)
    return tuple(problem.buffers[i].name for i in kept)


def _reduced(problem: Problem, start: Sequence[int], fails: Callable[[Problem], bool]) -> list[int]:
    """Leave out buffers, small ones first, as long as the rest still fails."""
    kept = list(start)
    for index in sorted(start, key=lambda i: problem.buffers[i].size_bytes):
        fewer = [i for i in kept if i != index]
        if fails(restricted(problem, fewer)):
            kept = fewer
    return kept


def _cannot_fit(problem: Problem, capacity: int) -> bool:
    """Proven by exhaustion; False if it fits or the search was cut short."""
    try:
        return DisjunctiveSearch.of(problem).fit(capacity, NodeBudget(_NODES)) is None
    except NodeLimitError:
        return False
