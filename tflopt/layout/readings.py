"""The tables of one tensor: what its copies cost, by the forms of its producer and readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations, product
from math import prod

import numpy as np
import numpy.typing as npt

from tflopt.ir import DType
from tflopt.layout.groups import Group
from tflopt.layout.labels import Label, plan_steps, weight_of
from tflopt.layout.role import Form, Role
from tflopt.layout.solver import FORBIDDEN, Factor, Table

JOINT_ENTRIES = 1 << 15
"""Producer and readers of a tensor share one table up to this size."""
MOST_EXTRA = 2
"""Beyond, a tensor is considered in so many arrangements beside the one it is produced in."""
BYTE = 1 << 30
WEIGHT = 1 << 19
"""Bytes come first, then the number and kind of copies, then how fast operators run."""
TRANSPOSED = frozenset({DType.FLOAT32, DType.INT8, DType.INT16})
"""Element types that TFLM's TRANSPOSE knows (``kernels/cmsis_nn/transpose.cc``)."""
NO_KERNEL = 1 << 58
"""More than all copies together: only a model that has such a TRANSPOSE already keeps one."""

Labels = tuple[Label, ...]


@dataclass
class Reading:
    """A logical tensor with the role that produces it and those that read it.

    Attributes:
        producer: a role, and which of its operands.
        readers: for each role that reads the tensor, which of its operands.
    """

    group: Group
    producer: tuple[int, int]
    readers: dict[int, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Side:
    """A role as far as one tensor is concerned: what each of its forms wants, numbered."""

    role: int
    kinds: tuple[Labels, ...]
    numbers: tuple[int, ...]


def find_readings(roles: Sequence[Role]) -> list[Reading]:
    """Every group that some role produces, with its readers."""
    readings: dict[Group, Reading] = {}
    for number, role in enumerate(roles):
        for index, operand in enumerate(role.operands):
            if operand.is_output:
                readings[operand.group] = Reading(operand.group, (number, index))
    for number, role in enumerate(roles):
        for index, operand in enumerate(role.operands):
            if not operand.is_output and operand.group in readings:
                readings[operand.group].readers.setdefault(number, []).append(index)
    return list(readings.values())


def factors_of(
    reading: Reading, forms: Sequence[Sequence[Form]], sizes: list[int], start: list[int]
) -> list[Factor]:
    """The tables of one tensor; a variable of its own where one table would be too large.

    Args:
        sizes: the number of values of each variable; extended by a variable of its own.
        start: the values to start with; extended likewise.
    """
    role, index = reading.producer
    producer = _side(role, [index], forms[role])
    readers = [_side(role, indices, forms[role]) for role, indices in reading.readers.items()]
    fixed = [side for side in readers if len(side.kinds) == 1]
    always = frozenset(label for side in fixed for label in side.kinds[0])
    moving = [side for side in readers if len(side.kinds) > 1]
    if len(producer.kinds) == 1 and not moving:
        return []
    if prod(len(forms[side.role]) for side in (producer, *moving)) <= JOINT_ENTRIES:
        return [_joint(reading.group, producer, moving, always)]
    return _shared(reading.group, producer, moving, always, sizes, start)


def _side(role: int, indices: Sequence[int], forms: Sequence[Form]) -> _Side:
    read = [tuple(form.labels[index] for index in indices) for form in forms]
    kinds = list(dict.fromkeys(read))
    return _Side(role, tuple(kinds), tuple(kinds.index(labels) for labels in read))


@cache
def _copies(produced: Label, read: frozenset[Label]) -> tuple[int, int, bool]:
    """How many copies there are, their weight, and whether all of them are views."""
    steps = plan_steps(produced, sorted(read, key=_sort_key))
    return len(steps), weight_of(steps), all(step.is_view for step in steps)


def _sort_key(label: Label) -> tuple[int, ...]:
    return tuple(-1 if item is None else item for item in label)


def _cost(group: Group, produced: Label, read: frozenset[Label]) -> int:
    count, weight, views = _copies(produced, read - {produced})
    known = views or group.root.dtype in TRANSPOSED
    return count * group.size_bytes * BYTE + weight * WEIGHT + (0 if known else NO_KERNEL)


def _joint(
    group: Group, producer: _Side, readers: Sequence[_Side], always: frozenset[Label]
) -> Factor:
    sides = (producer, *readers)
    small = np.zeros([len(side.kinds) for side in sides], dtype=np.int64)
    for place in np.ndindex(small.shape):
        read = set(always)
        for side, kind in zip(readers, place[1:], strict=True):
            read.update(side.kinds[kind])
        small[place] = _cost(group, producer.kinds[place[0]][0], frozenset(read))
    table = small[np.ix_(*(side.numbers for side in sides))]
    return Factor(tuple(side.role for side in sides), table)


def _shared(
    group: Group,
    producer: _Side,
    readers: Sequence[_Side],
    always: frozenset[Label],
    sizes: list[int],
    start: list[int],
) -> list[Factor]:
    """Through a variable that says in which arrangements the tensor is at hand."""
    labels = sorted(
        {label for side in readers for kind in side.kinds for label in kind}, key=_sort_key
    )
    sets = [frozenset(subset) for n in range(MOST_EXTRA + 1) for subset in combinations(labels, n)]
    sets.append(frozenset(label for side in readers for label in side.kinds[side.numbers[0]]))
    states = list(dict.fromkeys(product(range(len(producer.kinds)), sets)))
    variable = len(sizes)
    sizes.append(len(states))
    start.append(states.index((producer.numbers[0], sets[-1])))
    costs = [_cost(group, producer.kinds[kind][0], always | extra) for kind, extra in states]
    factors = [Factor((variable,), np.asarray(costs, dtype=np.int64))]
    matches = np.asarray([[kind == number for kind, _ in states] for number in producer.numbers])
    factors.append(Factor((producer.role, variable), _allowed(matches)))
    for side in readers:
        at_hand = [{*extra, *always, producer.kinds[kind][0]} for kind, extra in states]
        fits = np.asarray([[have >= set(kind) for have in at_hand] for kind in side.kinds])
        factors.append(Factor((side.role, variable), _allowed(fits)[list(side.numbers)]))
    return factors


def _allowed(matches: npt.NDArray[np.bool_]) -> Table:
    table: Table = np.where(matches, np.int64(0), FORBIDDEN)
    return table
