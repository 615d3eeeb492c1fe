"""The bytes that are alive at each operator, with what the planner knows of shared bytes.

::

    x ----[RESHAPE]---- y     one tensor: a view has its input's bytes
    x --+
        +-[CONCAT]----- z     the parts lie where the whole will be
    w --+
    z --[ADD]---------- a     z's last reader writes a in its place
    a --[PAD]---------- p     p may begin below a, up to the padding in front

An estimate from below of what a plan's head can be: every one of these is allowed by itself, while
a plan may have to choose between them. It is for weighing alternatives, at a fraction of the
planner's time; what is written is always the plan itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from tflopt.errors import UnsupportedError
from tflopt.ir import Op, Value
from tflopt.plan.find_aliases import ValueAlias, aliases_at
from tflopt.plan.lifetimes import ARENA_ALIGNMENT
from tflopt.plan.problem import align_up

Same = Mapping[Value, Value]
"""Values that stand for others, with those."""


@dataclass(frozen=True)
class Moment:
    """One operator as far as memory goes: what it touches beside constants, aligned scratch."""

    touches: tuple[Value, ...]
    scratch_bytes: int
    aliases: tuple[ValueAlias, ...] = ()


def moment_of(op: Op, scratch_bytes: Iterable[int], in_place: bool) -> Moment:
    """What an operator reads and writes, its scratch, and which bytes a plan lets it share."""
    values = (value for value in (*op.inputs, *op.outputs) if value is not None)
    touches = tuple(value for value in values if not value.is_constant)
    scratch = sum(align_up(size, ARENA_ALIGNMENT) for size in scratch_bytes)
    return Moment(touches, scratch, _aliases(op) if in_place else ())


def _aliases(op: Op) -> tuple[ValueAlias, ...]:
    try:
        return tuple(aliases_at(op))
    except UnsupportedError:
        return ()  # a type that the runtime has no size for; then nothing is planned either


def live_bytes(
    inputs: Iterable[Value], outputs: Iterable[Value], moments: Sequence[Moment], same: Same
) -> list[int]:
    """Bytes alive at each operator, scratch included.

    Args:
        inputs: of the graph; they live from the first operator on.
        outputs: of the graph; they live beyond the last one.
        same: values that stand for others (those of a sketch for the real ones).
    """
    lives = _Lives(same, len(moments))
    for value in inputs:
        lives.see(value, 0)
    for index, moment in enumerate(moments):
        lives.visit(moment, index)
    for value in outputs:
        lives.see(value, len(moments))
    return lives.profile([moment.scratch_bytes for moment in moments], moments)


@dataclass
class _Lives:
    """Roots of views, the wholes that parts lie in, and from when to when each root lives."""

    same: Same
    count: int
    roots: dict[Value, Value] = field(default_factory=dict)
    wholes: dict[Value, Value] = field(default_factory=dict)
    first: dict[Value, int] = field(default_factory=dict)
    last: dict[Value, int] = field(default_factory=dict)

    def visit(self, moment: Moment, index: int) -> None:
        for alias in moment.aliases:
            if alias.shares_content:
                self._share(alias)
        for value in moment.touches:
            self.see(value, index)

    def _share(self, alias: ValueAlias) -> None:
        first, second = self._root(alias.first), self._root(alias.second)
        if alias.low == alias.high == 0 and _size(first) == _size(second):
            self.roots[second] = first
        elif first not in self.wholes and self._whole(second) is not first:
            self.wholes[first] = second

    def _root(self, value: Value) -> Value:
        value = self.same.get(value, value)
        return self.roots.get(value, value)

    def _whole(self, root: Value) -> Value:
        while root in self.wholes:
            root = self.wholes[root]
        return root

    def see(self, value: Value, index: int) -> None:
        root = self._root(value)
        if root not in self.first:
            if root.is_variable or root.is_constant:
                return
            self.first[root] = index
        self.last[root] = index

    def profile(self, scratch: Sequence[int], moments: Sequence[Moment]) -> list[int]:
        change = [0] * (self.count + 2)
        groups: dict[Value, list[Value]] = {}
        for root in self.first:
            if self.wholes:
                groups.setdefault(self._whole(root), []).append(root)
            else:
                self._add(change, root)
        for members in groups.values():
            if len(members) == 1:
                self._add(change, members[0])
        live = [a + b for a, b in zip(accumulate(change), scratch, strict=False)]
        for members in groups.values():
            if len(members) > 1:
                self._add_group(live, members)
        for index, moment in enumerate(moments):
            live[index] -= max((self._saved(a, index) for a in moment.aliases), default=0)
        return live

    def _add(self, change: list[int], root: Value) -> None:
        size = _size(root)
        change[self.first[root]] += size
        change[self.last[root] + 1] -= size

    def _add_group(self, live: list[int], members: Sequence[Value]) -> None:
        """Parts, and the whole in which they lie: never more than the largest of them."""
        most = max(map(_size, members))
        start = min(self.first[root] for root in members)
        end = max(self.last[root] for root in members)
        for index in range(start, min(end, self.count - 1) + 1):
            alive = (_size(r) for r in members if self.first[r] <= index <= self.last[r])
            live[index] += min(most, sum(alive))

    def _saved(self, alias: ValueAlias, index: int) -> int:
        """What an operator saves that writes its output over an input nobody reads later."""
        source, output = self._root(alias.first), self._root(alias.second)
        if alias.shares_content or self.last.get(source) != index:
            return 0
        if self.first.get(output) != index or source in self.wholes:
            return 0
        distance = alias.low or 0
        union = max(_size(output), distance + _size(source))
        return max(0, _size(source) + _size(output) - union)


def _size(value: Value) -> int:
    return align_up(value.size_bytes or 0, ARENA_ALIGNMENT)
