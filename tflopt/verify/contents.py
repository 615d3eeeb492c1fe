"""Which tensors of two models hold the same elements, as far as two files tell.

A file has lost the rewriter's record. What stays of a tensor through every exact rewriting is its
type, how many elements it has, and their scale and zero point; most tensors share these with few
others or none. Those of one kind are paired in the order in which they are computed, where both
models have as many. What an operator only moves is left out, and where that doesn't suffice, what
only an activation without another scale reads. That is likely, not sure: two tensors of a kind may
have changed places.

A layer in bands of rows is the CONCATENATION that joins them, and each band holds its rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise, permutations
from typing import TypeAlias

from tflopt.facts.banded import joins_bands
from tflopt.facts.joins import join_of
from tflopt.facts.operators import Kind, kind_of
from tflopt.facts.work import MOVES
from tflopt.ir import Model, Op, Origin, Value
from tflopt.verify.channels import thinned

Alike: TypeAlias = tuple[Value, Value, Origin | None]
"""A tensor of each model, and how the elements of the first lie in the second; None: alike."""
MOST_AXES = 5
"""Beyond one, of a tensor whose axes may have moved."""


def alike(original: Model, optimized: Model) -> Iterator[Alike]:
    """Pairs of computed tensors of the main graphs that are likely to hold the same elements, the
    optimized model's perhaps without some channels.
    """
    same = list(_alike(original, optimized))
    yield from same
    place = {value: index for index, value in enumerate(original.main.values)}
    for one, two, part in thinned(original, optimized, {two: one for one, two, _ in same}):
        yield one, two, Origin(0, place[one], parts=(part,))
    for one, two, origin in same:
        if origin is None:
            yield from _bands(one, two, Origin(0, place[one]))


def _alike(original: Model, optimized: Model) -> Iterator[Alike]:
    old, new = _kinds(original), _kinds(optimized)
    place = {value: index for index, value in enumerate(original.main.values)}
    for kind, members in new.items():
        ones, twos = old.get(kind, []), members
        if len(ones) != len(twos):
            ones, twos = _ends(ones), _ends(twos)
        if len(ones) != len(twos):
            continue
        for one, two in zip(ones, twos, strict=True):
            moves = _moves(one.shape, two.shape)
            if len(moves) == 1:
                dims, perm = moves[0]
                yield one, two, Origin(0, place[one], dims, perm) if perm else None


def _bands(one: Value, two: Value, origin: Origin) -> Iterator[Alike]:
    """The bands of which ``two`` is made, where it is made of any: rows of ``one``."""
    maker, join = two.producer, join_of(two.producer)
    if maker is None or join is None or not joins_bands(maker) or one.shape != two.shape:
        return
    edges = [0, *accumulate(part.shape[join.axis] for part in join.parts)]
    for part, rows in zip(join.parts, pairwise(edges), strict=True):
        yield one, part, origin.taken(one.shape, join.axis, range(*rows))


def _kinds(model: Model) -> dict[tuple[object, ...], list[Value]]:
    """What operators compute and don't only move, by what stays of it, in order."""
    by_kind: dict[tuple[object, ...], list[Value]] = defaultdict(list)
    for op in model.main.ops:
        if only_moves(op) and not joins_bands(op):
            continue
        for value in op.outputs:
            scale = value.quant.scalar() if value.quant is not None and value.quant.is_set else None
            by_kind[value.dtype, value.elements, scale].append(value)
    return by_kind


def _ends(members: Sequence[Value]) -> list[Value]:
    """Those that nothing but an activation with the same kind of output reads are left out."""
    known = set(members)
    return [value for value in members if not _goes_on(value, known)]


def _goes_on(value: Value, known: set[Value]) -> bool:
    """Whether its only reader, past what moves it, is an activation that gives another of them."""
    while not value.is_graph_output and len(value.users) == 1:
        reader = value.users[0]
        if kind_of(reader) is Kind.UNARY:
            return bool(known & set(reader.outputs))
        if not only_moves(reader) or len(reader.outputs) != 1:
            return False
        value = reader.output
    return False


def only_moves(op: Op) -> bool:
    """Whether it gives elements that it reads, in another place or shape."""
    return kind_of(op) is Kind.VIEW or op.code in MOVES


def _moves(one: Sequence[int], two: Sequence[int]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Ways in which axes may have moved: sizes and order, both empty for none; at most two."""
    first, second = (tuple(size for size in shape if size != 1) for shape in (one, two))
    if first == second or sorted(first) != sorted(second) or len(first) > MOST_AXES:
        return [((), ())]  # in order, or joined by a view
    ways = []
    for perm in permutations(range(len(first))):
        if tuple(first[axis] for axis in perm) == second:
            ways.append((first, perm))
    return ways[:2]
