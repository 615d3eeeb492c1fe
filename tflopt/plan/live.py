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
from typing import Generic, TypeVar

from tflopt.ir import Op, Value
from tflopt.plan.in_place import ValueAlias
from tflopt.plan.lifetimes import ARENA_ALIGNMENT
from tflopt.plan.problem import align_up

Same = Mapping[Value, Value]
"""Values that stand for others, with those."""
End = TypeVar("End")
"""How the place of an operator is told."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One operator as far as memory goes: what it touches beside constants, aligned scratch."""

    touches: tuple[Value, ...]
    scratch_bytes: int
    aliases: tuple[ValueAlias, ...] = ()


def moment_of(op: Op, scratch_bytes: Iterable[int], aliases: tuple[ValueAlias, ...]) -> Moment:
    """What an operator reads and writes, its scratch, and which bytes a plan lets it share."""
    values = (value for value in (*op.inputs, *op.outputs) if value is not None)
    touches = tuple(value for value in values if not value.is_constant)
    scratch = sum(align_up(size, ARENA_ALIGNMENT) for size in scratch_bytes)
    return Moment(touches, scratch, aliases)


def live_bytes(
    inputs: Iterable[Value], outputs: Iterable[Value], moments: Sequence[Moment]
) -> list[int]:
    """Bytes alive at each operator, scratch included.

    Args:
        inputs: of the graph; they live from the first operator on.
        outputs: of the graph; they live beyond the last one.
    """
    lives = Lives[int]()
    for value in inputs:
        lives.see(value, 0)
    for index, moment in enumerate(moments):
        lives.visit(moment, index)
    for value in outputs:
        lives.see(value, len(moments))
    return _profile(lives, moments)


@dataclass
class Lives(Generic[End]):
    """Roots of views, the wholes that parts lie in, and from when to when each root lives."""

    same: Same = field(default_factory=dict)
    roots: dict[Value, Value] = field(default_factory=dict)
    wholes: dict[Value, Value] = field(default_factory=dict)
    first: dict[Value, End] = field(default_factory=dict)
    last: dict[Value, End] = field(default_factory=dict)

    def visit(self, moment: Moment, end: End) -> None:
        """The operators in their order."""
        for alias in moment.aliases:
            if alias.shares_content:
                self.share(alias)
        for value in moment.touches:
            self.see(value, end)

    def share(self, alias: ValueAlias) -> None:
        """Two values share bytes: one is a view of the other, or a part of it."""
        first, second = self.root(alias.first), self.root(alias.second)
        if alias.low == alias.high == 0 and aligned_bytes(first) == aligned_bytes(second):
            self.roots[second] = first
        elif first not in self.wholes and self.whole(second) is not first:
            self.wholes[first] = second

    def root(self, value: Value) -> Value:
        """The value whose bytes these are."""
        value = self.same.get(value, value)
        return self.roots.get(value, value)

    def whole(self, root: Value) -> Value:
        """The value in which a root lies."""
        while root in self.wholes:
            root = self.wholes[root]
        return root

    def see(self, value: Value, end: End) -> None:
        """A value is read or written."""
        root = self.root(value)
        if root not in self.first:
            if root.is_variable or root.is_constant:
                return
            self.first[root] = end
        self.last[root] = end

    def part(self, values: set[Value]) -> Lives[End]:
        """What is known of some values, which share no bytes with others."""
        tables = (self.roots, self.wholes)
        roots, wholes = ({v: t[v] for v in values & t.keys()} for t in tables)
        first, last = ({v: t[v] for v in values & t.keys()} for t in (self.first, self.last))
        return Lives(self.same, roots, wholes, first, last)

    def renew(self, values: set[Value], lives: Lives[End]) -> None:
        """Take over what is now known of some values."""
        for value in values:
            for table in (self.roots, self.wholes, self.first, self.last):
                table.pop(value, None)
        self.roots.update(lives.roots)
        self.wholes.update(lives.wholes)
        self.first.update(lives.first)
        self.last.update(lives.last)

    def groups(self) -> Iterable[list[Value]]:
        """The roots that live, each with those that lie in the same whole."""
        if not self.wholes:
            return ([root] for root in self.first)
        groups: dict[Value, list[Value]] = {}
        for root in self.first:
            groups.setdefault(self.whole(root), []).append(root)
        return groups.values()

    def saved_bytes(self, alias: ValueAlias, end: End) -> int:
        """What an operator saves that writes its output over an input nobody reads later."""
        source, output = self.root(alias.first), self.root(alias.second)
        if alias.shares_content or self.last.get(source) != end:
            return 0
        if self.first.get(output) != end or source in self.wholes:
            return 0
        return overlap_bytes(alias, source, output)


def overlap_bytes(alias: ValueAlias, source: Value, output: Value) -> int:
    """The bytes that two values have in common."""
    size, size_out = aligned_bytes(source), aligned_bytes(output)
    union = max(size_out, (alias.low or 0) + size)
    return max(0, size + size_out - union)


def _profile(lives: Lives[int], moments: Sequence[Moment]) -> list[int]:
    change = [0] * (len(moments) + 2)
    for members in lives.groups():
        most, alive = max(map(aligned_bytes, members)), 0
        for at, grows in _grows(lives, members):
            now = alive + grows
            change[at] += min(most, now) - min(most, alive)
            alive = now
    live = [
        a + moment.scratch_bytes for a, moment in zip(accumulate(change), moments, strict=False)
    ]
    for index, moment in enumerate(moments):
        live[index] -= max((lives.saved_bytes(a, index) for a in moment.aliases), default=0)
    return live


def _grows(lives: Lives[int], members: Sequence[Value]) -> list[tuple[int, int]]:
    """Where which bytes come and go; parts, and the whole in which they lie, never take more
    together than the largest of them.
    """
    sizes = [(root, aligned_bytes(root)) for root in members]
    births = [(lives.first[root], size) for root, size in sizes]
    deaths = [(lives.last[root] + 1, -size) for root, size in sizes]
    return sorted((*births, *deaths))


MOST_BYTES = 1 << 48
"""Far beyond any address space, and sums of thousands of such sizes still are 64-bit numbers."""


def aligned_bytes(value: Value) -> int:
    """What the planner reserves for a value, ``MOST_BYTES`` where a file declares more."""
    return align_up(min(value.size_bytes or 0, MOST_BYTES), ARENA_ALIGNMENT)
