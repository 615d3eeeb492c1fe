"""Minimizes a sum of small tables exactly, by eliminating one variable after another."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int64]
FORBIDDEN = np.int64(1) << np.int64(60)
"""The cost of what must not be; no sum of real costs reaches it."""
MAX_ENTRIES = 1 << 21
"""Largest table before some variables keep their value while the others are solved."""
ROUNDS = 4


@dataclass(frozen=True, eq=False)
class Factor:
    """``table[x, y, ...]`` is the cost of the values x, y, ... of ``variables``, in that order."""

    variables: tuple[int, ...]
    table: Table


def cost_of(factors: Sequence[Factor], values: Sequence[int]) -> int:
    """The sum of all tables, at most :data:`FORBIDDEN`."""
    total = sum(int(f.table[tuple(values[v] for v in f.variables)]) for f in factors)
    return min(total, int(FORBIDDEN))


def solve(
    sizes: Sequence[int],
    factors: Sequence[Factor],
    start: Sequence[int],
    max_entries: int = MAX_ENTRIES,
) -> list[int]:
    """Values of least cost: optimal where every table that comes up has ``max_entries`` at most.

    Beyond that, variables of many tables are kept at the best values so far while the others are
    solved exactly, a few times with different ones: never worse than ``start``, not always best.
    The same problem gives the same values every time.

    Args:
        sizes: the number of values of each variable.
        start: values to fall back on.
    """
    best = list(start)
    lowest = cost_of(factors, best)
    for attempt in range(ROUNDS):
        kept = _to_keep(sizes, factors, max_entries, attempt)
        choices = _eliminate(sizes, factors, {v: best[v] for v in kept})
        cost = cost_of(factors, choices)
        if cost < lowest:
            best, lowest = choices, cost
        if all(sizes[v] == 1 for v in kept):
            break
    return best


def _neighbours(count: int, factors: Sequence[Factor]) -> list[set[int]]:
    near: list[set[int]] = [set() for _ in range(count)]
    for factor in factors:
        for variable in factor.variables:
            near[variable].update(v for v in factor.variables if v != variable)
    return near


def _order(
    sizes: Sequence[int], near: list[set[int]], skipped: set[int]
) -> tuple[list[int], int, int]:
    """An order of elimination that keeps tables small, its largest table, and where that is."""
    near = [{v for v in group if v not in skipped} for group in near]
    rest = {v: _entries(sizes, near[v] | {v}) for v in range(len(sizes)) if v not in skipped}
    queue = [(entries, v) for v, entries in rest.items()]
    heapq.heapify(queue)
    order: list[int] = []
    largest, at = 0, -1
    while rest:
        entries, variable = heapq.heappop(queue)
        if rest.get(variable) != entries:
            continue  # it has changed since, and stands in the queue again
        del rest[variable]
        if entries > largest:
            largest, at = entries, variable
        _connect(near, variable)
        for v in near[variable]:
            changed = _entries(sizes, near[v] | {v})
            if changed != rest[v]:
                rest[v] = changed
                heapq.heappush(queue, (changed, v))
        order.append(variable)
    return order, largest, at


def _connect(near: list[set[int]], variable: int) -> None:
    around = near[variable]
    for other in around:
        near[other] |= around
        near[other] -= {other, variable}


def _entries(sizes: Sequence[int], variables: set[int]) -> int:
    total = 1
    for variable in variables:
        total *= sizes[variable]
    return total


def _to_keep(
    sizes: Sequence[int], factors: Sequence[Factor], max_entries: int, attempt: int
) -> set[int]:
    """Variables without which elimination stays small; others with each attempt."""
    near = _neighbours(len(sizes), factors)
    rng = np.random.default_rng(attempt) if attempt else None
    kept = {v for v, size in enumerate(sizes) if size == 1}
    while True:
        _, largest, at = _order(sizes, near, kept)
        if largest <= max_entries:
            return kept
        around = sorted(v for v in (near[at] | {at}) - kept if sizes[v] > 1)
        if rng is None:
            kept.add(max(around, key=lambda v: len(near[v] - kept)))
        else:
            kept.add(int(rng.choice(around)))


def _eliminate(sizes: Sequence[int], factors: Sequence[Factor], fixed: dict[int, int]) -> list[int]:
    """Values of least cost with ``fixed`` ones as given."""
    order, _, _ = _order(sizes, _neighbours(len(sizes), factors), set(fixed))
    tables = dict(enumerate(_restrict(factor, fixed) for factor in factors))
    holding: list[dict[int, None]] = [{} for _ in sizes]
    for number, factor in tables.items():
        for variable in factor.variables:
            holding[variable][number] = None
    trail: list[Factor] = []
    for variable in order:
        numbers = sorted(holding[variable])
        joined = _join(sizes, variable, [tables[number] for number in numbers])
        trail.append(joined)
        for number in numbers:
            for other in tables.pop(number).variables:
                holding[other].pop(number, None)
        last = len(factors) + len(trail)
        tables[last] = Factor(joined.variables[1:], joined.table.min(axis=0))
        for other in joined.variables[1:]:
            holding[other][last] = None
    values = dict(fixed)
    for variable, joined in zip(reversed(order), reversed(trail), strict=True):
        index = tuple(values[v] for v in joined.variables[1:])
        column = np.moveaxis(joined.table, 0, -1)[index]
        values[variable] = int(column.argmin())
    return [values[v] for v in range(len(sizes))]


def _restrict(factor: Factor, fixed: dict[int, int]) -> Factor:
    index = tuple(fixed.get(v, slice(None)) for v in factor.variables)
    left = tuple(v for v in factor.variables if v not in fixed)
    return Factor(left, np.asarray(factor.table[index], dtype=np.int64))


def _join(sizes: Sequence[int], first: int, factors: Sequence[Factor]) -> Factor:
    """The sum of some factors, with ``first`` as the first variable."""
    others = sorted({v for factor in factors for v in factor.variables} - {first})
    variables = (first, *others)
    place = {v: i for i, v in enumerate(variables)}
    total = np.zeros([sizes[v] for v in variables], dtype=np.int64)
    for factor in factors:
        order = sorted(range(len(factor.variables)), key=lambda i: place[factor.variables[i]])
        table = factor.table.transpose(order)
        shape = [sizes[v] if v in factor.variables else 1 for v in variables]
        total = np.minimum(total + table.reshape(shape), FORBIDDEN)
    return Factor(variables, total)
