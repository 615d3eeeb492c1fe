"""The bytes alive at each operator, kept while operators change: what :mod:`tflopt.plan.live` says
of a whole sequence, at the price of the values that a change concerns.

::

    operators     a    b    c    d          starts  +x        +y
    x alive       |---------|               stops             -x   -y
    y alive                 |----|          alive = starts up to here - stops before

A value counts where its first operator is, and no longer after its last one, so operators that come
and go in between change nothing of it. Values that share bytes (views, parts of a whole) form a
component, which is counted anew as a whole.

Operators stand in slots, of which some are free for those that come; the sums are kept by blocks
of slots (:mod:`tflopt.plan.slots`), so that no change looks at all operators.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeAlias

from tflopt.ir import Op, Value
from tflopt.plan.ends import Edge, End, add_lives
from tflopt.plan.in_place import ValueAlias
from tflopt.plan.live import Lives, Moment, Same, overlap_bytes
from tflopt.plan.slots import FREE, Edit, Slots

Gap: TypeAlias = "tuple[Op | None, Op | None, int]"
"""Between two operators, None for an end, and how many come there."""


@dataclass(frozen=True)
class Change:
    """Operators that go, come, or touch other values than before; the others keep their order.

    Args:
        gone: those that leave the sequence.
        came: those that enter it, each with its slot.
        moments: what those touch that come, and those that stay and touch other values.
        outputs: of the graph afterwards.
        same: values that stand for others (those of a sketch for the real ones).
    """

    gone: Sequence[Op]
    came: Mapping[Op, int]
    moments: Mapping[Op, Moment]
    outputs: Sequence[Value]
    same: Same = field(default_factory=dict)


class Timeline:
    """The operators of a graph in their order, with the bytes that are alive at each."""

    def __init__(
        self, inputs: Iterable[Value], outputs: Sequence[Value], moments: Mapping[Op, Moment]
    ) -> None:
        self.inputs = frozenset(inputs)
        self.outputs: tuple[Value, ...] = ()
        self.left = frozenset[Value]()
        self.moments: dict[Op, Moment] = {}
        self.touchers: dict[Value, dict[Op, None]] = defaultdict(dict)
        self.sharers: dict[Value, dict[Op, None]] = defaultdict(dict)
        self.lives = Lives[End]()
        self.views: dict[Value, dict[Value, None]] = defaultdict(dict)
        """Of each root, the other values whose bytes it is."""
        self.parts: Counter[Value] = Counter()
        """Of each whole, how many roots lie in it; of each root, how many views lived before."""
        self.slots = Slots(len(moments))
        self.places: dict[Op, int] = {}
        """Each operator's slot."""
        self._peak: int | None = None
        self._ranked: dict[Value, list[Op]] = {}
        came = dict(zip(moments, self.slots.first(len(moments)), strict=True))
        self.apply(Change((), came, moments, outputs))

    @property
    def order(self) -> list[Op]:
        """The operators in their order."""
        return [op for op, _ in sorted(self.places.items(), key=itemgetter(1))]

    @property
    def peak_bytes(self) -> int:
        """The most bytes that are alive at one operator."""
        if self._peak is None:
            self._peak = _peak(self.slots, Edit())
        return self._peak

    def peak_after(self, change: Change) -> int:
        """The most bytes that would be alive at one operator."""
        return _peak(self.slots, _Trial(self, change).edit)

    def apply(self, change: Change) -> None:
        """Make a change, in which values stand for themselves."""
        trial = _Trial(self, change)
        self.slots.apply(trial.edit)
        self._peak = None
        for op in trial.replaced & self.moments.keys():
            for value in self._ranked.keys() & set(self.moments[op].touches):
                del self._ranked[value][self._rank(value, op)]
            for table, value in self._entries(self.moments.pop(op)):
                table[value].pop(op, None)
        for op in change.gone:
            del self.places[op]
        self.places.update(change.came)
        for op, moment in change.moments.items():
            self.moments[op] = moment
            for table, value in self._entries(moment):
                table[value][op] = None
            for value in self._ranked.keys() & set(moment.touches):
                self._ranked[value].insert(self._rank(value, op), op)
        self._renew(trial.values | trial.settled.keys(), trial.after)
        self.outputs, self.left = trial.outputs, trial.left

    def _renew(self, values: set[Value], after: Lives[End]) -> None:
        known = self.lives
        for value in values & known.roots.keys():
            self.views[known.roots[value]].pop(value, None)
            self.parts[known.roots[value]] -= value in known.first
        self.parts.subtract(known.wholes[value] for value in values & known.wholes.keys())
        known.renew(values, after)
        for value, root in after.roots.items():
            self.views[root][value] = None
            self.parts[root] += value in after.first
        self.parts.update(after.wholes.values())

    def ranked(self, value: Value) -> Sequence[Op]:
        """The operators that touch a value, in their order, which is kept once it was asked for:
        one after another of thousands of readers may go."""
        if value not in self._ranked:
            self._ranked[value] = sorted(self.touchers[value], key=self.places.__getitem__)
        return self._ranked[value]

    def _rank(self, value: Value, op: Op) -> int:
        place = self.places.__getitem__
        return bisect_left(self._ranked[value], place(op), key=place)

    def rooms(self, gaps: Sequence[Gap]) -> list[range]:
        """Slots for operators that come between two that stay; what stands between those goes."""
        rooms = [self._room(gap) for gap in gaps]
        if None in rooms:
            order = self.order
            needs = {0 if gap[0] is None else order.index(gap[0]) + 1: gap[2] for gap in gaps}
            moved = self.slots.spread([self.places[op] for op in order], needs)
            self.places = dict(zip(order, moved, strict=True))
            rooms = [self._room(gap) for gap in gaps]
        return [room for room in rooms if room is not None]

    def _room(self, gap: Gap) -> range | None:
        before, after, count = gap
        low = -1 if before is None else self.places[before]
        high = self.slots.count if after is None else self.places[after]
        middle = (low + high + 1 - count) // 2
        return range(middle, middle + count) if high - low > count else None

    def _entries(self, moment: Moment) -> Iterator[tuple[dict[Value, dict[Op, None]], Value]]:
        yield from ((self.touchers, value) for value in moment.touches)
        yield from ((self.sharers, value) for value in _shared(moment))


