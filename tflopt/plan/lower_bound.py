"""Heights that no plan can be below.

Without aliases: the most bytes live at one step. With aliases buffers may share bytes, so a
plain sum proves nothing. At each step the live buffers fall into groups connected by aliases;
groups lie apart from each other, so their bounds add up. Within a group any set of *blocks* that
may not share bytes with each other adds up as well, where a block is one buffer (its size) or one
aliased pair (the fewest bytes that the two can cover together). The best such set is found
exactly for groups of up to `EXACT_GROUP` buffers, greedily above: any set is a valid bound.

What is proven: no solution of this problem has a height below the bound. What is not: that the
bound can be reached, and anything about plans that use aliases which the problem doesn't list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from tflopt.plan.problem import Alias, Problem

EXACT_GROUP = 10
MOST_UNIONS = 1 << 16
"""That are remembered: a search for bands asks for the same ones again and again."""

_Block = tuple[int, frozenset[int]]


EFFORT = 3_000_000
"""Buffers looked at, at all steps together."""


def lower_bound(problem: Problem) -> int:
    """A height that every solution of ``problem`` reaches or exceeds."""
    return max(peak(problem)[0], _fixed_bound(problem))


def live_bytes(problem: Problem) -> list[tuple[int, int]]:
    """``(step, bytes live from it on)`` for each step at which the sum changes, in time order."""
    change: dict[int, int] = {}
    for buffer in problem.buffers:
        span = buffer.lifetime
        change[span.start] = change.get(span.start, 0) + buffer.size_bytes
        change[span.end] = change.get(span.end, 0) - buffer.size_bytes
    total, timeline = 0, []
    for step in sorted(change):
        total += change[step]
        timeline.append((step, total))
    return timeline


def _fixed_bound(problem: Problem) -> int:
    pinned = (
        buffer.fixed_offset + buffer.size_bytes
        for buffer in problem.buffers
        if buffer.fixed_offset is not None
    )
    return max(pinned, default=0)


def peak(problem: Problem) -> tuple[int, int]:
    """The bound from the buffers that live together, and a step at which it arises.

    Where buffers may share bytes, steps are looked at in the order of their sums, the most first,
    until ``EFFORT`` is spent: a bound from fewer steps is a bound, too.
    """
    sharing, timeline = _sharing_pairs(problem), live_bytes(problem)
    if not sharing:
        step, total = max(timeline, key=lambda moment: (moment[1], -moment[0]), default=(0, 0))
        return total, step
    best, at, effort = 0, 0, EFFORT
    partners, sizes = _partners(sharing), [buffer.size_bytes for buffer in problem.buffers]
    for step, total in sorted(
        _summits(problem, timeline), key=lambda moment: (-moment[1], moment[0])
    ):
        if total <= best or effort < 0:
            break
        live = _live_at(problem, step)
        effort -= len(problem.buffers)
        bound = _bound_at(sizes, live, sharing, partners)
        best, at = (bound, step) if bound > best else (best, at)
    return best, at


def _summits(problem: Problem, timeline: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The steps after which a buffer dies: before that each step has all buffers of the last."""
    ends = {buffer.lifetime.end for buffer in problem.buffers}
    following = [step for step, _ in timeline[1:]]
    return [moment for moment, later in zip(timeline, following, strict=False) if later in ends]


def bounds(problem: Problem) -> list[tuple[int, int]]:
    """``(step, bound from it on)`` for each step at which buffers come or go, in time order."""
    sharing = _sharing_pairs(problem)
    partners, sizes = _partners(sharing), [buffer.size_bytes for buffer in problem.buffers]
    come: dict[int, list[int]] = {}
    for index, buffer in enumerate(problem.buffers):
        come.setdefault(buffer.lifetime.start, []).append(index)
    timeline, live = [], list[int]()
    for step, _ in live_bytes(problem):
        staying = [index for index in live if problem.buffers[index].lifetime.end > step]
        live = sorted(staying + come.get(step, []))
        timeline.append((step, _bound_at(sizes, live, sharing, partners)))
    return timeline


def together(problem: Problem, sets: Iterable[Collection[int]]) -> int:
    """The bound from buffers that live together in any case, whenever that is."""
    sharing = _sharing_pairs(problem)
    partners, sizes = _partners(sharing), [buffer.size_bytes for buffer in problem.buffers]
    needs = (_bound_at(sizes, sorted(members), sharing, partners) for members in sets)
    return max(needs, default=0)


def _live_at(problem: Problem, step: int) -> list[int]:
    return [i for i, b in enumerate(problem.buffers) if b.lifetime.start <= step < b.lifetime.end]


def _partners(sharing: Mapping[frozenset[int], int]) -> dict[int, list[frozenset[int]]]:
    partners: dict[int, list[frozenset[int]]] = {}
    for pair in sharing:
        for index in pair:
            partners.setdefault(index, []).append(pair)
    return partners