def ends_of_gap(
    ops: Sequence[Op], place: int, stays: Callable[[Op], bool]
) -> tuple[Op | None, Op | None]:
    """The nearest operators before and after a place that stay; None where there is none."""
    before = next((ops[i] for i in range(place - 1, -1, -1) if stays(ops[i])), None)
    return before, next((ops[i] for i in range(place + 1, len(ops)) if stays(ops[i])), None)


def _moved(before: Lives[End], after: Lives[End]) -> Iterator[End | None]:
    """Where lives began and ended, and do now, but for those for which nothing is different: one of
    thousands of outputs of an operator is no reason to look at all of them."""
    for one, two in ((before.first, after.first), (before.last, after.last)):
        for root in one.keys() | two.keys():
            same = one.get(root) is two.get(root)
            if not same or before.wholes.get(root) is not after.wholes.get(root):
                yield from (one.get(root), two.get(root))


def _shared(moment: Moment) -> set[Value]:
    shares = [alias for alias in moment.aliases if alias.shares_content]
    return {value for alias in shares for value in (alias.first, alias.second)}


def _peak(slots: Slots, edit: Edit) -> int:
    return slots.peak(edit)


class _Trial:
    """A timeline after a change: the values concerned, their lives, and the sums."""

    def __init__(self, line: Timeline, change: Change) -> None:
        self.line, self.change = line, change
        self.replaced = {*change.gone, *change.moments}
        self.fresh: dict[Value, list[Op]] = defaultdict(list)
        self.new_sharers: dict[Value, list[Op]] = defaultdict(list)
        for op, moment in change.moments.items():
            for value in moment.touches:
                self.fresh[self._real(value)].append(op)
            for value in _shared(moment):
                self.new_sharers[self._real(value)].append(op)
        self.stands: dict[Value, list[Value]] = defaultdict(list)
        for one, other in change.same.items():
            self.stands[other].append(one)
        self.outputs = tuple(change.outputs)
        same = self.outputs == line.outputs
        self.left = line.left if same else frozenset(self.outputs)
        self.settled: dict[Value, list[Op]] = {}
        """Roots that keep all their views, with the operators that touch them anew."""
        self.unsettled = self._unsettled()
        self.values, self.linked = self._concerned()
        self.after = self._lives()
        self.edit = self._counted()

    def _real(self, value: Value) -> Value:
        return self.change.same.get(value, value)

    def _moment(self, op: Op) -> Moment:
        moment = self.change.moments.get(op)
        return self.line.moments[op] if moment is None else moment

    def _concerned(self) -> tuple[set[Value], set[Value]]:
        """All values that the change concerns, and those that share bytes with others."""
        concerned, linked, seen = set[Value](), set[Value](), set[Op]()
        waiting = self._first_concerned()
        while waiting:
            value = waiting.pop()
            if value in concerned or self._settle(value):
                continue
            concerned.add(value)
            waiting += [*self.stands.get(value, ()), self._real(value)]
            for op in (*self.line.sharers.get(value, ()), *self.new_sharers.get(value, ())):
                linked.add(value)
                if op not in seen:
                    seen.add(op)
                    waiting += self._sharing(op)
        for value in [*linked]:
            real = self._real(value)
            linked.update((real, *self.stands.get(real, ())))
        return concerned, linked

    def _unsettled(self) -> set[Value] | None:
        """Roots of values that stand for others from now on; None if an operator by which values
        share bytes comes, goes or changes: then any may have other views."""
        line = self.line
        before = (line.moments[op] for op in self.replaced & line.moments.keys())
        if self.new_sharers or any(_shared(moment) for moment in before):
            return None
        pairs = [pair for pair in self.change.same.items() if line.touchers.get(pair[0])]
        return {line.lives.root(value) for pair in pairs for value in pair}

    def _settle(self, value: Value) -> bool:
        """Whether only the lives of what a value shares bytes with may change, not which it is.

        Thousands of views of each other are one root: its life needs no look at all of them.
        """
        line = self.line
        if self.unsettled is None or not line.sharers.get(value):
            return False
        root, known = line.lives.root(value), line.lives
        shares = root in known.roots or root in known.wholes or line.parts[root] > 0
        if shares or root in self.unsettled:
            return False
        self.settled.setdefault(root, []).extend(self.fresh.pop(value, ()))
        return True

    def _first_concerned(self) -> list[Value]:
        waiting = [*self.change.same, *self.stands, *self.fresh]
        for op in self.replaced & self.line.moments.keys():
            waiting += self.line.moments[op].touches
        if not self.line.moments:
            waiting += self.line.inputs
        waiting += self.left ^ self.line.left if self.left is not self.line.left else ()
        return waiting

    def _sharing(self, op: Op) -> Iterator[Value]:
        """The values that share bytes by an operator, before or after."""
        for moment in (self.line.moments.get(op), self.change.moments.get(op)):
            if moment is not None:
                yield from (self._real(value) for value in _shared(moment))

    def _place(self, op: Op) -> int:
        """An operator's slot afterwards."""
        came = self.change.came.get(op)
        return self.line.places[op] if came is None else came

    def _touchers(self, value: Value) -> list[Op]:
        """The operators that touch a value afterwards."""
        known = self.line.touchers.get(value, {})
        return [*(op for op in known if op not in self.replaced), *self.fresh.get(value, ())]

    def _lives(self) -> Lives[End]:
        """Of the values concerned, afterwards."""
        lives = Lives[End](self.change.same)
        for root, fresh in self.settled.items():
            self._live_settled(lives, root, fresh)
        for value in self.values - self.linked - self.change.same.keys():
            self._live_alone(lives, value)
        for value in self.linked & self.line.inputs:
            lives.see(value, Edge.BEGIN)
        touching = {op for value in self.linked for op in self._touchers(value)}
        for op in sorted(touching, key=self._place):
            moment = self._moment(op)
            for alias in moment.aliases:
                if alias.shares_content and self._real(alias.first) in self.linked:
                    lives.share(alias)
            for value in moment.touches:
                if self._real(value) in self.linked:
                    lives.see(value, op)
        for value in self.left & self.linked:
            lives.see(value, Edge.END)
        return lives

    def _live_settled(self, lives: Lives[End], root: Value, fresh: Sequence[Op]) -> None:
        """A root with the views that it had."""
        line, known = self.line, self.line.lives
        first, last = known.first.get(root), known.last.get(root)
        same = self.left is line.left
        ends = {end for end in (first, last) if end is not Edge.BEGIN}
        ops = [end for end in ends if isinstance(end, Op) and end not in self.replaced]
        if len(ops) < len(ends - {Edge.END} if same else ends):
            ops = [op for value in (root, *line.views[root]) for op in self._outermost(value)]
        ops = sorted([*ops, *fresh], key=self._place)
        leaves = (
            last is Edge.END if same else any(v in self.left for v in (root, *line.views[root]))
        )
        seen: list[End] = [Edge.BEGIN] if first is Edge.BEGIN else []
        for end in (*seen, *ops[:1], *ops[-1:], *([Edge.END] if leaves else ())):
            lives.see(root, end)

    def _live_alone(self, lives: Lives[End], value: Value) -> None:
        """A value that shares no bytes: only its first and its last operator count."""
        ops = [*self.fresh.get(value, ())]
        for one in (value, *self.stands.get(value, ())):
            ops += self._ends(one)
        ends: list[End] = [Edge.BEGIN] if value in self.line.inputs else []
        if ops:
            ops.sort(key=self._place)
            ends += (ops[0], ops[-1])
        if any(one in self.left for one in (value, *self.stands.get(value, ()))):
            ends.append(Edge.END)
        for end in ends:
            lives.see(value, end)

    def _ends(self, value: Value) -> list[Op]:
        """The first and the last operator that touched a value before and still does."""
        if not self.line.touchers.get(value):
            return []
        lives = self.line.lives
        ends = [lives.first.get(value), lives.last.get(value)]
        ops = [end for end in ends if isinstance(end, Op) and end not in self.replaced]
        return ops if len(ops) == len(ends) else self._outermost(value)

    def _outermost(self, value: Value) -> list[Op]:
        """As :meth:`_ends`, looked for among all that touch it."""
        ranked = self.line.ranked(value)
        sides = (ranked, reversed(ranked))
        kept = [next((op for op in side if op not in self.replaced), None) for side in sides]
        return [op for op in kept if op is not None]

    def _counted(self) -> Edit:
        """What changes of the sums: the values concerned go, and come again as they are then."""
        line, edit = self.line, Edit()
        before = line.lives.part(self.values | self.settled.keys())
        add_lives(before, edit, line.places.__getitem__, -1)
        add_lives(self.after, edit, self._place, 1)
        edit.extra = {line.places[op]: FREE for op in self.change.gone}
        ends = {end for end in _moved(before, self.after) if isinstance(end, Op)}
        for op in (ends | self.change.moments.keys()).difference(self.change.gone):
            moment = self._moment(op)
            saved = max((self._saved(alias, op) for alias in moment.aliases), default=0)
            edit.extra[self._place(op)] = moment.scratch_bytes - saved
        return edit

    def _saved(self, alias: ValueAlias, op: Op) -> int:
        """As :meth:`Lives.saved_bytes`, with the lives of the values that aren't concerned."""
        if alias.shares_content:
            return 0
        source, lives = self._known(alias.first)
        output, others = self._known(alias.second)
        dies = lives.last.get(source) is op and source not in lives.wholes
        return (
            overlap_bytes(alias, source, output) if dies and others.first.get(output) is op else 0
        )

    def _known(self, value: Value) -> tuple[Value, Lives[End]]:
        if self._real(value) in self.values:
            return self.after.root(value), self.after
        root = self.line.lives.root(self._real(value))
        return root, self.after if root in self.settled else self.line.lives