def _bound_at(
    sizes: Sequence[int],
    live: Sequence[int],
    sharing: Mapping[frozenset[int], int],
    partners: Mapping[int, Sequence[frozenset[int]]],
) -> int:
    """The bound from buffers that live together, with ``sharing`` pairs merged."""
    members = set(live)
    near = (pair for index in live for pair in partners.get(index, ()))
    pairs = {pair: sharing[pair] for pair in near if pair <= members}
    total = 0
    for group in _groups(live, pairs):
        total += group_bound(sizes, group, pairs)
    return total


def _sharing_pairs(problem: Problem) -> dict[frozenset[int], int]:
    """Pairs that may share bytes at all, with the fewest bytes that the two can cover."""
    pairs: dict[frozenset[int], int] = {}
    for alias in problem.aliases:
        first, second = problem.buffers[alias.first], problem.buffers[alias.second]
        cost = least_union(alias, first.size_bytes, second.size_bytes)
        key = frozenset((alias.first, alias.second))
        if cost < pairs.get(key, first.size_bytes + second.size_bytes):
            pairs[key] = cost
    return pairs


def least_union(alias: Alias, size_first: int, size_second: int) -> int:
    """Bytes covered by both at the best distance that the alias permits, apart otherwise."""
    return union_of(alias.low, alias.high, size_first, size_second)


@lru_cache(MOST_UNIONS)
def union_of(lowest: int | None, highest: int | None, size_first: int, size_second: int) -> int:
    """The same by the distances that an alias permits."""
    low = -size_first if lowest is None else max(lowest, -size_first)
    high = size_second if highest is None else min(highest, size_second)
    if low > high:
        return size_first + size_second
    # The union is constant while one contains the other, and grows linearly outside of that.
    nested = sorted((0, size_second - size_first))
    best = min(max(low, nested[0]), high)
    shared = min(best + size_first, size_second) - max(best, 0)
    return size_first + size_second - max(0, shared)


def _groups(live: Sequence[int], pairs: Mapping[frozenset[int], int]) -> Iterator[list[int]]:
    neighbours: dict[int, list[int]] = {index: [] for index in live}
    for pair in pairs:
        first, second = sorted(pair)
        neighbours[first].append(second)
        neighbours[second].append(first)
    seen: set[int] = set()
    for start in live:
        if start in seen:
            continue
        group, pending = [], [start]
        seen.add(start)
        while pending:
            index = pending.pop()
            group.append(index)
            fresh = [n for n in neighbours[index] if n not in seen]
            seen.update(fresh)
            pending.extend(fresh)
        yield sorted(group)


def group_bound(
    sizes: Sequence[int], group: Sequence[int], pairs: Mapping[frozenset[int], int]
) -> int:
    """The bytes that some buffers cover at least; ``pairs`` of them may share, ``sizes`` are all's.

    ``pairs`` may have others too.
    """
    if len(group) == 1:
        return sizes[group[0]]
    inside = frozenset(group)
    own = {pair: cost for pair, cost in pairs.items() if pair <= inside}
    if len(own) == len(group) - 1:
        centre = frozenset.intersection(*own)
        if centre:
            return _star_bound(sizes, group, own, min(centre))
    blocks: list[_Block] = [(sizes[index], frozenset((index,))) for index in group]
    blocks += [(cost, pair) for pair, cost in own.items()]
    blocks.sort(key=lambda block: (-block[0], sorted(block[1])))
    forbidden = {index: frozenset({index}) for index in group}
    for pair in own:
        for index in pair:
            forbidden[index] |= pair
    if len(group) > EXACT_GROUP:
        return _greedy_set(blocks, forbidden)
    return _best_set(blocks, forbidden, frozenset())


def _star_bound(
    sizes: Sequence[int],
    group: Sequence[int],
    pairs: Mapping[frozenset[int], int],
    centre: int,
) -> int:
    """The same where all pairs have one buffer in common, as a whole and its parts: exact.

    The others lie apart from each other, and next to any pair nothing else may be counted.
    """
    apart = sum(sizes[index] for index in group if index != centre)
    return max(apart, sizes[centre], *pairs.values())


def _reach(block: _Block, forbidden: Mapping[int, frozenset[int]]) -> frozenset[int]:
    return frozenset().union(*(forbidden[index] for index in block[1]))


def _best_set(
    blocks: Sequence[_Block], forbidden: Mapping[int, frozenset[int]], used: frozenset[int]
) -> int:
    for position, block in enumerate(blocks):
        if block[1] & used:
            continue
        rest = blocks[position + 1 :]
        taken = block[0] + _best_set(rest, forbidden, used | _reach(block, forbidden))
        return max(taken, _best_set(rest, forbidden, used))
    return 0


def _greedy_set(blocks: Sequence[_Block], forbidden: Mapping[int, frozenset[int]]) -> int:
    total, used = 0, frozenset[int]()
    for block in blocks:
        if not block[1] & used:
            total += block[0]
            used |= _reach(block, forbidden)
    return total
